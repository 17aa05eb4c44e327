/**
 * First rollouts of a service of which no history tells what a restart does: harmless ones whose caches fill slowly, and
 * bad ones. 12 tasks, 3 of them new, bins of 5 s, a bake of two minutes; alpha = 1 %.
 * `node bench/judge/first-deployments.ts [--runs 40] [--first-seed 1]` writes `bench/results/judge-first-deployments.json`.
 * Seeds from another number on are deployments that no rule was chosen on.
 */
import { parseArgs } from 'node:util';
import { type CacheWorld, watchCaches } from '../../src/judge/testing/cache-world.ts';
import { compileSpec } from '../../src/spec/index.ts';
import { binomialInterval } from '../../src/stats/index.ts';
import { describeMachine, median, writeResult } from '../machine.ts';

const { values } = parseArgs({
  options: { runs: { type: 'string', default: '40' }, 'first-seed': { type: 'string', default: '1' } },
});
const runs = Number(values.runs);
const firstSeed = Number(values['first-seed']);
const compiled = compileSpec({ name: 'shop', command: 'node server.js', metrics: '/metrics' }, 'rollway.yaml');
if (!compiled.ok) throw new Error('the smallest configuration is refused');
const spec = { ...compiled.value.spec.judge, binMs: 5000 };

const worlds: readonly (readonly [string, CacheWorld])[] = [
  ['none (harmless)', {}],
  ['none: caches miss 10 %, halving every 30 s', { cold: 0.1, halves: 30 }],
  ['none: caches miss 10 %, halving every 60 s', { cold: 0.1, halves: 60 }],
  ['none: caches miss 10 %, halving every 60 s, a tenth of misses fails', { cold: 0.1, halves: 60, lostMisses: 0.1 }],
  ['none: caches miss 40 %, halving every 60 s', { cold: 0.4, halves: 60 }],
  ['a cache that never fills: 10 % miss', { cold: 0.1, halves: Number.POSITIVE_INFINITY }],
  ['errors 0.1 % → 0.5 %', { newErrors: 0.005 }],
  ['errors 0.1 % → 2 %', { newErrors: 0.02 }],
  ['errors 0.1 % → 8 %', { newErrors: 0.08 }],
  ['half as slow again', { slower: 1.5 }],
  ['twice as slow', { slower: 2 }],
];
const percent = (share: number) => Math.round(1000 * share) / 10;
const machine = describeMachine();
const lines = worlds.map(([name, world]) => {
  const seconds: number[] = [];
  for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
    const seen = watchCaches({ ...world, seed }, spec);
    if (seen.verdict.verdict === 'fail') seconds.push(seen.seconds);
  }
  const interval = binomialInterval(seconds.length, runs).map(percent);
  const line = { name, runs, stopped: seconds.length, percent: percent(seconds.length / runs), interval };
  const medianSeconds = seconds.length > 0 ? median(seconds) : undefined;
  console.log(`| ${name} | ${line.percent} % (${interval.join('–')}) | ${medianSeconds ?? '–'} s |`);
  return { ...line, medianSeconds };
});
const facts = { tasks: 12, newTasks: 3, binMs: 5000, bakeSeconds: 120, firstSeed };
writeResult('judge-first-deployments', { machine, ...facts, lines });
