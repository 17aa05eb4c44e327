/**
 * What placebo restarts are good for where nothing is known of restarts: services of 2 tasks (one of them new), 3 and 5
 * (two), and a first deployment of 12 (three); harmless and bad ones, with and without. 20 requests/s per task,
 * 0.5 % of them fail; bins of 5 s, a bake and a placebo of two minutes each; alpha = 1 %.
 * `node bench/judge/placebo.ts [--runs 40] [--bad 20] [--first-seed 1]` writes `bench/results/judge-placebo.json`. Seeds from
 * another number on are deployments that the rule was not chosen on.
 */
import { parseArgs } from 'node:util';
import { type CacheWorld, placeboCurves, watchCaches } from '../../src/judge/testing/cache-world.ts';
import { placeboTasks } from '../../src/rollout/index.ts';
import { compileSpec } from '../../src/spec/index.ts';
import { binomialInterval } from '../../src/stats/index.ts';
import { describeMachine, median, writeResult } from '../machine.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '40' },
    bad: { type: 'string', default: '20' },
    'first-seed': { type: 'string', default: '1' },
  },
});
const firstSeed = Number(values['first-seed']);
const compiled = compileSpec({ name: 'shop', command: 'node server.js', metrics: '/metrics' }, 'rollway.yaml');
if (!compiled.ok) throw new Error('the smallest configuration is refused');
const spec = { ...compiled.value.spec.judge, binMs: 5000 };
const bakeSeconds = 120;

const services = [
  { tasks: 2, newTasks: 1 },
  { tasks: 3, newTasks: 2 },
  { tasks: 5, newTasks: 2 },
  { tasks: 12, newTasks: 3 },
] as const;
const errors = 0.005;
const cold = { cold: 0.4, halves: 60, lostMisses: 0.1 } as const;
const worlds: readonly (readonly [name: string, isHarmless: boolean, world: CacheWorld])[] = [
  ['none (harmless)', true, {}],
  ['none: caches miss 40 %, halving every 60 s, a tenth of misses fails', true, cold],
  ['errors ×3', false, { newErrors: 3 * errors }],
  ['errors ×5', false, { newErrors: 5 * errors }],
  ['latency ×1.5', false, { slower: 1.5 }],
  ['latency ×2', false, { slower: 2 }],
];
const percent = (share: number) => Math.round(1000 * share) / 10;
const machine = describeMachine();
const lines = services.flatMap((service) => {
  const { tasks } = service;
  const restarted = placeboTasks({ placebo: 'auto', size: tasks, budget: { count: 1 }, curves: 0 }).length;
  return worlds.flatMap(([name, isHarmless, world]) => {
    const runs = Number(isHarmless ? values.runs : values.bad);
    const both = [false, true].map((hasPlacebo) => {
      const seconds: number[] = [];
      for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
        const own = { errors, ...service, ...world, seed };
        // The minutes before the first phase: other requests, other shocks.
        const past = hasPlacebo ? [placeboCurves({ ...own, seed: seed + 100_000 }, spec, restarted, bakeSeconds)] : [];
        const seen = watchCaches(own, spec, bakeSeconds, past);
        if (seen.verdict.verdict === 'fail') seconds.push(seen.seconds);
      }
      return {
        stopped: seconds.length,
        percent: percent(seconds.length / runs),
        interval: binomialInterval(seconds.length, runs).map(percent),
        medianSeconds: seconds.length > 0 ? median(seconds) : undefined,
      };
    });
    const [without, withPlacebo] = both as [(typeof both)[number], (typeof both)[number]];
    const say = (one: typeof without) =>
      `${one.percent} % (${one.interval.join('–')})${one.medianSeconds === undefined ? '' : ` · ${one.medianSeconds} s`}`;
    console.log(`| ${tasks} | ${name} | ${say(without)} | ${say(withPlacebo)} |`);
    return { tasks, newTasks: service.newTasks, restarted, name, runs, without, withPlacebo };
  });
});
writeResult('judge-placebo', { machine, binMs: spec.binMs, bakeSeconds, errors, firstSeed, lines });
