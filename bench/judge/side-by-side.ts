/**
 * Ours and others on the same deployments, of three fleets: the synthetic one, the same with the troubles of real ones,
 * and the sparse, heavy-tailed one. What each stops of the harmless ones as its users set it up; what it finds at the
 * loosest setting at which it stops at most 1 % of them; and the whole curve between.
 * `node bench/judge/side-by-side.ts [--tasks 200] [--harmless 300] [--runs 60] [--fleet calm|troubled|sparse]` writes
 * `bench/results/judge-peers-<fleet>.json` and `docs/images/judge-side-by-side-<fleet>.svg`.
 */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { binomialInterval } from '../../src/stats/index.ts';
import { describeMachine, writeResult } from '../machine.ts';
import { type CurvePanel, drawCurves } from './curve-picture.ts';
import { faults, stagesOf } from './lines.ts';
import { ownScore } from './own-score.ts';
import { peers } from './peers.ts';
import {
  runSparseFleet,
  type SparseRun,
  sparseChecks,
  sparseCurvesOf,
  sparseDataAt,
  sparsePastCurves,
  sparseTableAt,
} from './sparse-fleet.ts';
import { type FleetRun, tableAt } from './synthetic-fleet.ts';
import { benchChecks, curvesOf, dataAt, pastCurves, warmupBins } from './trial.ts';
import { runTroubledFleet, type Trouble, troubles } from './troubles.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '200' },
    harmless: { type: 'string', default: '300' },
    runs: { type: 'string', default: '60' },
    fleet: { type: 'string' },
  },
});
const tasks = Number(values.tasks);
const stages = stagesOf(tasks);
const machine = describeMachine();
const images = join(import.meta.dirname, '../../docs/images');
const sizes = { harmless: Number(values.harmless), runs: Number(values.runs) };

/** A fleet, what can be wrong with a version on it, and the score that ours gives. */
interface Column<Run extends FleetRun> {
  readonly fleet: string;
  readonly faults: readonly string[];
  readonly run: (fault: string | undefined, seed: number) => Run;
  readonly own: (run: Run, seed: number) => number;
}
const judges = [{ name: 'ours', usual: 100 }, ...peers.map(({ name, usual }) => ({ name, usual }))];
const scoresOf = <Run extends FleetRun>(column: Column<Run>, fault: string | undefined, n: number): number[][] => {
  const all = judges.map((): number[] => []);
  for (let seed = 1; seed <= n; seed += 1) {
    const run = column.run(fault, seed);
    all[0]!.push(column.own(run, seed));
    for (const [i, peer] of peers.entries()) all[i + 1]!.push(peer.score(run));
  }
  return all;
};
/** A score of 0: it would not have been stopped at any setting. */
const share = (all: readonly number[], factor: number) =>
  all.filter((score) => score > 0 && score >= factor).length / all.length;
const percent = (value: number) => Math.round(value * 1000) / 10;

