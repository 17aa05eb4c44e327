/**
 * The judge on the synthetic fleet with the troubles of real fleets in it: harmless deployments stopped under each of
 * them and under all, and what is still found under all.
 * `node bench/judge/troubled.ts [--tasks 200] [--each 200] [--harmless 1000] [--runs 40]`
 * writes `bench/results/judge-troubled-<tasks>.json`. Stopped and started again, it goes on where it was.
 */
import { parseArgs } from 'node:util';
import { standard } from '../../src/judge/judge-options.ts';
import { describeMachine, writeResult } from '../machine.ts';
import { faults, type Line, lineOf, stagesOf, tableOf } from './lines.ts';
import type { Fault } from './synthetic-fleet.ts';
import { openTrials } from './trials.ts';
import { type Trouble, troubles } from './troubles.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '200' },
    each: { type: 'string', default: '200' },
    harmless: { type: 'string', default: '1000' },
    runs: { type: 'string', default: '40' },
  },
});
const tasks = Number(values.tasks);
const stages = stagesOf(tasks);
const machine = describeMachine();
// What half of the fleet being new does to all is no difference between new and old: said apart.
const together = troubles.filter((trouble) => trouble !== 'dependency');
const lines: Line[] = [];

const series = (name: string, of: readonly Trouble[]) => {
  const fleet = { tasks, stages, troubles: of };
  const trials = openTrials({ fleet, options: standard, name: `judge-troubled-${tasks}-${name.replaceAll(' ', '-')}` });
  return (called: string, fault: Fault | undefined, runs: number) => {
    if (runs === 0) return;
    lines.push(
      lineOf(
        called,
        Array.from({ length: runs }, (_, i) => trials.run(fault, i + 1)),
      ),
    );
    writeResult(`judge-troubled-${tasks}`, { machine, tasks, stages, alpha: 0.01, lines });
  };
};
for (const trouble of troubles) series(trouble, [trouble])(`none, with ${trouble}`, undefined, Number(values.each));
const all = series('all', together);
all('none, with all but dependency', undefined, Number(values.harmless));
for (const fault of faults) all(fault.name, fault, Number(values.runs));
console.log(tableOf(lines));
