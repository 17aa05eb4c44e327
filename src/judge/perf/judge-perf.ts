import type { Verdict } from '../../model/index.ts';
import { studentAbove, studentUpper, trimmedMean } from '../../stats/index.ts';
import { type PerfPair, type PerfPlan, perfLooks } from './plan.ts';

/** What so many pairs say. Relative numbers: 0.02 is 2 % worse, -0.02 is 2 % better. */
export interface PerfVerdict {
  readonly verdict: Verdict;
  /** Nothing that is measured further would change it. */
  readonly isDone: boolean;
  /** Pairs up to the look that decided; undecided: all. */
  readonly pairs: number;
  /** How much worse the new build is, and the interval that misses the truth once in a hundred times, all looks together. */
  readonly worse: number | undefined;
  readonly interval: readonly [number, number] | undefined;
  readonly sentence: string;
}

/** Of the pairs, from each end: what the machine did to them says nothing of a build. */
const trimmed = 0.2;
/** Chance of passing a build that is worse by the margin, over all looks. */
const passAlpha = 0.05;

/**
 * Is the new build slower than the old one by more than its owner cares about? Pairs of runs, one after the other on
 * the same machine; of each pair the logarithm of new ÷ old; of those the trimmed mean against `delta` (fail) and
 * `margin` (pass). Looks stand at fixed numbers of pairs and share the chances of error evenly (Bonferroni), so it
 * may stop at the first one that decides. Pure: the same pairs, the same verdict.
 *
 * After ServiceLab's A/B tests before production (Meta, OSDI 2024): repeated, interleaved, with a confidence statement.
 */
export function judgePerf(plan: PerfPlan, pairs: readonly PerfPair[]): PerfVerdict {
  const worsenings = pairs.map((pair) => worseningOf(plan, pair));
  const looks = perfLooks(plan);
  for (const [at, look] of looks.entries()) {
    if (look > pairs.length) break;
    const seen = lookAt(plan, worsenings.slice(0, look), looks.length);
    if (seen === undefined) continue;
    const isLast = at === looks.length - 1;
    if (seen.verdict !== 'undecided' || isLast) return { ...seen, isDone: true };
  }
  const seen = lookAt(plan, worsenings, looks.length, false);
  const few = `${pairs.length} pairs of runs are too few to say anything.`;
  const none = { verdict: 'undecided', pairs: pairs.length, worse: undefined, interval: undefined } as const;
  return { ...(seen ?? { ...none, sentence: few }), isDone: pairs.length >= plan.maxPairs };
}

/** Logarithm of how much worse: of a pair that was not measured well, not a number. */
function worseningOf({ better }: PerfPlan, pair: PerfPair): number {
  const ratio = better === 'lower' ? pair.new / pair.old : pair.old / pair.new;
  return pair.new > 0 && pair.old > 0 ? Math.log(ratio) : Number.NaN;
}

function lookAt(
  plan: PerfPlan,
  worsenings: readonly number[],
  looks: number,
  mayDecide = true,
): Omit<PerfVerdict, 'isDone'> | undefined {
  const known = worsenings.filter((value) => !Number.isNaN(value));
  const found = trimmedMean(known, trimmed);
  if (found === undefined || known.length < 5) return undefined;
  const { mean, freedom } = found;
  // Numbers that never differ, as of a counter: then nothing is left to chance.
  const error = Math.max(found.error, 1e-12);
  const above = (limit: number) => studentAbove((mean - Math.log1p(limit)) / error, freedom);
  const isFail = mayDecide && above(plan.delta) < plan.alpha / looks;
  const isPass = mayDecide && 1 - above(plan.margin) < passAlpha / looks;
  const reach = error * studentUpper(0.005 / looks, freedom);
  const worse = Math.expm1(mean);
  const interval = [Math.expm1(mean - reach), Math.expm1(mean + reach)] as const;
  // Surely worse than delta and surely less than the margin: less than its owner can live with.
  const verdict = isPass ? 'pass' : isFail ? 'fail' : 'undecided';
  const pairs = worsenings.length;
  return { verdict, pairs, worse, interval, sentence: sentenceOf(plan, verdict, worse, interval, pairs) };
}

function sentenceOf(
  { better, delta, margin }: PerfPlan,
  verdict: Verdict,
  worse: number,
  [low, high]: readonly [number, number],
  pairs: number,
): string {
  const isMore = worse >= 0 === (better === 'lower');
  const size = `${better === 'lower' ? 'takes' : 'reaches'} ${percent(Math.abs(worse))} ${isMore ? 'more' : 'less'}`;
  const said = {
    fail: `surely more than the ${percent(delta)} that is tolerated`,
    pass: `surely less than ${percent(margin)} worse`,
    undecided: `whether it is ${percent(margin)} worse cannot be told`,
  };
  return `The new build ${size} than the old one (99 % interval of the worsening ${signed(low)} to ${signed(high)}, ${pairs} pairs of runs): ${said[verdict]}.`;
}

function percent(value: number): string {
  return `${(value * 100).toFixed(value < 0.1 ? 1 : 0)} %`;
}

function signed(value: number): string {
  return `${value < 0 ? '−' : '+'}${percent(Math.abs(value))}`;
}