function compare<Run extends FleetRun>(column: Column<Run>): void {
  const panels: CurvePanel[] = [];
  const harmless = scoresOf(column, undefined, sizes.harmless);
  const byFault = column.faults.map((fault) => scoresOf(column, fault, sizes.runs));
  const isMeant = (i: number) => column.fleet !== 'sparse' || !judges[i]!.name.includes('SPRT');
  for (const [f, fault] of column.faults.entries()) {
    const curves = judges.flatMap(({ name }, i) =>
      isMeant(i) ? [{ judge: name, points: curveOf(harmless[i]!, byFault[f]![i]!) }] : [],
    );
    panels.push({ title: fault, curves });
  }
  const rows = judges.flatMap(({ name, usual }, i) => {
    if (!isMeant(i)) return [];
    const allowed = Math.floor(harmless[i]!.length * 0.01);
    const loosest = [...harmless[i]!].sort((a, b) => b - a)[allowed]! * (1 + 1e-9);
    // Ours keeps its α: a tuned one would not be known before the deployments were seen.
    const used = i === 0 ? usual : loosest;
    const stopped = harmless[i]!.filter((score) => score >= usual).length;
    return [
      {
        judge: name,
        usual,
        harmlessAtUsual: percent(stopped / harmless[i]!.length),
        interval: binomialInterval(stopped, harmless[i]!.length).map(percent),
        setting: Math.round(used * 1000) / 1000,
        found: column.faults.map((_, f) => percent(share(byFault[f]![i]!, used))),
        foundIfTuned: column.faults.map((_, f) => percent(share(byFault[f]![i]!, loosest))),
      },
    ];
  });
  console.log(`\n**${column.fleet}**\n`);
  console.log(`| judge | harmless stopped as usually set | ${column.faults.join(' | ')} |`);
  console.log(`|---|---|${column.faults.map(() => '---').join('|')}|`);
  for (const { judge, harmlessAtUsual, interval, found } of rows)
    console.log(
      `| ${judge} | ${harmlessAtUsual} % (${interval.join('–')}) | ${found.map((x) => `${x} %`).join(' | ')} |`,
    );
  writeFileSync(join(images, `judge-side-by-side-${column.fleet}.svg`), drawCurves(panels));
  const figures = { machine, fleet: column.fleet, tasks, ...sizes, faults: column.faults, rows };
  console.log(`\nwritten to ${writeResult(`judge-peers-${column.fleet}`, figures)}`);
}

/** Every setting at which another harmless deployment is stopped. */
function curveOf(harmless: readonly number[], faulty: readonly number[]): [number, number][] {
  const sorted = [...harmless].sort((a, b) => b - a);
  const points: [number, number][] = [[0, share(faulty, sorted[0]! * (1 + 1e-9))]];
  for (const [i, score] of sorted.entries()) {
    if (sorted[i + 1] === score) continue;
    points.push([(i + 1) / sorted.length, score > 0 ? share(faulty, score) : 1]);
  }
  // Of a stretch at one height its ends suffice.
  return points.filter(([, y], i) => y !== points[i - 1]?.[1] || y !== points[i + 1]?.[1]);
}

const synthetic = (fleet: string, of: readonly Trouble[] | undefined): Column<FleetRun> => {
  const history = pastCurves({ tasks, stages, troubles: of }, 40, 900_000);
  return {
    fleet,
    faults: faults.map(({ name }) => name),
    run: (fault, seed) =>
      runTroubledFleet({ tasks, stages, troubles: of, fault: faults.find(({ name }) => name === fault) }, seed),
    own: (run, seed) =>
      ownScore(
        benchChecks,
        (end) => ({ table: tableAt(run, end, warmupBins), data: dataAt(run, end) }),
        curvesOf(history, seed),
      ),
  };
};
const sparse = (): Column<SparseRun> => {
  const history = sparsePastCurves(40, 900_000);
  const slower: Record<string, number> = { 'latency +10 %': 1.1, 'latency +25 %': 1.25, 'latency +50 %': 1.5 };
  return {
    fleet: 'sparse',
    faults: Object.keys(slower),
    run: (fault, seed) => runSparseFleet(fault === undefined ? 1 : slower[fault]!, seed),
    own: (run, seed) => {
      const at = (end: number) => ({ table: sparseTableAt(run, end), data: sparseDataAt(run, end) });
      return ownScore(sparseChecks, at, sparseCurvesOf(history, seed, run));
    },
  };
};
const fleets: Readonly<Record<string, () => void>> = {
  calm: () => compare(synthetic('calm', undefined)),
  troubled: () =>
    compare(
      synthetic(
        'troubled',
        troubles.filter((trouble) => trouble !== 'dependency'),
      ),
    ),
  sparse: () => compare(sparse()),
};
for (const [name, run] of Object.entries(fleets)) if ((values.fleet ?? name) === name) run();
