/** Middle value; NaN of nothing. Does not change what it is given. */
export function median(values: ArrayLike<number>): number {
  return medianInPlace(Float64Array.from(values), values.length);
}

/** The median of the first `n` numbers, which come out in another order: by selection, without sorting them all. */
export function medianInPlace(values: Float64Array, n: number): number {
  if (n === 0) return Number.NaN;
  const middle = n >> 1;
  select(values, n, middle);
  const upper = values[middle]!;
  if (n % 2 === 1) return upper;
  let lower = values[0]!;
  for (let i = 1; i < middle; i += 1) if (values[i]! > lower) lower = values[i]!;
  return (lower + upper) / 2;
}

/** Hoare's selection: afterwards `values[k]` is where it would be if sorted, with nothing larger before it. */
function select(values: Float64Array, n: number, k: number): void {
  let left = 0;
  let right = n - 1;
  while (left < right) {
    const pivot = values[(left + right) >> 1]!;
    let i = left;
    let j = right;
    while (i <= j) {
      while (values[i]! < pivot) i += 1;
      while (values[j]! > pivot) j -= 1;
      if (i > j) break;
      const kept = values[i]!;
      values[i] = values[j]!;
      values[j] = kept;
      i += 1;
      j -= 1;
    }
    if (k <= j) right = j;
    else if (k >= i) left = i;
    else return;
  }
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
