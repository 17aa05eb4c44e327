/**
 * How long a verdict takes: a 1,000-task service with five metrics and 100 minute bins from tables, and a 12-task
 * service with bins of a second from raw samples. `node bench/judge/speed.ts` writes `bench/results/judge-speed.json`.
 */
import type { JudgePlan } from '../../src/judge/index.ts';
import { judgeTable } from '../../src/judge/judge.ts';
import { describeMachine, median, writeResult } from '../machine.ts';
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
const figures = {
  'verdict, 1,000 tasks × 5 metrics × 100 bins, ms of CPU': large,
  'look, 12 tasks, bins of a second, ms of CPU (with making the traffic)': Math.round((rollout / looks) * 10) / 10,
};
for (const [name, value] of Object.entries(figures)) console.log(`${name}: ${value}`);
console.log(`written to ${writeResult('judge-speed', { machine, figures })}`);
