/** Upper bounds in seconds: 61 µs to 32 s in steps of √2. A call within one host takes less than a millisecond. */
export const spanBounds: readonly number[] = makeBounds(-14, 5);

function makeBounds(lowest: number, highest: number): number[] {
  const bounds: number[] = [];
  for (let bound = 1 / (1 << -lowest), power = lowest; power < highest; power += 1, bound *= 2) {
    bounds.push(bound, bound * Math.SQRT2);
  }
  return [...bounds, 1 << highest, Number.POSITIVE_INFINITY];
}

/** Times in microseconds, counted by bucket; the sum in seconds. */
export function laidOut(times: readonly number[]): { readonly counts: readonly number[]; readonly sum: number } {
  const counts = new Array<number>(spanBounds.length).fill(0);
  let sum = 0;
  for (const us of times) {
    const seconds = us / 1e6;
    sum += seconds;
    counts[placeOf(seconds)]! += 1;
  }
  return { counts, sum };
}

/** The first bound that is not below. */
function placeOf(seconds: number): number {
  let [low, high] = [0, spanBounds.length - 1];
  while (low < high) {
    const middle = (low + high) >> 1;
    if (spanBounds[middle]! >= seconds) high = middle;
    else low = middle + 1;
  }
  return low;
}
