import { incompleteBeta } from './beta.ts';
import { normalAbove, normalQuantile } from './normal.ts';

/** Chance that Student's t with `df` degrees of freedom (not only whole ones) is above t. */
export function studentAbove(t: number, df: number): number {
  if (Number.isNaN(t)) return Number.NaN;
  if (df > 1e6) return normalAbove(t);
  const square = t * t;
  const tail = 0.5 * incompleteBeta(df / 2, 0.5, df / (df + square), square / (df + square));
  return t >= 0 ? tail : 1 - tail;
}

/** t with studentAbove(t, df) = p. */
export function studentUpper(p: number, df: number): number {
  if (p >= 0.5) return p === 0.5 ? 0 : -studentUpper(1 - p, df);
  if (!(p > 0)) return Number.POSITIVE_INFINITY;
  const start = -normalQuantile(p);
  if (df > 1e6) return start;
  let low = 0;
  let high = Math.max(1, start);
  while (studentAbove(high, df) > p && high < 1e150) {
    low = high;
    high *= 2;
  }
  for (let i = 0; i < 200 && high - low > 1e-15 * high; i += 1) {
    const middle = (low + high) / 2;
    if (studentAbove(middle, df) > p) low = middle;
    else high = middle;
  }
  return (low + high) / 2;
}

/** Chance that F with (df1, df2) degrees of freedom is above f. */
export function fAbove(f: number, df1: number, df2: number): number {
  if (f <= 0) return 1;
  return incompleteBeta(df2 / 2, df1 / 2, df2 / (df2 + df1 * f), (df1 * f) / (df2 + df1 * f));
}
