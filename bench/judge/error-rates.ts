/**
 * Error rates of the judge on the synthetic fleet: harmless deployments stopped, planted faults found.
 * `node bench/judge/error-rates.ts [--tasks 200] [--runs 200] [--harmless 1000] [--only "p99 +10 %"] [--every-bin] [--whole]`
 * writes `bench/results/judge-error-rates-<tasks>.json` as it goes. Stopped and started again, it goes on where it was.
 * `--whole`: with guards, routes, and the shares of neighbours and of the watch. `--share 1/2` tries every second
 * deployment only and sums nothing up: so two processes can do what one adds up later.
 */
import { parseArgs } from 'node:util';
import { standard } from '../../src/judge/judge-options.ts';
import { planLooksAtEveryBin } from '../../src/judge/looks.ts';
import { describeMachine, writeResult } from '../machine.ts';
import { faults, type Line, lineOf, stagesOf, tableOf } from './lines.ts';
import type { Fault } from './synthetic-fleet.ts';
import { openTrials } from './trials.ts';
import { wholeJudged } from './whole.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '200' },
    runs: { type: 'string', default: '200' },
    harmless: { type: 'string', default: '1000' },
    only: { type: 'string' },
    'every-bin': { type: 'boolean', default: false },
    whole: { type: 'boolean', default: false },
    share: { type: 'string' },
  },
});
const tasks = Number(values.tasks);
const stages = stagesOf(tasks);
const options = values['every-bin'] ? { ...standard, planLooks: planLooksAtEveryBin } : standard;
const machine = describeMachine();
const name = `judge-error-rates-${tasks}${values['every-bin'] ? '-every-bin' : ''}${values.whole ? '-whole' : ''}`;
const trials = openTrials({ fleet: { tasks, stages }, options, name, judge: values.whole ? wholeJudged : undefined });
const [part = 1, parts = 1] = values.share?.split('/').map(Number) ?? [];
const wanted: { fault: Fault | undefined; runs: number }[] = [
  { fault: undefined, runs: Number(values.harmless) },
  ...faults.map((fault) => ({ fault, runs: Number(values.runs) })),
];
const lines: Line[] = [];
for (const { fault, runs } of wanted) {
  if (runs === 0 || (values.only !== undefined && (fault?.name ?? 'none') !== values.only)) continue;
  const seeds = Array.from({ length: runs }, (_, i) => i + 1).filter((seed) => seed % parts === part % parts);
  const results = seeds.map((seed) => trials.run(fault, seed));
  if (parts > 1) continue;
  const line = lineOf(fault?.name ?? 'none (harmless)', results);
  lines.push(line);
  const { fault: of, percent, interval, medianMinutes, medianBlastPercent } = line;
  console.log(`${of}: ${percent} % (${interval.join('–')}), ${medianMinutes} min, blast ${medianBlastPercent} %`);
  writeLines(lines);
}
console.log(tableOf(lines));

function writeLines(written: readonly Line[]): void {
  const looks = values['every-bin'] ? 'at every bin' : 'planned';
  const figures = { tasks, stages, alpha: 0.01, looks, firstSeed: 1, method: trials.method, lines: written };
  writeResult(name, { machine, ...figures });
}
