import type { JobId, Sample, TaskIndex } from '../model/index.ts';

/** How long samples are kept, and how coarse they become. */
export interface SampleSettings {
  /** Width of a bin; the grid on which agents scrape. */
  readonly binMs: number;
  /** Samples of this age lie in bins of `binMs`, older ones in bins of `coarseBinMs`. */
  readonly fineMs: number;
  readonly coarseBinMs: number;
  readonly keepMs: number;
  /** A bin closes this many bins late; what comes later is dropped and counted. */
  readonly lateBins: number;
  /** After a start, bins since the last one written down stay open this long: agents hand in what they kept meanwhile. */
  readonly settleMs: number;
  readonly maxSeriesPerTask: number;
  readonly maxSeries: number;
}

export const defaultSampleSettings: SampleSettings = {
  binMs: 1000,
  fineMs: 15 * 60_000,
  coarseBinMs: 60_000,
  keepMs: 2 * 3_600_000,
  lateBins: 2,
  settleMs: 5000,
  maxSeriesPerTask: 400,
  maxSeries: 250_000,
};

export interface SampleQuery {
  readonly job: JobId;
  /** All metrics when absent. */
  readonly metrics?: readonly string[];
  readonly indices?: readonly TaskIndex[];
  /** Bins that begin at or after `fromMs` and end at or before `toMs`. */
  readonly fromMs: number;
  readonly toMs: number;
}

/** What became of samples that were handed in. */
export interface AppendCount {
  readonly kept: number;
  /** Their bin had closed. */
  readonly late: number;
  /** Beyond the limits on series, or with values that are no numbers, or from the future. */
  readonly refused: number;
}

/** One metric of a job as seen lately: what discovery of checks works on. */
export interface MetricSeen {
  readonly metric: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** Label → values seen (at most 50 each). */
  readonly labels: Readonly<Record<string, readonly string[]>>;
  readonly tasks: number;
  readonly lastSeenAtMs: number;
}

/** Where closed bins are written down, in text that only the store reads. Implemented by `io/sample-files.ts`. */
export interface SampleJournal {
  /** Everything that is still kept, oldest first; called once, before any `append`. */
  read(): AsyncIterable<string>;
  /** Lines to add; `startsSegment` asks for a new file that begins with them. Resolves when the system has them. */
  append(text: string, startsSegment: boolean): Promise<void>;
  /** Removes segments whose last line was written before this time. */
  forgetBefore(atMs: number): Promise<void>;
  close(): Promise<void>;
}

export interface SampleHorizon {
  /** Nothing that begins earlier is told. A whole coarse bin. */
  readonly keptFromMs: number;
  /** Before, samples are told in coarse bins; from here on as they were made. A whole coarse bin. */
  readonly fineFromMs: number;
  readonly coarseBinMs: number;
  readonly closedUntilMs: number;
}

/** Samples of the last two hours, by job, task, series and bin; bounded, coarser with age. Missing is not zero. */
export interface SampleStore {
  readonly binMs: number;
  append(samples: readonly Sample[], nowMs: number): AppendCount;
  /** Closed bins only, ordered by task, series, time. A sample's `fromMs`/`toMs` are those of its bin. */
  query(query: SampleQuery): Sample[];
  listMetrics(job: JobId, sinceMs: number): MetricSeen[];
  /** Everything up to here is closed: it will not change any more. */
  closedUntilMs(): number;
  /** How what is closed is told now. It only moves on. */
  horizon(): SampleHorizon;
  /** Call once per bin: closes bins, forgets old ones, writes down what closed. */
  tend(nowMs: number): Promise<void>;
  counts(): { readonly series: number; readonly late: number; readonly refused: number };
  close(): Promise<void>;
}
