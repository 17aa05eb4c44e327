/**
 * How long a verdict takes: a 1,000-task service with five metrics over two hours of minute bins from the sample store,
 * when one more bin has closed; the comparison alone, of 100 bins from tables; and a 12-task
 * service with bins of a second from raw samples. `node bench/judge/speed.ts` writes `bench/results/judge-speed.json`.
 */
import { type JudgePlan, judge } from '../../src/judge/index.ts';
import { judgeTable } from '../../src/judge/judge.ts';
import type { Sample } from '../../src/model/index.ts';
import { rankTest } from '../../src/stats/index.ts';
import { describeMachine, median, writeResult } from '../machine.ts';
import { measureLargeService } from './large-service.ts';
import { runSecondsRollout } from './seconds-fleet.ts';
import { bins, runFleet, tableAt } from './synthetic-fleet.ts';
import { benchChecks, dataAt, warmupBins } from './trial.ts';

const machine = describeMachine();
const run = runFleet({ tasks: 1000, stages: [0.02, 0.05, 0.2, 0.5] }, 1);
const table = tableAt(run, bins, warmupBins);
const data = dataAt(run, bins);
const plan: JudgePlan = {
  rollout: 'ro_bench',
  phase: 3,
  phaseName: 'half',
  spec: { checks: [...benchChecks], failShare: 0.5, alpha: 0.01, binMs: 60_000, warmupMs: 120_000 },
  newVersion: 'v_new',
  updates: [],
  phaseStartedAtMs: 90 * 60_000,
  updatedAtMs: 90 * 60_000,
  deadlineAtMs: bins * 60_000,
  phases: 4,
};
const cpuMs = (work: () => void, times: number): number => {
  work();
  const all: number[] = [];
  for (let i = 0; i < times; i += 1) {
    const before = process.cpuUsage();
    work();
    const { user, system } = process.cpuUsage(before);
    all.push((user + system) / 1000);
  }
  return Math.round(median(all) * 10) / 10;
};
const large = cpuMs(() => judgeTable(plan, benchChecks, table, data, undefined, bins * 60_000), 15);
const fleet = { tasks: 12, requestsPerSecond: 15, errorRatio: 0, newErrorRatio: 0, newLatencyFactor: 1 };
const times = { minBakeMs: 5000, maxBakeMs: 20_000, warmupMs: 3000 };
let looks = 0;
const rollout = cpuMs(() => {
  looks = runSecondsRollout({ ...fleet, ...times }, 1).seconds;
}, 3);
// What 1,000 such services need every ten seconds, from raw samples: 20 tasks, bins of 10 s, half an hour of them.
const small = smallService();
const fromSamples = cpuMs(() => judge(small.plan, small.samples, undefined, small.nowMs), 9);
// The comparison that Kayenta makes, for its usual size.
const groups = Array.from({ length: 50 }, (_, m) =>
  [0, 1].map((g) => Array.from({ length: 1000 }, (_x, i) => ((i * 7919 + m * 31 + g * 17) % 1009) / 1009)),
);
const ranks = cpuMs(() => {
  for (const [a, b] of groups) rankTest(a!, b!, 0.98);
}, 9);
const figures = {
  ...(await measureLargeService()),
  'verdict from raw samples, 20 tasks × 2 checks × 180 bins, ms of CPU': fromSamples,
  'rank tests, 50 metrics × 2 × 1,000 points, ms of CPU': ranks,
  'verdict, 1,000 tasks × 5 metrics × 100 bins, ms of CPU': large,
  'look, 12 tasks, bins of a second, ms of CPU (with making the traffic)': Math.round((rollout / looks) * 10) / 10,
};
for (const [name, value] of Object.entries(figures)) console.log(`${name}: ${value}`);
console.log(`written to ${writeResult('judge-speed', { machine, figures })}`);

function smallService() {
  const fleet20 = { ...fleet, tasks: 20, ...times };
  const samples: Sample[] = [];
  const bounds = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, Number.POSITIVE_INFINITY];
  const ok = { code: '200' };
  const failed = { code: '500' };
  const none = {};
  for (let bin = 0; bin < 180; bin += 1) {
    for (let index = 0; index < fleet20.tasks; index += 1) {
      const isNew = index < 5 && bin >= 140;
      const who = { job: 'shop@production' as const, index, incarnation: isNew ? 2 : 1, state: 'serving' as const };
      const at = { fromMs: bin * 10_000, toMs: bin * 10_000 + 10_000, version: isNew ? 'v_new' : 'v_old' } as const;
      const slow = (bin * 7 + index * 3) % 5;
      const counts = [400, 100, 50, 20, 5, slow, 1, 0, 0, 0];
      samples.push(
        { ...who, ...at, metric: 'http_requests_total', labels: ok, value: { counterDelta: 575 } },
        { ...who, ...at, metric: 'http_requests_total', labels: failed, value: { counterDelta: (bin + index) % 3 } },
        {
          ...who,
          ...at,
          metric: 'http_request_duration_seconds',
          labels: none,
          value: { histogramDelta: { bounds, counts, sum: 9 } },
        },
      );
    }
  }
  const judged: JudgePlan = {
    ...{ rollout: 'ro_bench', phase: 0, phaseName: 'first', newVersion: 'v_new', phases: 3 },
    spec: { checks: [], failShare: 0.5, alpha: 0.01, binMs: 10_000, warmupMs: 30_000 },
    updates: [0, 1, 2, 3, 4].map((index) => ({ index, admittedAtMs: 1_390_000, servingAtMs: 1_400_000 })),
    phaseStartedAtMs: 1_390_000,
    updatedAtMs: 1_400_000,
    deadlineAtMs: 1_800_000,
  };
  return { plan: judged, samples, nowMs: 1_830_000 };
}
