import { readSampleLine, type SampleLine } from './prometheus-line.ts';

/**
 * Reads what a `/metrics` endpoint answers: the Prometheus text format 0.0.4 and OpenMetrics. An endpoint may lie, so
 * everything is bounded by `ParseLimits`; what is left out is counted and named, never guessed.
 */

/** One series as scraped. Counters and histograms are totals since the process began; `deltasBetween` makes differences. */
export type MetricPoint = ScalarPoint | HistogramPoint;

interface ScalarPoint {
  readonly kind: 'counter' | 'gauge';
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

export interface HistogramPoint {
  readonly kind: 'histogram';
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  /** Ascending upper bounds; the events between each and the one before; their sum. */
  readonly bounds: readonly number[];
  readonly counts: readonly number[];
  readonly sum: number;
}

export interface ParseLimits {
  readonly maxBytes: number;
  readonly maxSeries: number;
  readonly maxLabels: number;
  /** Characters of a metric's name, a label's name, a label's value. */
  readonly maxTextLength: number;
  readonly maxBuckets: number;
}
export const defaultParseLimits: ParseLimits = {
  maxBytes: 4 * 1024 * 1024,
  maxSeries: 2000,
  maxLabels: 30,
  maxTextLength: 500,
  maxBuckets: 200,
};

export interface ParsedMetrics {
  readonly points: readonly MetricPoint[];
  /** Lines and series left out: unreadable, not finite, negative totals, or beyond a limit. */
  readonly dropped: number;
  /** The first few reasons, with line numbers, for a finding. */
  readonly findings: readonly string[];
  /** The text was longer than `maxBytes`; the rest was not looked at. */
  readonly isTruncated: boolean;
}

type FamilyType = 'counter' | 'gauge' | 'histogram' | 'summary' | 'untyped' | 'ignored';
const typeWords: Readonly<Record<string, FamilyType>> = {
  counter: 'counter',
  gauge: 'gauge',
  histogram: 'histogram',
  summary: 'summary',
  untyped: 'untyped',
  unknown: 'untyped',
  info: 'gauge',
  stateset: 'gauge',
  gaugehistogram: 'ignored',
};

/** Never throws: a text that is no metrics at all gives no points, and says so in `findings`. */
export function parsePrometheusText(text: string, limits: ParseLimits = defaultParseLimits): ParsedMetrics {
  const isTruncated = text.length > limits.maxBytes;
  const reader = new Reader(limits);
  let from = 0;
  let lineNumber = 0;
  const end = isTruncated ? text.lastIndexOf('\n', limits.maxBytes) : text.length;
  while (from < end) {
    lineNumber += 1;
    const newLine = text.indexOf('\n', from);
    const to = newLine === -1 || newLine > end ? end : newLine;
    const line = text.slice(from, text.charCodeAt(to - 1) === 13 ? to - 1 : to);
    from = to + 1;
    if (line === '# EOF') break;
    if (line.charCodeAt(0) === 35) reader.comment(line);
    else if (line.trim() !== '') reader.drop(reader.sample(line, lineNumber));
  }
  if (isTruncated) reader.find(`longer than ${limits.maxBytes} bytes: the rest was not read`);
  return { ...reader.finish(), isTruncated };
}

interface Buckets {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly cumulative: Map<number, number>;
  sum: number;
  count: number | undefined;
}

class Reader {
  readonly #limits: ParseLimits;
  readonly #types = new Map<string, FamilyType>();
  readonly #points = new Map<string, MetricPoint>();
  readonly #buckets = new Map<string, Buckets>();
  readonly #findings: string[] = [];
  #dropped = 0;

  constructor(limits: ParseLimits) {
    this.#limits = limits;
  }

