/**
 * What the job's own past of a week is good for where no old task is left: services of 1, 2, 3 and 5 tasks that are all
 * updated at once, at any time of the day and at nine o'clock, when all levels rise by half within half an hour by themselves; harmless and
 * bad ones, with and without. Bins of a minute, a bake of 20 minutes; alpha = 1 %.
 * `node bench/judge/seasons.ts [--runs 200] [--bad 40] [--first-seed 1]` writes `bench/results/judge-seasons.json`.
 */
import { parseArgs } from 'node:util';
import { type SeasonalWorld, watchSeason } from '../../src/judge/testing/seasonal-world.ts';
import { binomialInterval } from '../../src/stats/index.ts';
import { describeMachine, median, writeResult } from '../machine.ts';

const { values } = parseArgs({
  options: {
    runs: { type: 'string', default: '200' },
    bad: { type: 'string', default: '40' },
    'first-seed': { type: 'string', default: '1' },
  },
});
const firstSeed = Number(values['first-seed']);
const worlds: readonly (readonly [name: string, isHarmless: boolean, world: Partial<SeasonalWorld>])[] = [
  ['none (harmless), at any time', true, {}],
  ["none (harmless), about nine o'clock", true, { updatedAtHour: 9 }],
  ['CPU +10 %', false, { cpu: 1.1 }],
  ['CPU +25 %', false, { cpu: 1.25 }],
  ['CPU +50 %', false, { cpu: 1.5 }],
  ['latency +25 %', false, { slower: 1.25 }],
  ['latency +50 %', false, { slower: 1.5 }],
  ['errors ×2', false, { errors: 2 }],
  ['errors ×3', false, { errors: 3 }],
];
const percent = (share: number) => Math.round(1000 * share) / 10;
const machine = describeMachine();
const lines = [1, 2, 3, 5].flatMap((tasks) =>
  worlds.flatMap(([name, isHarmless, world]) => {
    const runs = Number(isHarmless ? values.runs : values.bad);
    const tryAll = (knows: boolean): Line => {
      const minutes: number[] = [];
      const by: Record<string, number> = {};
      let undecided = 0;
      for (let seed = firstSeed; seed < firstSeed + runs; seed += 1) {
        // Spread over the day, or over the forty minutes about the jump, by the seed.
        const part = (seed * 0.618033988749895) % 1;
        const hour = world.updatedAtHour === undefined ? 24 * part : world.updatedAtHour - 0.33 + 0.67 * part;
        const seen = watchSeason({ ...{ seed, tasks, days: 8 }, ...world, updatedAtHour: hour }, knows);
        if (seen.verdict.verdict === 'undecided') undecided += 1;
        if (seen.verdict.verdict !== 'fail') continue;
        minutes.push(seen.minutes);
        const check = seen.verdict.perCheck[0]!.check;
        by[check] = (by[check] ?? 0) + 1;
      }
      return {
        ...{ stopped: minutes.length, percent: percent(minutes.length / runs), by },
        interval: binomialInterval(minutes.length, runs).map(percent),
        undecidedPercent: percent(undecided / runs),
        medianMinutes: minutes.length > 0 ? median(minutes) : undefined,
      };
    };
    const [without, withPast] = [tryAll(false), tryAll(true)];
    console.log(`| ${tasks} | ${name} | ${say(without)} | ${say(withPast)} |`);
    return { tasks, name, runs, without, withPast };
  }),
);
writeResult('judge-seasons', { machine, days: 8, bakeMinutes: 20, alpha: 0.01, firstSeed, lines });

interface Line {
  readonly stopped: number;
  /** Of those that were stopped, by which check. */
  readonly by: Readonly<Record<string, number>>;
  readonly percent: number;
  readonly interval: readonly number[];
  readonly undecidedPercent: number;
  readonly medianMinutes: number | undefined;
}

function say({ percent, interval, undecidedPercent, medianMinutes }: Line): string {
  const minutes = medianMinutes === undefined ? '' : ` · ${medianMinutes} min`;
  return `${percent} % (${interval.join('–')})${minutes}, undecided ${undecidedPercent} %`;
}
