import type { Sample } from '../model/index.ts';
import { type HistogramPoint, type MetricPoint, seriesKey } from './prometheus-text.ts';

/** What one series did between two scrapes of the same life of a task. */
export interface SeriesDelta {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: Sample['value'];
}

/**
 * Differences between two scrapes of one process. A total that fell was reset: what it counts since then is the
 * difference. A series that is new counts from zero, since the process was scraped before and did not have it yet.
 * Without an earlier scrape there are only gauges: what happened before is not known, and missing is not zero.
 */
export function deltasBetween(
  before: readonly MetricPoint[] | undefined,
  after: readonly MetricPoint[],
): SeriesDelta[] {
  const earlier = new Map<string, MetricPoint>();
  for (const point of before ?? []) earlier.set(seriesKey(point.name, point.labels), point);
  const deltas: SeriesDelta[] = [];
  for (const point of after) {
    const value =
      before || point.kind === 'gauge' ? deltaOf(earlier.get(seriesKey(point.name, point.labels)), point) : undefined;
    if (value) deltas.push({ metric: point.name, labels: point.labels, value });
  }
  return deltas;
}

function deltaOf(before: MetricPoint | undefined, after: MetricPoint): Sample['value'] | undefined {
  if (after.kind === 'gauge') return { gauge: after.value };
  if (after.kind === 'histogram') return histogramDelta(before?.kind === 'histogram' ? before : undefined, after);
  const start = before?.kind === 'counter' && before.value <= after.value ? before.value : 0;
  return { counterDelta: after.value - start };
}

function histogramDelta(before: HistogramPoint | undefined, after: HistogramPoint): Sample['value'] | undefined {
  const { bounds, counts, sum } = after;
  const hasReset = !before || counts.some((count, i) => count < (before.counts[i] ?? 0));
  // Bounds that change mean another meaning of each bucket: nothing can be said of this interval.
  if (before && before.bounds.join() !== bounds.join()) return undefined;
  if (hasReset) return { histogramDelta: { bounds, counts, sum: finite(sum) } };
  const differences = counts.map((count, i) => count - before.counts[i]!);
  return { histogramDelta: { bounds, counts: differences, sum: finite(sum - before.sum) } };
}

function finite(sum: number): number {
  return Number.isFinite(sum) ? sum : 0;
}