  find(reason: string): void {
    if (this.#findings.length < 10) this.#findings.push(reason);
  }

  drop(reason: string | undefined): void {
    if (reason === undefined) return;
    this.#dropped += 1;
    this.find(reason);
  }

  comment(line: string): void {
    const match = /^#\s+TYPE\s+("[^"]*"|\S+)\s+(\S+)\s*$/.exec(line.slice(0, 2 * this.#limits.maxTextLength));
    if (!match || this.#types.size >= this.#limits.maxSeries) return;
    this.#types.set(match[1]!.replaceAll('"', ''), typeWords[match[2]!.toLowerCase()] ?? 'untyped');
  }

  /** Takes a line up; or says why not. */
  sample(line: string, lineNumber: number): string | undefined {
    const read = readSampleLine(line, this.#limits);
    if (typeof read === 'string') return `line ${lineNumber}: ${read}`;
    const { family, suffix, type } = this.#familyOf(read.name);
    if (type === 'ignored' || suffix === '_created') return undefined;
    if (type === 'histogram') return this.#bucket(family, suffix, read, lineNumber);
    const isTotal =
      type === 'counter' ||
      (type === 'summary' && suffix !== '') ||
      (type === 'untyped' && /_(total|count|sum|bucket)$/.test(read.name));
    if (!Number.isFinite(read.value)) return `line ${lineNumber}: ${read.name} is ${read.value}`;
    if (isTotal && read.value < 0) return `line ${lineNumber}: the total ${read.name} is negative`;
    const key = seriesKey(read.name, read.labels);
    if (this.#points.has(key)) return `line ${lineNumber}: ${read.name} occurs twice with the same labels`;
    if (this.#isFull()) return `more than ${this.#limits.maxSeries} series: the rest was left out`;
    this.#points.set(key, {
      name: read.name,
      labels: read.labels,
      kind: isTotal ? 'counter' : 'gauge',
      value: read.value,
    });
    return undefined;
  }

  /** `http_requests_total` belongs to the family `http_requests` in OpenMetrics, to itself in the older format. */
  #familyOf(name: string): { family: string; suffix: string; type: FamilyType } {
    const own = this.#types.get(name);
    if (own) return { family: name, suffix: '', type: own };
    for (const suffix of ['_total', '_bucket', '_count', '_sum', '_created', '_info']) {
      if (!name.endsWith(suffix)) continue;
      const family = name.slice(0, -suffix.length);
      const type = this.#types.get(family);
      if (type) return { family, suffix, type };
    }
    return { family: name, suffix: '', type: 'untyped' };
  }

  #bucket(family: string, suffix: string, read: SampleLine, lineNumber: number): string | undefined {
    const { le, ...labels } = read.labels;
    const key = seriesKey(family, labels);
    let buckets = this.#buckets.get(key);
    if (!buckets) {
      if (this.#isFull()) return `more than ${this.#limits.maxSeries} series: the rest was left out`;
      buckets = { name: family, labels, cumulative: new Map(), sum: Number.NaN, count: undefined };
      this.#buckets.set(key, buckets);
    }
    if (suffix === '_sum') buckets.sum = read.value;
    else if (suffix === '_count') buckets.count = read.value;
    else if (suffix === '_bucket' && le !== undefined) {
      const bound = /^\+?inf$/i.test(le) ? Number.POSITIVE_INFINITY : Number(le);
      if (Number.isNaN(bound)) return `line ${lineNumber}: le="${le}" is no number`;
      if (buckets.cumulative.size >= this.#limits.maxBuckets) return `${family} has too many buckets`;
      buckets.cumulative.set(bound, read.value);
    } else return `line ${lineNumber}: ${read.name} does not belong to a histogram`;
    return undefined;
  }

  #isFull(): boolean {
    return this.#points.size + this.#buckets.size >= this.#limits.maxSeries;
  }

  finish(): Omit<ParsedMetrics, 'isTruncated'> {
    const points = [...this.#points.values()];
    for (const buckets of this.#buckets.values()) {
      const point = histogramOf(buckets);
      if (typeof point === 'string') this.drop(point);
      else points.push(point);
    }
    if (points.length === 0 && this.#findings.length === 0) this.find('no metrics in the answer');
    return { points, dropped: this.#dropped, findings: this.#findings };
  }
}

/** Cumulative buckets → events between neighbouring bounds; refused when they do not ascend. */
function histogramOf({ name, labels, cumulative, sum, count }: Buckets): MetricPoint | string {
  if (count !== undefined)
    cumulative.set(Number.POSITIVE_INFINITY, Math.max(count, cumulative.get(Number.POSITIVE_INFINITY) ?? 0));
  const bounds = [...cumulative.keys()].sort((a, b) => a - b);
  if (bounds.length < 2) return `${name} has no buckets`;
  const counts: number[] = [];
  let below = 0;
  for (const bound of bounds) {
    const upTo = cumulative.get(bound)!;
    if (!(upTo >= below) || !Number.isFinite(upTo)) return `the buckets of ${name} do not ascend`;
    counts.push(upTo - below);
    below = upTo;
  }
  return { name, labels, kind: 'histogram', bounds, counts, sum: Number.isFinite(sum) ? sum : Number.NaN };
}

/** The same for the same name and labels, in whatever order they were written. */
export function seriesKey(name: string, labels: Readonly<Record<string, string>>): string {
  const names = Object.keys(labels);
  if (names.length > 1) names.sort();
  let key = name;
  for (const label of names) key += `\u0000${label}\u0001${labels[label]}`;
  return key;
}
