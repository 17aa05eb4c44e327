/**
 * What it costs to judge many small services at once: each of 20 tasks with the metrics of a Prometheus client library
 * and what the fleet sees by itself, all checks that it gets without configuration (two and the guards), four new
 * tasks, bins of 10 s. Every service is judged whenever a bin has closed, as the server does it: from the sample store,
 * with the memory of the look before. Time is virtual; processor time is real. Looks also write down what they were made
 * from. `node bench/judge/fleet-of-services.ts [--services 1000]` writes `bench/results/judge-fleet.json`.
 */
import { parseArgs } from 'node:util';
import { ClosedBinsCache } from '../../src/judge/closed-bins/cache.ts';
import { type JudgeMemory, type JudgePlan, openSampleStore, writeInput } from '../../src/judge/index.ts';
import { judgeBins } from '../../src/judge/judge.ts';
import { seededChance } from '../../src/kit/index.ts';
import { fleetMetrics, type JobId, type RolloutId, type Sample } from '../../src/model/index.ts';
import { compileSpec } from '../../src/spec/index.ts';
import { describeMachine, writeResult } from '../machine.ts';

const { values } = parseArgs({
  options: {
    services: { type: 'string', default: '1000' },
    /** Bins of the past, and those in which every service is judged. */
    past: { type: 'string', default: '60' },
    judged: { type: 'string', default: '18' },
  },
});
const services = Number(values.services);
const past = Number(values.past);
const judged = Number(values.judged);
const tasks = 20;
const newTasks = 4;
const binMs = 10_000;
const startMs = 1_700_000_040_000;
const machine = describeMachine();
const compiled = compileSpec({ name: 'shop', command: 'node server.js', metrics: '/metrics' }, 'rollway.yaml');
if (!compiled.ok) throw new Error('the smallest configuration is refused');
const spec = { ...compiled.value.spec.judge, binMs };

const chance = seededChance(1, 'fleet of services');
const bounds = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, Number.POSITIVE_INFINITY];
const jobs = Array.from({ length: services }, (_, i): JobId => `service-${i}@production`);
/** Rollouts are of different age: updated at one of 30 bins before the first that is judged. */
const updatedAt = jobs.map((_, i) => past - 1 - (i % 30));
const store = await openSampleStore({ nowMs: startMs, settings: { binMs } });
const labels = Array.from({ length: tasks }, (_, index) => {
  const region = index % 2 === 0 ? 'east' : 'west';
  const of = (more: Record<string, string>) => ({ region, host: `host-${index}`, ...more });
  return { none: of({}), ok: of({ code: '200' }), failed: of({ code: '500' }), ready: of({ outcome: 'ready' }) };
});

/** One bin of a service; the tasks below `newTasks` are new from a bin on. */
function samplesOf(bin: number, isUpdated: boolean): Sample[] {
  const fromMs = startMs + bin * binMs;
  return Array.from({ length: tasks }, (_, index) => index).flatMap((index) => {
    const isNew = isUpdated && index < newTasks;
    const who = { job: jobs[0]!, index, incarnation: isNew ? 2 : 1, state: 'serving' as const };
    const base = { ...who, version: isNew ? ('v_new' as const) : ('v_old' as const), fromMs, toMs: fromMs + binMs };
    const { none, ok, failed, ready } = labels[index]!;
    const some = (n: number) => Math.floor(n * (0.8 + 0.4 * chance.next()));
    const counts = [some(400), some(100), some(50), some(20), some(5), some(4), some(2), 0, 0, 0];
    const one = (metric: string, of: Readonly<Record<string, string>>, value: Sample['value']): Sample => {
      return { ...base, metric, labels: of, value };
    };
    return [
      one('http_requests_total', ok, { counterDelta: some(575) }),
      one('http_requests_total', failed, { counterDelta: some(3) }),
      one('http_request_duration_seconds', none, { histogramDelta: { bounds, counts, sum: 9 * chance.next() } }),
      one(fleetMetrics.cpu, none, { gauge: 0.2 + 0.05 * chance.next() }),
      one(fleetMetrics.memory, none, { gauge: 8e7 + some(1e6) }),
      one(fleetMetrics.connections, none, { gauge: some(20) }),
      one(fleetMetrics.restarts, none, { counterDelta: 0 }),
      one(fleetMetrics.probes, ready, { counterDelta: 5 }),
    ];
  });
}

