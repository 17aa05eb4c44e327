/** What a request of OTLP says about metrics, as far as it is read: the same from protobuf and JSON. */
export interface OtlpResource {
  readonly attributes: Attributes;
  readonly metrics: readonly OtlpMetric[];
}
export type Attributes = Readonly<Record<string, string>>;

export interface OtlpMetric {
  readonly name: string;
  readonly unit: string;
  readonly kind: 'gauge' | 'sum' | 'histogram' | 'exponential' | 'summary' | 'unknown';
  /** 1: differences, 2: totals. */
  readonly temporality: number;
  readonly isMonotonic: boolean;
  readonly points: readonly OtlpPoint[];
}

/** Times in nanoseconds since the epoch are rounded to milliseconds. Numbers that are not told are undefined. */
export interface OtlpPoint {
  readonly attributes: Attributes;
  readonly startMs: number;
  readonly atMs: number;
  /** The exporter says itself that it has no value. */
  readonly isMissing: boolean;
  readonly value?: number | undefined;
  readonly count?: number | undefined;
  readonly sum?: number | undefined;
  readonly bounds?: readonly number[] | undefined;
  readonly counts?: readonly number[] | undefined;
  readonly scale?: number | undefined;
  readonly zeroCount?: number | undefined;
  readonly positive?: OtlpBuckets | undefined;
  readonly negative?: OtlpBuckets | undefined;
}
export interface OtlpBuckets {
  readonly offset: number;
  readonly counts: readonly number[];
}

/** A body that cannot be read, or is more than is taken; the sentence goes to whoever sent it. */
export class OtlpError extends Error {}

/** Of one request. An SDK sends far less; a liar is stopped here. */
export const limits = { resources: 5000, points: 50_000, attributes: 64, text: 500, buckets: 400 } as const;

/** Counts what is read against the limits. */
export class Budget {
  #resources = 0;
  #points = 0;

  resource(): void {
    this.#resources += 1;
    if (this.#resources > limits.resources) throw new OtlpError(`more than ${limits.resources} resources at once`);
  }

  point(): void {
    this.#points += 1;
    if (this.#points > limits.points) throw new OtlpError(`more than ${limits.points} data points at once`);
  }
}
