import { normalAbove, normalQuantile } from './normal.ts';

/** Mann–Whitney's test with the Hodges–Lehmann shift, as `wilcox.test(conf.int = TRUE)` of R computes them. */
export interface RankTest {
  /** Pairs in which x is larger, ties half. */
  readonly u: number;
  readonly pGreater: number;
  readonly pLess: number;
  readonly pTwoSided: number;
  /** Shift of x against y with its confidence interval (normal approximation, continuity correction, ties). */
  readonly shift: number;
  readonly interval: readonly [number, number];
}

export function rankTest(x: readonly number[], y: readonly number[], confidence = 0.95): RankTest {
  const { u, z } = statistics(x, y, 0);
  const correction = (side: number) => z(side);
  return {
    u,
    pGreater: normalAbove(correction(1)),
    pLess: normalAbove(-correction(-1)),
    pTwoSided: Math.min(1, 2 * Math.min(normalAbove(correction(1)), normalAbove(-correction(-1)))),
    shift: solveShift(x, y, 0, 0),
    interval: [
      solveShift(x, y, -normalQuantile((1 - confidence) / 2), 1),
      solveShift(x, y, normalQuantile((1 - confidence) / 2), -1),
    ],
  };
}

/** U of x - shift against y, and its standardised distance from the middle with the continuity correction of a side. */
function statistics(x: readonly number[], y: readonly number[], shift: number) {
  const m = x.length;
  const n = y.length;
  const all = [...x.map((value) => [value - shift, 1] as const), ...y.map((value) => [value, 0] as const)];
  all.sort((a, b) => a[0] - b[0]);
  let rankSum = 0;
  let ties = 0;
  for (let from = 0; from < all.length; ) {
    let to = from + 1;
    while (to < all.length && all[to]![0] === all[from]![0]) to += 1;
    const size = to - from;
    ties += size * (size * size - 1);
    const rank = (from + 1 + to) / 2;
    for (let i = from; i < to; i += 1) rankSum += all[i]![1] * rank;
    from = to;
  }
  const u = rankSum - (m * (m + 1)) / 2;
  const total = m + n;
  const sigma = Math.sqrt(((m * n) / 12) * (total + 1 - ties / (total * (total - 1))));
  const difference = u - (m * n) / 2;
  return { u, z: (side: number) => (sigma === 0 ? 0 : (difference - side * 0.5) / sigma) };
}

/** The shift at which z (with the correction of this side) equals `wanted`: between neighbouring pair differences. */
function solveShift(x: readonly number[], y: readonly number[], wanted: number, side: number): number {
  let low = Math.min(...x) - Math.max(...y);
  let high = Math.max(...x) - Math.min(...y);
  if (low === high) return low;
  const at = (shift: number) => statistics(x, y, shift).z(side) - wanted;
  // z falls as the shift grows.
  if (at(low) <= 0) return low;
  if (at(high) >= 0) return high;
  for (let i = 0; i < 100 && high - low > 1e-12 * (Math.abs(low) + Math.abs(high)); i += 1) {
    const middle = (low + high) / 2;
    const value = at(middle);
    if (value > 0) low = middle;
    else if (value < 0) high = middle;
    else return plateau(at, middle, low, high);
  }
  return (low + high) / 2;
}

/** z is a step function: of a whole step at the wanted height, its middle. */
function plateau(at: (shift: number) => number, start: number, low: number, high: number): number {
  const edge = (outside: number) => {
    let inside = start;
    let out = outside;
    for (let i = 0; i < 100; i += 1) {
      const middle = (inside + out) / 2;
      if (at(middle) === 0) inside = middle;
      else out = middle;
    }
    return inside;
  };
  return (edge(low) + edge(high)) / 2;
}
