/** A trimmed mean with what its precision is known from. */
export interface TrimmedMean {
  readonly mean: number;
  /** Standard error of `mean`. */
  readonly error: number;
  /** Degrees of freedom with which `error` is known: (mean − true mean) ÷ error is nearly Student's t with them. */
  readonly freedom: number;
}

/**
 * The mean without the lowest and highest `share` of the numbers, with its standard error from their winsorised
 * variance (Tukey and McLaughlin 1963; Yuen 1974): a few wild numbers neither move it nor make it look uncertain.
 * Undefined where fewer than two would be left to vary.
 *
 * Example: 1, 2, 3, 4, 100 at 20 % → mean 3 of 2, 3, 4; winsorised to 2, 2, 3, 4, 4.
 */
export function trimmedMean(values: ArrayLike<number>, share: number): TrimmedMean | undefined {
  const n = values.length;
  const cut = Math.floor(n * share);
  const kept = n - 2 * cut;
  if (kept < 2) return undefined;
  const sorted = Float64Array.from(values).sort();
  let sum = 0;
  for (let i = cut; i < n - cut; i += 1) sum += sorted[i]!;
  const mean = sum / kept;
  const low = sorted[cut]!;
  const high = sorted[n - 1 - cut]!;
  const winsorised = sorted.map((value) => Math.min(high, Math.max(low, value)));
  const centre = winsorised.reduce((total, value) => total + value, 0) / n;
  const squares = winsorised.reduce((total, value) => total + (value - centre) * (value - centre), 0);
  return { mean, error: Math.sqrt(squares / (kept * (kept - 1))), freedom: kept - 1 };
}
