import { outliersAmong } from '../outliers.ts';

/**
 * For so many bins old tasks are asked how much they vary. Counts of an hour vary more beside their mean than those of a
 * minute (a task's own drift does not average out): asked over all the time since the first phase, old tasks said twice
 * of new tasks that are a few bins old.
 */
export function typicalLength(seen: readonly { readonly expected: number; readonly bins: number }[]): number {
  const weighed = seen.reduce((sum, { expected, bins }) => sum + expected * bins, 0);
  return Math.max(
    1,
    Math.ceil(
      weighed /
        Math.max(
          1e-12,
          seen.reduce((sum, { expected }) => sum + expected, 0),
        ),
    ),
  );
}

/** More often than this, events are a part of all requests (half of them are slower than the median), not rare. */
const oftenShare = 0.05;

/** What is left of the variance of a count when a part of all occasions are events: 1 - that part. */
export function leastDispersionOf(sums: readonly { readonly expected: number; readonly exposure: number }[]): number {
  const share =
    sums.reduce((sum, { expected }) => sum + expected, 0) / sums.reduce((sum, { exposure }) => sum + exposure, 1e-9);
  return share > oftenShare ? 1 - Math.min(share, 0.6) : 1;
}

export function dispersionOf(sums: readonly { readonly events: number; readonly expected: number }[], least: number) {
  let squares = 0;
  let expected = 0;
  // As among new tasks those far out are left out: a few ill hosts must not hide what all others show.
  const excess = (sum: (typeof sums)[number]) => (sum.events - sum.expected) / Math.sqrt(sum.expected + 0.25);
  const worstFirst = sums.length >= 20 ? [...sums].sort((a, b) => excess(b) - excess(a)) : sums;
  const kept = sums.length >= 20 ? worstFirst.slice(outliersAmong(worstFirst.map(excess))) : sums;
  for (const sum of kept) {
    squares += (sum.events - sum.expected) * (sum.events - sum.expected);
    expected += sum.expected;
  }
  const freedom = Math.max(1, kept.length - 1);
  const raw = expected > 0 ? (squares / expected) * (kept.length / freedom) : 1;
  // With little expected, a single event says nothing about dispersion.
  const trust = expected / (expected + 5);
  return { overdispersion: Math.max(least, least + (raw - least) * trust), freedom };
}
