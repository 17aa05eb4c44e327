/**
 * Error rates of the judge on the synthetic fleet: harmless deployments stopped, planted faults found.
 * `node bench/judge/error-rates.ts [--tasks 200] [--runs 200] [--harmless 1000] [--only "p99 +10 %"] [--every-bin]`
 * writes `bench/results/judge-error-rates-<tasks>.json` as it goes.
 */
import { parseArgs } from 'node:util';
import { standard } from '../../src/judge/judge.ts';
import { planLooksAtEveryBin } from '../../src/judge/looks.ts';
import { describeMachine, writeResult } from '../machine.ts';
import { faults, type Line, lineOf, stagesOf, tableOf } from './lines.ts';
import type { Fault } from './synthetic-fleet.ts';
import { curvesOf, pastCurves, runTrial, type TrialResult } from './trial.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '200' },
    runs: { type: 'string', default: '200' },
    harmless: { type: 'string', default: '1000' },
    only: { type: 'string' },
    'every-bin': { type: 'boolean', default: false },
  },
});
const tasks = Number(values.tasks);
const stages = stagesOf(tasks);
const firstSeed = 1;
const options = values['every-bin'] ? { ...standard, planLooks: planLooksAtEveryBin } : standard;
const startedAt = Date.now();
const machine = describeMachine();
const history = pastCurves({ tasks, stages }, 60, 900_000);
const wanted: { fault: Fault | undefined; runs: number }[] = [
  { fault: undefined, runs: Number(values.harmless) },
  ...faults.map((fault) => ({ fault, runs: Number(values.runs) })),
];
const lines: Line[] = [];
for (const { fault, runs } of wanted) {
  if (runs === 0 || (values.only !== undefined && (fault?.name ?? 'none') !== values.only)) continue;
  const results: TrialResult[] = [];
  for (let i = 0; i < runs; i += 1) {
    const seed = firstSeed + i;
    results.push(runTrial({ tasks, stages, fault }, curvesOf(history, seed), seed, options));
    // Long lines are written down on the way: whoever stops it keeps what is done.
    if (i % 250 === 249) writeLines([...lines, lineOf(fault?.name ?? 'none (harmless)', results)]);
  }
  const line = lineOf(fault?.name ?? 'none (harmless)', results);
  lines.push(line);
  const { fault: name, percent, interval, medianMinutes, medianBlastPercent } = line;
  console.log(`${name}: ${percent} % (${interval.join('–')}), ${medianMinutes} min, blast ${medianBlastPercent} %`);
  writeLines(lines);
}
console.log(tableOf(lines));

function writeLines(written: readonly Line[]): void {
  const looks = values['every-bin'] ? 'at every bin' : 'planned';
  const seconds = Math.round((Date.now() - startedAt) / 1000);
  const figures = { seconds, tasks, stages, alpha: 0.01, looks, firstSeed, lines: written };
  writeResult(`judge-error-rates-${tasks}${values['every-bin'] ? '-every-bin' : ''}`, { machine, ...figures });
}
