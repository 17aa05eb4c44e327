/**
 * Whether what the traffic before a rollout promises is kept: for each deployment the smallest worsening that its own
 * promise names is planted, and found by the end of the phase it was promised for, or not. Promised are 80 %.
 * `node bench/judge/promises.ts [--tasks 200] [--runs 40]` writes `bench/results/judge-promises-<tasks>.json`; with
 * `--only errors` it prints that check alone and writes nothing.
 */
import { parseArgs } from 'node:util';
import { binomialInterval } from '../../src/stats/index.ts';
import { describeMachine, median, writeResult } from '../machine.ts';
import { stagesOf } from './lines.ts';
import { bins, type Fault, runFleet, updateBins } from './synthetic-fleet.ts';
import { curvesOf, pastCurves, promisesOf, runTrial } from './trial.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '200' },
    runs: { type: 'string', default: '40' },
    only: { type: 'string' },
  },
});
const tasks = Number(values.tasks);
const runs = Number(values.runs);
const stages = stagesOf(tasks);
const machine = describeMachine();
const history = pastCurves({ tasks, stages }, 40, 900_000);
const percent = (k: number, n: number) => {
  const [low, high] = binomialInterval(k, n);
  return { percent: Math.round((1000 * k) / n) / 10, interval: [low, high].map((x) => Math.round(1000 * x) / 10) };
};

const lines: object[] = [];
for (const check of ['errors', 'p99', 'cpu'] as const) {
  if (values.only !== undefined && values.only !== check) continue;
  for (const phase of updateBins.keys()) {
    const end = (updateBins[phase + 1] ?? bins) - updateBins[0];
    const sizes: number[] = [];
    let found = 0;
    for (let seed = 1; seed <= runs; seed += 1) {
      const curves = curvesOf(history, seed);
      const promise = promisesOf(runFleet({ tasks, stages }, seed), curves)[phase]!;
      const { smallest, oldLevel } = promise.checks.find((one) => one.check === check)!;
      if (smallest === undefined) continue;
      const ratio = 1 + (check === 'errors' ? smallest / oldLevel! : smallest);
      sizes.push(ratio - 1);
      const fault: Fault = { name: check, [check]: ratio };
      const result = runTrial({ tasks, stages, fault }, curves, seed);
      if (result.failed && result.minutes <= end) found += 1;
    }
    const n = sizes.length;
    const line = { check, phase, runs: n, smallestPercent: n > 0 ? Math.round(1000 * median(sizes)) / 10 : undefined };
    lines.push({ ...line, ...(n > 0 ? percent(found, n) : {}) });
    console.log(JSON.stringify(lines.at(-1)));
  }
}
if (values.only === undefined) writeAll();

function writeAll(): void {
  let reached = 0;
  let ended = 0;
  for (let seed = 1; seed <= runs * 2; seed += 1) {
    const curves = curvesOf(history, seed);
    const promises = promisesOf(runFleet({ tasks, stages }, seed), curves);
    const result = runTrial({ tasks, stages }, curves, seed, undefined, promises);
    if (result.failed) continue;
    ended += updateBins.length;
    reached += result.reached;
  }
  const harmless = { phases: ended, promiseReached: reached, ...percent(reached, ended) };
  console.log(JSON.stringify(harmless));
  writeResult(`judge-promises-${tasks}`, { machine, tasks, runs, promised: 80, lines, harmless });
}
