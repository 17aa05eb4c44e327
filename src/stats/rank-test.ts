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
  // Shifting keeps an order: each group is sorted once, and every shift that is tried only merges the two.
  const [a, b] = [Float64Array.from(x).sort(), Float64Array.from(y).sort()];
  const { u, z } = statistics(a, b, 0);
  const correction = (side: number) => z(side);
  return {
    u,
    pGreater: normalAbove(correction(1)),
    pLess: normalAbove(-correction(-1)),
    pTwoSided: Math.min(1, 2 * Math.min(normalAbove(correction(1)), normalAbove(-correction(-1)))),
    shift: solveShift(a, b, 0, 0),
    interval: [
      solveShift(a, b, -normalQuantile((1 - confidence) / 2), 1),
      solveShift(a, b, normalQuantile((1 - confidence) / 2), -1),
    ],
  };
}

/**
 * U of x - shift against y (both sorted), and its standardised distance from the middle with the continuity
 * correction of a side.
 */
function statistics(x: Float64Array, y: Float64Array, shift: number) {
  const m = x.length;
  const n = y.length;
  const total = m + n;
  let rankSum = 0;
  let ties = 0;
  let i = 0;
  let j = 0;
  while (i < m) {
    const value = x[i]! - shift;
    while (j < n && y[j]! < value) {
      const smaller = y[j]!;
      let size = 1;
      while (j + size < n && y[j + size]! === smaller) size += 1;
      if (size > 1) ties += size * (size * size - 1);
      j += size;
    }
    let ofX = 1;
    while (i + ofX < m && x[i + ofX]! - shift === value) ofX += 1;
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

/** The shift at which z (with the correction of this side) equals `wanted`: between neighbouring pair differences. */
function solveShift(x: Float64Array, y: Float64Array, wanted: number, side: number): number {
  let low = x[0]! - y[y.length - 1]!;
  let high = x[x.length - 1]! - y[0]!;
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
    for (let i = 0; i < 100 && Math.abs(out - inside) > 1e-15 * Math.abs(inside); i += 1) {
      const middle = (inside + out) / 2;
      if (at(middle) === 0) inside = middle;
      else out = middle;
    }
    return inside;
  };
  return (edge(low) + edge(high)) / 2;
}