const cpuMs = (since: NodeJS.CpuUsage) => {
  const { user, system } = process.cpuUsage(since);
  return (user + system) / 1000;
};
const cache = new ClosedBinsCache();
const memories = new Map<JobId, JudgeMemory>();
const spent = { appending: 0, judging: 0, inputs: 0, first: 0 };
const perBin: number[] = [];
let looks = 0;
let inputBytes = 0;
for (let bin = 0; bin < past + judged; bin += 1) {
  const nowMs = startMs + (bin + 1) * binMs;
  const [before, after] = [samplesOf(bin, false), samplesOf(bin, true)];
  const appending = process.cpuUsage();
  for (const [i, job] of jobs.entries()) {
    const batch = bin >= updatedAt[i]! ? after : before;
    for (const sample of batch) (sample as { job: JobId }).job = job;
    store.append(batch, nowMs);
  }
  await store.tend(nowMs);
  if (bin >= past) spent.appending += cpuMs(appending);
  if (bin < past) continue;
  const turn = { judging: 0 };
  for (const [i, job] of jobs.entries()) {
    const updatedAtMs = startMs + updatedAt[i]! * binMs;
    const rollout = `ro_${i}` as RolloutId;
    const plan: JudgePlan = {
      ...{ rollout, phase: 0, phaseName: 'first', spec, newVersion: 'v_new', oldVersions: ['v_old'], phases: 3 },
      updates: Array.from({ length: newTasks }, (_, index) => ({
        ...{ index, admittedAtMs: updatedAtMs, servingAtMs: updatedAtMs },
      })),
      ...{ phaseStartedAtMs: updatedAtMs, updatedAtMs, deadlineAtMs: updatedAtMs + 30 * 60_000 },
    };
    const memory = memories.get(job);
    const judging = process.cpuUsage();
    const read = cache.read(store, rollout, { job, binMs, fromMs: updatedAtMs - 120 * binMs });
    const judgement = judgeBins(plan, read.bins, memory, nowMs);
    turn.judging += cpuMs(judging);
    memories.set(job, judgement.memory);
    if (judgement.memory.looks === (memory?.looks ?? 0)) continue;
    looks += 1;
    const writing = process.cpuUsage();
    inputBytes += writeInput({ plan, samples: read.samples(), memory, nowMs }).length;
    if (bin > past) spent.inputs += cpuMs(writing);
  }
  const shrinking = process.cpuUsage();
  cache.shrink();
  turn.judging += cpuMs(shrinking);
  perBin.push(turn.judging);
  if (bin === past) spent.first = turn.judging;
  else spent.judging += turn.judging;
  console.log(`bin ${bin - past + 1} of ${judged}: ${Math.round(turn.judging)} ms of CPU for ${services} verdicts`);
}
const turns = judged - 1;
const round = (value: number) => Math.round(value * 100) / 100;
const percentOfCore = (ms: number) => round((100 * ms) / turns / binMs);
const mebibytes = (bytes: number) => Math.round(bytes / 1024 / 1024);
const figures = {
  services,
  'tasks each': tasks,
  'series in the store': store.counts().series,
  'checks of each': [...memories.values()][0] === undefined ? 0 : checksOf([...memories.values()][0]!),
  'virtual seconds judged': (turns * binMs) / 1000,
  'verdict, ms of CPU': round(spent.judging / turns / services),
  'judging, % of one core': percentOfCore(spent.judging),
  'first verdict of a rollout (all bins read), ms of CPU': round(spent.first / services),
  'writing down what looks were made from, % of one core': percentOfCore(spent.inputs),
  'taking in the samples, % of one core': percentOfCore((spent.appending * turns) / judged),
  looks,
  'an input, KiB': looks === 0 ? 0 : Math.round(inputBytes / looks / 1024),
  'kept of closed bins, MiB': mebibytes(cache.bytes),
  'rollouts kept': cache.size,
  'resident, with the samples, MiB': mebibytes(process.memoryUsage().rss),
};
console.log(figures);
console.log(`written to ${writeResult('judge-fleet', { machine, figures })}`);

function checksOf({ state }: JudgeMemory): number {
  const [phase] = Object.values(state.phases as Record<string, { readonly verdicts: object }>);
  return Object.keys(phase!.verdicts).length;
}
