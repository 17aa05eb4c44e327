import type { JobId, Sample, TaskIndex } from '../model/index.ts';
import type { OwnerRing } from './owner-ring.ts';
import type { Ring } from './sample-rings.ts';
import type { MetricSeen } from './samples.ts';

/** One metric of one task with one set of labels, bin by bin. */
export interface Series {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: MetricSeen['kind'];
  readonly bounds: readonly number[] | undefined;
  readonly fine: Ring;
  readonly coarse: Ring;
  /** Gauges: how many fine bins a coarse bin holds, for their mean. */
  readonly parts: Ring | undefined;
}

export interface TaskSamples {
  readonly series: Map<string, Series>;
  readonly fine: OwnerRing;
  readonly coarse: OwnerRing;
}

export interface Span {
  /** Bins of which the store has made coarse ones. */
  readonly isCoarse: boolean;
  readonly binMs: number;
  readonly fromMs: number;
  readonly toMs: number;
}

/** Adds a sample for each bin in which a task's series was read, oldest first; a sample's time is that of its bin. */
export function tellSamples(
  found: Sample[],
  job: JobId,
  index: TaskIndex,
  task: TaskSamples,
  series: Series,
  { isCoarse, binMs, fromMs, toMs }: Span,
): void {
  const { labels, metric } = series;
  const ring = isCoarse ? series.coarse : series.fine;
  const owners = isCoarse ? task.coarse : task.fine;
  const first = Math.max(0, Math.ceil(fromMs / binMs), ring.newestBin - ring.capacity + 1);
  const last = Math.min(Math.floor(toMs / binMs) - 1, ring.newestBin);
  for (let bin = first; bin <= last; bin += 1) {
    const owner = owners.get(bin);
    const number = ring.get(bin);
    if (!owner || Number.isNaN(number)) continue;
    const { incarnation, version, state } = owner;
    const value = readValue(series, ring, bin, number, isCoarse ? (series.parts?.get(bin) ?? 1) : 1);
    found.push({
      job,
      index,
      labels,
      metric,
      incarnation,
      version,
      state,
      fromMs: bin * binMs,
      toMs: (bin + 1) * binMs,
      value,
    });
  }
}

/** `number`: what the ring holds, of a histogram its sum; `parts`: of how many fine bins a gauge is the sum. */
function readValue({ kind, bounds }: Series, ring: Ring, bin: number, number: number, parts: number): Sample['value'] {
  if (kind === 'gauge') return { gauge: number / parts };
  if (kind === 'counter') return { counterDelta: number };
  return { histogramDelta: { bounds: bounds!, counts: ring.counts(bin), sum: number } };
}
