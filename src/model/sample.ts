import type { Incarnation, JobId, TaskIndex, VersionId } from './ids.ts';
import type { TaskState } from './task.ts';

/** Upper bounds (ascending, the last may be +Infinity) and the events between each bound and the one before. */
export interface HistogramDelta {
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

/**
 * What one task's metric did in one interval, as the agent saw it: it knows incarnation, version and state at that
 * moment. A counter or histogram is already a difference, resets removed. What was not scraped is missing, not zero.
 */
export interface Sample {
  readonly job: JobId;
  readonly index: TaskIndex;
  readonly incarnation: Incarnation;
  readonly version: VersionId;
  readonly state: TaskState;
  /** Of the task (host, rack, region) and of the series (route, code). */
  readonly labels: Readonly<Record<string, string>>;
  readonly metric: string;
  readonly fromMs: number;
  readonly toMs: number;
  readonly value:
    | { readonly counterDelta: number }
    | { readonly gauge: number }
    | { readonly histogramDelta: HistogramDelta };
}
