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
  const [a, b] = [new Float64Array(x).sort(), new Float64Array(y).sort()];
  const { u, z } = statistics(a, b);
  const reach = normalQuantile((1 - confidence) / 2);
  const shifts = new PairDifferences(a, b);
  return {
    u,
    pGreater: normalAbove(z(1)),
    pLess: normalAbove(-z(-1)),
    pTwoSided: Math.min(1, 2 * Math.min(normalAbove(z(1)), normalAbove(-z(-1)))),
    shift: shifts.at(0, 0),
    interval: [shifts.at(-reach, 1), shifts.at(reach, -1)],
  };
}

/** U of x against y (both sorted), and its standardised distance from the middle with the continuity correction of a side. */
function statistics(x: Float64Array, y: Float64Array) {
  const m = x.length;
  const n = y.length;
  const total = m + n;
  let rankSum = 0;
  let ties = 0;
  let i = 0;
  let j = 0;
  while (i < m) {
    const value = x[i]!;
    while (j < n && y[j]! < value) {
      const smaller = y[j]!;
      let size = 1;
      while (j + size < n && y[j + size]! === smaller) size += 1;
      if (size > 1) ties += size * (size * size - 1);
      j += size;
    }
    let ofX = 1;
    while (i + ofX < m && x[i + ofX]! === value) ofX += 1;
    let ofY = 0;
    while (j + ofY < n && y[j + ofY]! === value) ofY += 1;
    const from = i + j;
    const size = ofX + ofY;
    if (size > 1) ties += size * (size * size - 1);
    rankSum += ofX * ((from + 1 + from + size) / 2);
    i += ofX;
    j += ofY;
  }
  while (j < n) {
    let size = 1;
    while (j + size < n && y[j + size]! === y[j]!) size += 1;
    if (size > 1) ties += size * (size * size - 1);
    j += size;
  }
  const u = rankSum - (m * (m + 1)) / 2;
  const sigma = Math.sqrt(((m * n) / 12) * (total + 1 - ties / (total * (total - 1))));
  const difference = u - (m * n) / 2;
  return { u, z: (side: number) => (sigma === 0 ? 0 : (difference - side * 0.5) / sigma) };
}

/** So many differences are put side by side and chosen from; more are counted first, until so few are left. */
const fewDifferences = 1024;

/**
 * The differences of all pairs of two sorted groups, largest first, without making them all. U of x - shift against y
 * is the number of differences above the shift: a step function, so the shift at which it reaches a height is one of
 * the differences, or the middle between two neighbours.
 */
class PairDifferences {
  readonly #x: Float64Array;
  readonly #y: Float64Array;
  readonly #pairs: number;
  /** Of U, with the ties inside each group: between two differences there are no others. */
  readonly #sigma: number;
  /** Shifts that were counted, ascending, with the number of differences above each. */
  readonly #counted: { readonly shift: number; readonly above: number }[] = [];
  /** Differences in a stretch between two counted shifts, ascending; of the one looked at last. */
  #stretch: { readonly low: number; readonly high: number; readonly sorted: Float64Array } | undefined;

  constructor(x: Float64Array, y: Float64Array) {
    this.#x = x;
    this.#y = y;
    this.#pairs = x.length * y.length;
    const total = x.length + y.length;
    const ties = tiesIn(x) + tiesIn(y);
    this.#sigma = Math.sqrt((this.#pairs / 12) * (total + 1 - ties / (total * (total - 1))));
  }

