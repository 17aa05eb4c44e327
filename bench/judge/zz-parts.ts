import { ClosedBins } from '../../src/judge/closed-bins/closed-bins.ts';
import { judgeBins } from '../../src/judge/judge.ts';
import { bins as fleetBins, runFleet } from './synthetic-fleet.ts';
import { benchChecks } from './trial.ts';
const tasks = 1000;
const run = runFleet({ tasks, stages: [0.02, 0.05, 0.2, 0.5] }, 1);
const job = 'shop@production' as const;
const samples: any[] = []; const updates: any[] = [];
const n = 120, shift = 20;
for (let index = 0; index < tasks; index++) {
  const region = `r${run.domain[index]}`; const plain = { region }, ok = { region, code: '200' }, failed = { region, code: '500' };
  const updatedAt = run.updatedAt[index]! + shift;
  if (updatedAt < n) updates.push({ index, admittedAtMs: updatedAt * 60000, servingAtMs: updatedAt * 60000 });
  for (let m = 0; m < n; m++) {
    const bin = m < shift ? m : m - shift; const at = index * fleetBins + bin; const isNew = m >= updatedAt;
    const base = { job, index, incarnation: isNew ? 2 : 1, state: 'serving', fromMs: m * 60000, toMs: m * 60000 + 60000, version: isNew ? 'v_new' : 'v_old' };
    samples.push({ ...base, metric: 'http_requests_total', labels: ok, value: { counterDelta: Math.round(run.requests[at]!) } });
    samples.push({ ...base, metric: 'http_requests_total', labels: failed, value: { counterDelta: run.errors[at]! } });
    for (const metric of ['p99', 'p50', 'cpu', 'memory'] as const) samples.push({ ...base, metric, labels: plain, value: { gauge: run[metric][at]! } });
  }
}
const checks = benchChecks.map((c) => 'errorRatio' in c.metric ? { ...c, metric: { errorRatio: { counter: 'http_requests_total', label: 'code', errorValues: '5xx' } } } : c);
const plan: any = { rollout: 'ro_bench', phase: 3, phaseName: 'half', spec: { checks, failShare: 0.5, alpha: 0.01, binMs: 60_000, warmupMs: 120_000 },
  newVersion: 'v_new', oldVersions: ['v_old'], updates, phaseStartedAtMs: 110 * 60_000, updatedAtMs: 110 * 60_000, deadlineAtMs: 170 * 60_000, phases: 4 };
const cpu = (w: () => void) => { const b = process.cpuUsage(); w(); const { user, system } = process.cpuUsage(b); return (user + system) / 1000; };
const closed = ClosedBins.ofSamples(60000, samples);
const now = 123 * 60000;
let memory: any;
const a: number[] = [], b: number[] = [], c: number[] = [];
for (let i = 0; i < 40; i++) {
  a.push(cpu(() => { memory = judgeBins(plan, closed, undefined, now).memory; }));
  b.push(cpu(() => { judgeBins(plan, closed, memory, now); }));
}
const med = (x: number[]) => x.slice(10).sort((p, q) => p - q)[15]!.toFixed(1);
console.log('look', med(a), 'between', med(b));
