/**
 * Ours and others on the same deployments: what each stops of the harmless ones as its users set it up, and what it
 * finds at the loosest setting at which it stops at most 1 % of them.
 * `node bench/judge/side-by-side.ts [--tasks 200] [--harmless 400] [--runs 100]` writes `bench/results/judge-peers-<tasks>.json`.
 */
import { parseArgs } from 'node:util';
import { binomialInterval } from '../../src/stats/index.ts';
import { describeMachine, writeResult } from '../machine.ts';
import { faults, stagesOf } from './lines.ts';
import { peers } from './peers.ts';
import { runFleet } from './synthetic-fleet.ts';
import { curvesOf, pastCurves, runTrial } from './trial.ts';

const { values } = parseArgs({
  options: {
    tasks: { type: 'string', default: '200' },
    harmless: { type: 'string', default: '400' },
    runs: { type: 'string', default: '100' },
  },
});
const tasks = Number(values.tasks);
const stages = stagesOf(tasks);
const machine = describeMachine();
const compared = faults.filter(({ name }) =>
  ['errors ×1.5', 'p99 +10 %', 'all latency +10 %', 'CPU +10 %'].includes(name),
);
const harmless = Number(values.harmless);
const runs = Number(values.runs);

const scores = peers.map(() => ({ harmless: [] as number[], byFault: compared.map(() => [] as number[]) }));
for (let seed = 1; seed <= harmless; seed += 1) {
  const run = runFleet({ tasks, stages }, seed);
  for (const [i, peer] of peers.entries()) scores[i]!.harmless.push(peer.score(run));
}
for (const [f, fault] of compared.entries()) {
  for (let seed = 1; seed <= runs; seed += 1) {
    const run = runFleet({ tasks, stages, fault }, seed);
    for (const [i, peer] of peers.entries()) scores[i]!.byFault[f]!.push(peer.score(run));
  }
}
const share = (all: readonly number[], factor: number) => all.filter((score) => score >= factor).length / all.length;
const percent = (value: number) => Math.round(value * 1000) / 10;
const rows = peers.map((peer, i) => {
  const { harmless: none, byFault } = scores[i]!;
  const allowed = Math.floor(none.length * 0.01);
  const loosest = [...none].sort((a, b) => b - a)[allowed]! * (1 + 1e-9);
  return {
    name: peer.name,
    usual: peer.usual,
    harmlessAtUsual: percent(share(none, peer.usual)),
    factorForOnePercent: Math.round(loosest * 1000) / 1000,
    found: Object.fromEntries(compared.map(({ name }, f) => [name, percent(share(byFault[f]!, loosest))])),
    foundAtUsual: Object.fromEntries(compared.map(({ name }, f) => [name, percent(share(byFault[f]!, peer.usual))])),
    /** Points of the curve: harmless stopped, found per fault, at factors from tight to loose. */
    curve: [1.01, 1.02, 1.05, 1.1, 1.2, 1.35, 1.5, 2, 2.5, 3, 5].map((factor) => ({
      factor,
      harmless: percent(share(none, factor)),
      found: byFault.map((all) => percent(share(all, factor))),
    })),
  };
});

const history = pastCurves({ tasks, stages }, 60, 900_000);
const ours = (fault: (typeof compared)[number] | undefined, n: number) => {
  let stopped = 0;
  for (let seed = 1; seed <= n; seed += 1) {
    if (runTrial({ tasks, stages, fault }, curvesOf(history, seed), seed).failed) stopped += 1;
  }
  return { stopped, n };
};
const none = ours(undefined, harmless);
const own = {
  name: 'ours, α = 1 %',
  harmless: percent(none.stopped / none.n),
  interval: binomialInterval(none.stopped, none.n).map(percent),
  found: Object.fromEntries(
    compared.map((fault) => {
      const { stopped, n } = ours(fault, runs);
      return [fault.name, percent(stopped / n)];
    }),
  ),
};
console.log(
  `written to ${writeResult(`judge-peers-${tasks}`, { machine, tasks, harmless, runs, peers: rows, ours: own })}`,
);
const names = compared.map(({ name }) => name);
console.log(
  `| judge | harmless stopped as usually set | ${names.map((name) => `${name} found at ≤ 1 %`).join(' | ')} |`,
);
console.log(`|---|---|${names.map(() => '---').join('|')}|`);
for (const { name, harmlessAtUsual, usual, factorForOnePercent, found } of rows) {
  const cells = names.map((fault) => `${found[fault]} %`).join(' | ');
  console.log(`| ${name}, ${usual}× (${factorForOnePercent}× for ≤ 1 %) | ${harmlessAtUsual} % | ${cells} |`);
}
console.log(
  `| **${own.name}** | **${own.harmless} %** | ${names.map((fault) => `**${own.found[fault]} %**`).join(' | ')} |`,
);
