/**
 * The watch after the last phase: harmless ones that end in an alarm, and faults found that begin only then.
 * `node bench/judge/watch.ts [--tasks 20] [--harmless 1000] [--runs 40] [--hours 24]` writes
 * `bench/results/judge-watch-<tasks>.json`. α = 1 % for the deployment, a fifth of it for the watch.
 */
import { parseArgs } from 'node:util';
import { binomialInterval } from '../../src/stats/index.ts';
import { describeMachine, median, writeResult } from '../machine.ts';
import { type LateFault, runWatch } from './watch-fleet.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '20' },
    harmless: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '40' },
    hours: { type: 'string', default: '24' },
  },
});
const tasks = Number(values.tasks);
const pastMinutes = Number(values.hours) * 60;
const faults: readonly LateFault[] = [
  { name: 'leak 1 % per minute, after the last phase', leak: 0.01 },
  { name: 'leak 0.3 % per minute', leak: 0.003 },
  { name: 'latency grows by 1 % per minute', latency: 0.01 },
  { name: 'latency grows by 0.3 % per minute', latency: 0.003 },
  { name: 'errors ×2 from the last phase on', errors: 2 },
  { name: 'errors ×5 from the last phase on', errors: 5 },
];
const startedAt = Date.now();
const lines = [];
for (const fault of [undefined, ...faults]) {
  const runs = Number(fault === undefined ? values.harmless : values.runs);
  const results = Array.from({ length: runs }, (_, i) => runWatch(tasks, pastMinutes, fault, 1 + i));
  const found = results.filter(({ failed }) => failed);
  const round = (share: number) => Math.round(share * 10_000) / 100;
  const byCheck: Record<string, number> = {};
  for (const { check } of found) byCheck[check ?? '?'] = (byCheck[check ?? '?'] ?? 0) + 1;
  const line = {
    fault: fault?.name ?? 'none (harmless)',
    runs,
    alarms: found.length,
    percent: round(found.length / runs),
    interval: binomialInterval(found.length, runs).map(round),
    medianMinutes: found.length > 0 ? median(found.map(({ minutes }) => minutes)) : undefined,
    byCheck,
  };
  lines.push(line);
  console.log(JSON.stringify(line));
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  const figures = { seconds, tasks, pastHours: pastMinutes / 60, alpha: 0.01, share: 0.2, firstSeed: 1, lines };
  writeResult(`judge-watch-${tasks}`, { machine: describeMachine(), ...figures });
}
