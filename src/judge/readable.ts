import type { Sample } from '../model/index.ts';

/** Whether a sample has a time, and numbers that its kind can have: a counter, or a count of a histogram, never falls. */
export function isReadable({ fromMs, toMs, value }: Sample): boolean {
  if (!(toMs > fromMs) || !(fromMs >= 0) || !Number.isFinite(toMs)) return false;
  if ('gauge' in value) return Number.isFinite(value.gauge);
  if ('counterDelta' in value) return isCount(value.counterDelta);
  const { counts, sum } = value.histogramDelta;
  for (let at = 0; at < counts.length; at += 1) if (!isCount(counts[at]!)) return false;
  return Number.isFinite(sum);
}

function isCount(value: number): boolean {
  return Number.isFinite(value) && value >= 0;
}
