import type { CheckSpec } from '../model/index.ts';

/** What the parts of a check are that hardly anybody sets: for those that are made here and not written by a person. */
export const plainCheck = {
  against: 'old',
  limit: null,
  missing: 'undecided',
  minSamples: 0,
  windowMs: null,
  weight: 1,
} as const satisfies Partial<CheckSpec>;

/** Whether a check needs no old task: it judges a first deployment too. */
export function isAlone({ against }: CheckSpec): boolean {
  return against === 'limit' || against === 'trend';
}

/** The limit in the unit of the metric: latencies are written as seconds, some histograms count milliseconds. */
export function limitOf({ limit, metric }: CheckSpec): number {
  const isMs = 'latency' in metric && countsMilliseconds(metric.latency.histogram);
  return (limit ?? 0) * (isMs ? 1000 : 1);
}

export function countsMilliseconds(histogram: string): boolean {
  return /milliseconds|_ms$/.test(histogram);
}
