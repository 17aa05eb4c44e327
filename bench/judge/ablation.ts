/**
 * What each part of the method is good for: the same deployments with one part switched off.
 * `node bench/judge/ablation.ts [--tasks 20] [--harmless 150] [--runs 40]` writes `bench/results/judge-ablation-<tasks>.json`.
 * Stopped and started again, it goes on where it was.
 */
import { parseArgs } from 'node:util';
import type { AgeCurves } from '../../src/judge/index.ts';
import { type JudgeOptions, standard } from '../../src/judge/judge-options.ts';
import { describeMachine, writeResult } from '../machine.ts';
import { lineOf, stagesOf } from './lines.ts';
import type { Fault } from './synthetic-fleet.ts';
import { openTrials } from './trials.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '20' },
    harmless: { type: 'string', default: '150' },
    runs: { type: 'string', default: '40' },
  },
});
const tasks = Number(values.tasks);
const stages = stagesOf(tasks);

const changed = (curves: AgeCurves, change: Partial<AgeCurves[string]>): AgeCurves =>
  Object.fromEntries(Object.entries(curves).map(([name, curve]) => [name, { ...curve, ...change }]));
const never = (curves: AgeCurves) => Object.values(curves)[0]!.variance.map((ages) => ages.map(() => 0));

interface Without {
  readonly name: string;
  readonly options?: Partial<JudgeOptions>;
  readonly curves?: (curves: AgeCurves) => AgeCurves | undefined;
}
const parts: readonly Without[] = [
  { name: 'nothing (all parts on)' },
  { name: 'leaving the worst task out', options: { leaveOneOut: false } },
  { name: 'regions of their own', options: { regions: false } },
  { name: 'the spread between rollouts', curves: (curves) => changed(curves, { variance: never(curves) }) },
  { name: 'the jitter of a restart', curves: (curves) => changed(curves, { jitter: 0 }) },
  {
    name: 'age curve and spread',
    curves: (curves) => changed(curves, { variance: never(curves), mean: [], jitter: 0 }),
  },
  { name: 'any history (the wide guess stands in)', curves: () => undefined },
];

const machine = describeMachine();
const lines = parts.map(({ name, options, curves: known }) => {
  const called = `judge-ablation-${tasks}-${name.replace(/ ?\(.*/, '').replaceAll(' ', '-')}`;
  const trials = openTrials({ fleet: { tasks, stages }, options: { ...standard, ...options }, name: called, known });
  const run = (fault: Fault | undefined, runs: number) =>
    lineOf(
      fault?.name ?? 'none',
      Array.from({ length: runs }, (_, i) => trials.run(fault, i + 1)),
    );
  const line = {
    without: name,
    harmless: run(undefined, Number(values.harmless)),
    errors: run({ name: 'errors ×1.5', errors: 1.5 }, Number(values.runs)),
    p99: run({ name: 'p99 +10 %', p99: 1.1 }, Number(values.runs)),
  };
  console.log(
    `${name}: harmless ${line.harmless.percent} %, errors ${line.errors.percent} %, p99 ${line.p99.percent} %`,
  );
  return line;
});
writeResult(`judge-ablation-${tasks}`, { machine, tasks, stages, lines });
