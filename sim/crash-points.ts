// node sim/crash-points.ts --points 10000 [--minutes 20]     crash points of rollouts and reverts, all different
import { parseArgs } from 'node:util';
import { describeMachine, writeResult } from '../bench/machine.ts';
import { crashScenario, proveCrashes } from './crash.ts';
import { closeWhole } from './whole.ts';

const { values } = parseArgs({
  options: {
    points: { type: 'string', default: '10000' },
    minutes: { type: 'string', default: '60' },
  },
});
const wanted = Number(values.points);
const untilMs = performance.now() + Number(values.minutes) * 60_000;
const machine = describeMachine();
const beganMs = performance.now();
const cpuBefore = process.cpuUsage();
const points = { rollout: 0, revert: 0 };
const outcomes = new Set<string>();
const failures: string[] = [];
let variants = 0;
for (; points.rollout + points.revert < wanted && performance.now() < untilMs; variants++) {
  for (const kind of ['rollout', 'revert'] as const) {
    const report = await proveCrashes(crashScenario(kind, variants));
    points[kind] += report.points;
    outcomes.add(`${kind}: ${report.reference.outcomes.join(', ')}`);
    failures.push(...report.failures.map((one) => `${kind} ${variants}: ${one}`));
  }
  console.log(`${points.rollout + points.revert} points, ${variants + 1} variants, ${failures.length} failures`);
}
await closeWhole();
for (const failure of failures.slice(0, 20)) console.log(failure);
const { user, system } = process.cpuUsage(cpuBefore);
const file = writeResult('crash-points', {
  machine,
  unit: 'points at which the server died: before and after each commit, and between doing and recording each effect',
  points: { ...points, all: points.rollout + points.revert },
  scenarios: 2 * variants,
  outcomes: [...outcomes].sort(),
  failures,
  seconds: Math.round((performance.now() - beganMs) / 1000),
  pointsPerCpuSecond: Math.round(((points.rollout + points.revert) / (user + system)) * 1e7) / 10,
});
console.log(`written to ${file}`);
if (failures.length > 0) process.exitCode = 1;
