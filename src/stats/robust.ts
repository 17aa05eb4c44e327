/** Middle value; NaN of nothing. Does not change what it is given. */
export function median(values: ArrayLike<number>): number {
  return quantile(values, 0.5);
}

/** Quantile by linear interpolation between order statistics (the usual "type 7"). */
export function quantile(values: ArrayLike<number>, q: number): number {
  const n = values.length;
  if (n === 0) return Number.NaN;
  const sorted = Float64Array.from(values).sort();
  const at = (n - 1) * q;
  const below = Math.floor(at);
  const above = Math.min(n - 1, below + 1);
  return sorted[below]! + (at - below) * (sorted[above]! - sorted[below]!);
}

/** 1.4826 × median distance from the median: the standard deviation of a normal variable, whatever a few do. */
export function robustDeviation(values: ArrayLike<number>, center = median(values)): number {
  const distances = new Float64Array(values.length);
  for (let i = 0; i < distances.length; i += 1) distances[i] = Math.abs(values[i]! - center);
  return 1.4826022185056018 * median(distances);
}

export function mean(values: ArrayLike<number>): number {
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) sum += values[i]!;
  return sum / values.length;
}

/** Sample variance (n - 1); NaN of fewer than two. */
export function variance(values: ArrayLike<number>): number {
  if (values.length < 2) return Number.NaN;
  const center = mean(values);
  let sum = 0;
  for (let i = 0; i < values.length; i += 1) sum += (values[i]! - center) * (values[i]! - center);
  return sum / (values.length - 1);
}