  /** The shift at which z, with the continuity correction of a side, equals `wanted`. */
  at(wanted: number, side: number): number {
    const height = wanted * this.#sigma + this.#pairs / 2 + side * 0.5;
    if (!Number.isInteger(height)) return this.#ofRank(Math.ceil(height));
    return (this.#ofRank(height) + this.#ofRank(height + 1)) / 2;
  }

  /** The difference that has this place, 1 = the largest. */
  #ofRank(wanted: number): number {
    const rank = Math.max(1, Math.min(this.#pairs, wanted));
    const [smallest, largest] = [
      this.#x[0]! - this.#y[this.#y.length - 1]!,
      this.#x[this.#x.length - 1]! - this.#y[0]!,
    ];
    if (smallest === largest) return largest;
    if (rank > this.#above(smallest)) return smallest;
    if (this.#above(largest) !== 0) throw new Error('nothing is above the largest difference');
    for (let tries = 0; ; tries += 1) {
      // rank lies above `low` and not above `high`.
      const next = this.#counted.findIndex(({ above }) => above < rank);
      const [low, high] = [this.#counted[next - 1]!, this.#counted[next]!];
      const n = low.above - high.above;
      if (n <= fewDifferences) return this.#between(low, high)[low.above - rank]!;
      // Where a straight line would have it; should the line be far off, the middle of what there is between.
      const part = Math.max(0.02, Math.min(0.98, (low.above - rank + 0.5) / n));
      let shift = low.shift + (high.shift - low.shift) * part;
      if (tries % 3 === 2 || shift <= low.shift || shift >= high.shift) {
        const { least, most } = this.#ends(low.shift, high.shift);
        // So many pairs, and all of them differ by the same.
        if (least === most) return most;
        const middle = (least + most) / 2;
        shift = middle < most ? middle : least;
      }
      this.#above(shift);
    }
  }

  /** How many differences are above a shift. */
  #above(shift: number): number {
    const place = this.#counted.findIndex((one) => one.shift >= shift);
    if (place >= 0 && this.#counted[place]!.shift === shift) return this.#counted[place]!.above;
    const [x, y] = [this.#x, this.#y];
    const n = y.length;
    let above = 0;
    for (let i = 0, j = 0; i < x.length; i += 1) {
      const value = x[i]!;
      while (j < n && value - y[j]! > shift) j += 1;
      above += j;
    }
    this.#counted.splice(place < 0 ? this.#counted.length : place, 0, { shift, above });
    return above;
  }

  /** The smallest difference above one shift, and the largest not above another. */
  #ends(low: number, high: number): { readonly least: number; readonly most: number } {
    const [x, y] = [this.#x, this.#y];
    let least = Number.POSITIVE_INFINITY;
    let most = Number.NEGATIVE_INFINITY;
    for (let i = 0, above = 0, from = 0; i < x.length; i += 1) {
      const value = x[i]!;
      while (from < y.length && value - y[from]! > high) from += 1;
      while (above < y.length && value - y[above]! > low) above += 1;
      if (from >= above) continue;
      most = Math.max(most, value - y[from]!);
      least = Math.min(least, value - y[above - 1]!);
    }
    return { least, most };
  }

  /** The differences above one shift and not above another, ascending. */
  #between(low: { readonly shift: number; readonly above: number }, high: typeof low): Float64Array {
    const kept = this.#stretch;
    if (kept?.low === low.shift && kept.high === high.shift) return kept.sorted;
    const [x, y] = [this.#x, this.#y];
    const n = y.length;
    const found = new Float64Array(low.above - high.above);
    let m = 0;
    for (let i = 0, j = 0; i < x.length; i += 1) {
      const value = x[i]!;
      while (j < n && value - y[j]! > high.shift) j += 1;
      for (let k = j; k < n && value - y[k]! > low.shift; k += 1) {
        found[m] = value - y[k]!;
        m += 1;
      }
    }
    const sorted = found.sort();
    this.#stretch = { low: low.shift, high: high.shift, sorted };
    return sorted;
  }
}

function tiesIn(sorted: Float64Array): number {
  let ties = 0;
  for (let i = 0; i < sorted.length; ) {
    let size = 1;
    while (i + size < sorted.length && sorted[i + size]! === sorted[i]!) size += 1;
    ties += size * (size * size - 1);
    i += size;
  }
  return ties;
}
