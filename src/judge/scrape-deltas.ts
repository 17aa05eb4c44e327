import type { Sample } from '../model/index.ts';
import { type HistogramPoint, type MetricPoint, seriesKey } from './prometheus-text.ts';

/** What one series did between two scrapes of the same life of a task. */
export interface SeriesDelta {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: Sample['value'];
}

export interface Deltas {
  readonly deltas: SeriesDelta[];
  /** Totals that fell, but not to what a fresh start would have: they are no totals, and give no samples. */
  readonly fell: string[];
}

/**
 * Differences between two scrapes of one process. A total that fell to at most half was reset: what it counts since
 * then is the difference. One that fell by less lied: counting it from zero would make a burst of everything it ever
 * counted. A series that is new counts from zero, since the process was scraped before and did not have it yet – not
 * when the scrape before left some out (`isPartial`). Without an earlier scrape there are only gauges: what happened
 * before is not known, and missing is not zero.
 */
export function deltasBetween(
  before: readonly MetricPoint[] | undefined,
  after: readonly MetricPoint[],
  { isPartial }: { readonly isPartial: boolean } = { isPartial: false },
): Deltas {
  const earlier = new Map<string, MetricPoint>();
  for (const point of before ?? []) earlier.set(seriesKey(point.name, point.labels), point);
  const deltas: SeriesDelta[] = [];
  const fell: string[] = [];
  for (const point of after) {
    if (!before && point.kind !== 'gauge') continue;
    const old = earlier.get(seriesKey(point.name, point.labels));
    if (isPartial && old === undefined && point.kind !== 'gauge') continue;
    const value = deltaOf(old, point);
    if (value === 'fell') fell.push(point.name);
    else if (value) deltas.push({ metric: point.name, labels: point.labels, value });
  }
  return { deltas, fell };
}

export function deltaOf(before: MetricPoint | undefined, after: MetricPoint): Sample['value'] | 'fell' | undefined {
  if (after.kind === 'gauge') return { gauge: after.value };
  // Another kind under the same name: nothing can be said of this interval.
  if (before && before.kind !== after.kind) return undefined;
  if (after.kind === 'histogram') return histogramDelta(before?.kind === 'histogram' ? before : undefined, after);
  const old = before?.kind === 'counter' ? before.value : 0;
  if (old <= after.value) return { counterDelta: after.value - old };
  return isReset(old, after.value) ? { counterDelta: after.value } : 'fell';
}

function isReset(before: number, after: number): boolean {
  return after <= before / 2;
}

function histogramDelta(
  before: HistogramPoint | undefined,
  after: HistogramPoint,
): Sample['value'] | 'fell' | undefined {
  const { bounds, counts, sum } = after;
  // Bounds that change mean another meaning of each bucket: nothing can be said of this interval.
  if (before && before.bounds.join() !== bounds.join()) return undefined;
  if (!before) return { histogramDelta: { bounds, counts, sum: finite(sum) } };
  if (counts.some((count, i) => count < before.counts[i]!)) {
    return isReset(total(before.counts), total(counts))
      ? { histogramDelta: { bounds, counts, sum: finite(sum) } }
      : 'fell';
  }
  const differences = counts.map((count, i) => count - before.counts[i]!);
  return { histogramDelta: { bounds, counts: differences, sum: finite(sum - before.sum) } };
}

function total(counts: readonly number[]): number {
  return counts.reduce((sum, count) => sum + count, 0);
}

function finite(sum: number): number {
  return Number.isFinite(sum) ? sum : 0;
}
