import { type BinTable, newGroup, oldGroup } from './bin-table.ts';
import type { CountMeasure, HistogramMeasure } from './measures.ts';

/**
 * A quantile of a histogram, judged as counts: how many requests are slower than a bound near the old tasks' quantile.
 * Counts carry their own precision, so a bin of ten requests does not weigh like one of a thousand, and no number has
 * to be invented inside a bucket to test with. Between "x % slower" and "this many more slow requests" stands the
 * old tasks' own distribution: if all were slower by h, the share above a bound is the old share above bound/(1+h).
 */
export interface LatencyMeasure {
  readonly counts: CountMeasure;
  readonly bound: number;
  /** Ratio of slow requests that a slowdown by `harm` (0.1 = 10 %) makes. */
  readonly ratioOf: (harm: number) => number;
  /** Slowdown that explains a ratio of slow requests. */
  readonly harmOf: (ratio: number) => number;
  readonly oldLevel: number;
  readonly newLevel: number;
}

export function measureLatency(table: BinTable, histograms: HistogramMeasure, q: number): LatencyMeasure | undefined {
  const { bounds, counts } = histograms;
  const width = bounds.length;
  if (width < 2) return undefined;
  const since = table.newSince.reduce((least, bin) => Math.min(least, bin), table.bins);
  const old = new Float64Array(width);
  const concurrentOld = new Float64Array(width);
  const fresh = new Float64Array(width);
  const size = table.tasks.length * table.bins;
  for (let at = 0; at < size; at += 1) {
    const group = table.group[at]!;
    if (group === 0 || Number.isNaN(counts[at * width]!)) continue;
    const isLate = at % table.bins >= since;
    for (let i = 0; i < width; i += 1) {
      const n = counts[at * width + i]!;
      if (group === newGroup) fresh[i]! += n;
      else if (group === oldGroup) {
        old[i]! += n;
        if (isLate) concurrentOld[i]! += n;
      }
    }
  }
  const survival = sharesAbove(old);
  if (!survival) return undefined;
  const at = boundNear(survival, 1 - q);
  if (at === undefined) return undefined;

  const events = new Float64Array(size).fill(Number.NaN);
  const exposure = new Float64Array(size).fill(Number.NaN);
  for (let cell = 0; cell < size; cell += 1) {
    if (Number.isNaN(counts[cell * width]!)) continue;
    let above = 0;
    let all = 0;
    for (let i = 0; i < width; i += 1) {
      const n = counts[cell * width + i]!;
      all += n;
      if (i > at) above += n;
    }
    events[cell] = above;
    exposure[cell] = all;
  }
  const bound = bounds[at]!;
  const share = shareAbove(bounds, survival);
  const ratioOf = (harm: number) => share(bound / (1 + harm)) / share(bound);
  const level = (histogram: Float64Array) => quantileOf(bounds, histogram, q);
  return {
    counts: { kind: 'counts', events, exposure },
    bound,
    ratioOf,
    harmOf: (ratio) => harmFor(ratioOf, ratio),
    oldLevel: level(since < table.bins && sharesAbove(concurrentOld) ? concurrentOld : old),
    newLevel: level(fresh),
  };
}

/** Share of the events above each bound; undefined when there are none. */
function sharesAbove(histogram: Float64Array): Float64Array | undefined {
  const total = histogram.reduce((sum, n) => sum + n, 0);
  if (total === 0) return undefined;
  const shares = new Float64Array(histogram.length);
  let above = total;
  for (let i = 0; i < histogram.length; i += 1) {
    above -= histogram[i]!;
    shares[i] = Math.max(0, above) / total;
  }
  return shares;
}

/** The bound whose share above is nearest to the wanted one, by ratio; none with nothing above it. */
function boundNear(shares: Float64Array, wanted: number): number | undefined {
  let best: number | undefined;
  let distance = Number.POSITIVE_INFINITY;
  for (let i = 0; i < shares.length - 1; i += 1) {
    if (!(shares[i]! > 0) || shares[i]! > 0.6) continue;
    const away = Math.abs(Math.log(shares[i]! / wanted));
    if (away < distance) {
      distance = away;
      best = i;
    }
  }
  return best;
}

/** Share above any value: straight between bounds on logarithmic scales. */
function shareAbove(bounds: readonly number[], shares: Float64Array): (value: number) => number {
  const points: { x: number; y: number }[] = [];
  for (const [i, bound] of bounds.entries()) {
    if (Number.isFinite(bound) && bound > 0 && shares[i]! > 0)
      points.push({ x: Math.log(bound), y: Math.log(shares[i]!) });
  }
  return (value) => {
    const x = Math.log(value);
    const first = points[0]!;
    // Below the lowest bound: half of it holds everything.
    if (x <= first.x) return Math.exp(first.y * Math.max(0, 1 - (first.x - x) / Math.LN2));
    for (let i = 1; i < points.length; i += 1) {
      const [a, b] = [points[i - 1]!, points[i]!];
      if (x <= b.x) return Math.exp(a.y + ((b.y - a.y) * (x - a.x)) / (b.x - a.x));
    }
    const [a, b] = [points.at(-2) ?? { x: first.x - Math.LN2, y: 0 }, points.at(-1)!];
    return Math.exp(b.y + Math.min(-1, (b.y - a.y) / (b.x - a.x)) * (x - b.x));
  };
}

function harmFor(ratioOf: (harm: number) => number, ratio: number): number {
  let low = -0.95;
  let high = 50;
  for (let i = 0; i < 60; i += 1) {
    const middle = (low + high) / 2;
    if (ratioOf(middle) < ratio) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** The quantile, interpolated inside its bucket as PromQL does; the last finite bound when it lies above. */
export function quantileOf(bounds: readonly number[], histogram: ArrayLike<number>, q: number): number {
  let total = 0;
  for (let i = 0; i < histogram.length; i += 1) total += histogram[i]!;
  if (total === 0) return Number.NaN;
  let below = 0;
  for (let i = 0; i < histogram.length; i += 1) {
    const n = histogram[i]!;
    if (below + n >= q * total && n > 0) {
      const from = i === 0 ? 0 : bounds[i - 1]!;
      return Number.isFinite(bounds[i]!) ? from + ((bounds[i]! - from) * (q * total - below)) / n : from;
    }
    below += n;
  }
  return bounds[bounds.length - 2] ?? Number.NaN;
}
