import { z } from 'zod';
import { type JobId, partsOfJob, type Sample, type SourceTrouble } from '../../model/index.ts';
import {
  type Collected,
  defaultTargetLimits,
  type KnownTask,
  ladderOf,
  type MetricSource,
  type ReadEndpoint,
  type SourceFinding,
  seriesKey,
  type TaskBook,
} from '../index.ts';

/** A metric asked of a Prometheus server. */
export interface PrometheusQuery {
  readonly metric: string;
  readonly jobs: readonly JobId[];
  /** PromQL; `{job}`, `{service}`, `{environment}` and `{bin}` (`10s`) are filled in. */
  readonly promql: string;
  /** A level; how many in the bin; or how many by `le` (or a native histogram). */
  readonly as: 'gauge' | 'events' | 'histogram';
  /** Which task a series is of: the label with its `address:port`, or with its index. */
  readonly task: { readonly address: string } | { readonly index: string };
}

export interface PrometheusOptions {
  readonly name: string;
  readonly url: string;
  readonly readToken?: (() => Promise<string | undefined>) | undefined;
  readonly queries: readonly PrometheusQuery[];
  /** Those that services ask, as they are now. */
  readonly listOwnQueries?: (() => readonly PrometheusQuery[]) | undefined;
  readonly read: ReadEndpoint;
  readonly book: TaskBook;
  readonly binMs: number;
  readonly judgeBinMsOf: (job: JobId) => number;
  /** How far behind a Prometheus server is: it has to scrape first. */
  readonly lagMs: number;
}

const maxBytes = 16 * 1024 * 1024;
/** Whoever commits may write a query of a service, and hundreds are asked at once: a level of 10,000 tasks is less. */
const maxBytesOfOwn = 2 * 1024 * 1024;

/**
 * A Prometheus server, asked by range queries once per bin of each job's judge, for the bin that ended `lagMs` ago: it
 * has to scrape first. What it says of that time counts for the bin in which it is heard, and only for tasks that
 * have served as they are since then. Down, slow or wrong is a finding.
 */
export function prometheusSource(options: PrometheusOptions): MetricSource {
  const { name, url, queries, read, binMs, judgeBinMsOf, lagMs, readToken } = options;
  const deadlineMs = Math.min(5000, binMs * 5);
  const find = (trouble: SourceTrouble, what: string, subject = url): SourceFinding => {
    return { source: `prometheus/${name}`, subject, trouble, sentence: `The Prometheus server ${name}: ${what}.` };
  };

  const ask = async (
    query: PrometheusQuery,
    mostBytes: number,
    job: JobId,
    edgeMs: number,
    signal: AbortSignal,
  ): Promise<Collected> => {
    const judgeBinMs = judgeBinMsOf(job);
    const atMs = edgeMs - lagMs;
    const at = String(atMs / 1000);
    const range = { query: fillIn(query.promql, job, judgeBinMs), start: at, end: at, step: String(judgeBinMs / 1000) };
    const token = await readToken?.();
    const headers: Record<string, string> = { accept: 'application/json' };
    if (token !== undefined) headers.authorization = `Bearer ${token.trim()}`;
    const address = `${url.replace(/\/$/, '')}/api/v1/query_range?${new URLSearchParams(range)}`;
    const answer = await read(address, { deadlineMs, maxBytes: mostBytes, headers, signal });
    if (!answer.ok) return { samples: [], findings: [find(answer.trouble, answer.why)] };
    const parsed = parseAnswer(answer.text);
    if (typeof parsed === 'string')
      return { samples: [], findings: [find('unreadable', `${query.metric}: ${parsed}`)] };
    const sift = new Sift(query, job, options.book, { fromMs: atMs - judgeBinMs, atMs, edgeMs, binMs });
    for (const series of parsed) sift.take(series);
    return {
      samples: sift.samples(),
      findings: sift.troubles().map(({ trouble, what, subject }) => find(trouble, what, subject ?? url)),
    };
  };

  return {
    name: `prometheus/${name}`,
    async collect(edgeMs, signal) {
      const own = options.listOwnQueries?.() ?? [];
      const due = (list: readonly PrometheusQuery[], mostBytes: number) =>
        list.flatMap((query) =>
          query.jobs
            .filter((job) => edgeMs % judgeBinMsOf(job) === 0)
            .map((job) => ask(query, mostBytes, job, edgeMs, signal)),
        );
      const all = await Promise.all([...due(queries, maxBytes), ...due(own, maxBytesOfOwn)]);
      return { samples: all.flatMap((one) => one.samples), findings: all.flatMap((one) => one.findings) };
    },
  };
}

/** In PromQL a brace begins a selector, so only these exact words are ours. */
function fillIn(promql: string, job: JobId, judgeBinMs: number): string {
  const { service, environment } = partsOfJob(job);
  const words: Record<string, string> = { job, service, environment, bin: `${judgeBinMs / 1000}s` };
  return promql.replace(/\{(job|service|environment|bin)\}/g, (_, word: string) => words[word]!);
}

const instant = z.tuple([z.number(), z.string()]);
const nativeBucket = z.tuple([z.number(), z.string(), z.string(), z.string()]);
const native = z.object({ count: z.string(), sum: z.string(), buckets: z.array(nativeBucket).max(2000).default([]) });
const seriesSchema = z.object({
  metric: z.record(z.string(), z.string()),
  values: z.array(instant).default([]),
  histograms: z.array(z.tuple([z.number(), native])).default([]),
});
const answerSchema = z.object({
  status: z.literal('success'),
  data: z.object({ resultType: z.literal('matrix'), result: z.array(seriesSchema).max(100_000) }),
});
type Series = z.output<typeof seriesSchema>;

function parseAnswer(text: string): Series[] | string {
  try {
    const parsed = answerSchema.safeParse(JSON.parse(text));
    return parsed.success ? parsed.data.data.result : 'its answer is no matrix of a range query';
  } catch {
    return 'its answer is not JSON';
  }
}

interface Found {
  readonly task: KnownTask;
  readonly labels: Readonly<Record<string, string>>;
  /** Of a histogram: events at or below each bound, as Prometheus counts. */
  readonly buckets: Map<number, number>;
  value: Sample['value'] | undefined;
}
interface Times {
  readonly fromMs: number;
  readonly atMs: number;
  readonly edgeMs: number;
  readonly binMs: number;
}

/** Series of one answer → samples of tasks. */
class Sift {
  readonly #query: PrometheusQuery;
  readonly #job: JobId;
  readonly #book: TaskBook;
  readonly #times: Times;
  readonly #found = new Map<string, Found>();
  readonly #perTask = new Map<string, number>();
  #namesNow: ReadonlySet<string> | undefined;
  readonly #troubles = new Map<string, { trouble: SourceTrouble; what: string; subject: string | undefined }>();

  constructor(query: PrometheusQuery, job: JobId, book: TaskBook, times: Times) {
    this.#query = query;
    this.#job = job;
    this.#book = book;
    this.#times = times;
  }

  take({ metric, values, histograms }: Series): void {
    const { __name__: _, le, ...labels } = metric;
    const task = this.#taskOf(labels);
    if (!task) return;
    const label = 'address' in this.#query.task ? this.#query.task.address : this.#query.task.index;
    const { [label]: __, ...own } = labels;
    const found = this.#placeFor(task, own);
    if (!found) return;
    const [, text] = values.find(([at]) => this.#isThen(at)) ?? [];
    const [, whole] = histograms.find(([at]) => this.#isThen(at)) ?? [];
    if (whole) found.value = this.#nativeOf(whole);
    if (text === undefined) return;
    const value = numberOf(text);
    if (!Number.isFinite(value)) this.#say('not-finite', `${this.#query.metric} is ${text}`);
    else if (this.#query.as === 'gauge') found.value = { gauge: value };
    else if (value < 0) this.#say('fell', `${this.#query.metric} counts less than nothing`);
    else if (this.#query.as === 'events') found.value = { counterDelta: value };
    else if (le !== undefined && found.buckets.size < 200) found.buckets.set(numberOf(le), value);
  }

  #isThen(at: number): boolean {
    return Math.abs(at * 1000 - this.#times.atMs) < 1;
  }

  #taskOf(labels: Readonly<Record<string, string>>): KnownTask | undefined {
    const { task } = this.#query;
    const { fromMs } = this.#times;
    const label = 'address' in task ? task.address : task.index;
    const name = labels[label];
    if (name === undefined) this.#say('unknown-task', `a series of ${this.#query.metric} has no label ${label}`);
    if (name === undefined) return undefined;
    const index = /^\d{1,7}$/.test(name) ? Number(name) : Number.NaN;
    const known =
      'address' in task ? this.#book.findByAddress(name, fromMs) : this.#book.find({ job: this.#job, index }, fromMs);
    // A task that was updated meanwhile is no stranger; neither is one of another job under the same query.
    if (!known && !this.#isKnownNow(name)) {
      this.#say('unknown-task', `${this.#query.metric} has ${label}="${name.slice(0, 80)}", which is no task here`);
    }
    return known?.job === this.#job ? known : undefined;
  }

  /** An answer may have a hundred thousand series of strangers: the tasks are gone through once. */
  #isKnownNow(name: string): boolean {
    this.#namesNow ??= new Set(
      this.#book.list().flatMap(({ job, index, addresses }) => {
        if ('address' in this.#query.task) return addresses;
        return job === this.#job ? [String(index)] : [];
      }),
    );
    return this.#namesNow.has(name);
  }

  #placeFor(task: KnownTask, labels: Readonly<Record<string, string>>): Found | undefined {
    const id = `${task.job}/${task.index}`;
    const key = seriesKey(id, labels);
    const known = this.#found.get(key);
    if (known) return known;
    const own = this.#perTask.get(id) ?? 0;
    if (own >= defaultTargetLimits.maxSeriesPerMetric) {
      this.#say('too-many-series', `${this.#query.metric} has more series than are kept`, id);
      return undefined;
    }
    this.#perTask.set(id, own + 1);
    const found: Found = { task, labels, buckets: new Map(), value: undefined };
    this.#found.set(key, found);
    return found;
  }

  /** Laid onto the ladder of the metric's unit by the end of each bucket: native histograms change their bounds. */
  #nativeOf({ sum, buckets }: z.output<typeof native>): Sample['value'] | undefined {
    const { bounds } = ladderOf(this.#query.metric);
    const counts = new Array<number>(bounds.length).fill(0);
    for (const [, , upper, text] of buckets) {
      const end = numberOf(upper);
      const count = numberOf(text);
      if (!(count >= 0) || !Number.isFinite(count) || Number.isNaN(end)) return undefined;
      counts[bounds.findIndex((bound) => end <= bound * (1 + 1e-9))]! += count;
    }
    return { histogramDelta: { bounds, counts, sum: finite(numberOf(sum)) } };
  }

  samples(): Sample[] {
    const { edgeMs, binMs } = this.#times;
    return [...this.#found.values()].flatMap((found): Sample[] => {
      const value = found.value ?? (found.buckets.size > 0 ? this.#histogramOf(found.buckets) : undefined);
      if (!value) return [];
      const { job, index, incarnation, version, state, labels } = found.task;
      const base = { job, index, incarnation, version, state, metric: this.#query.metric, value };
      return [{ ...base, labels: { ...labels, ...found.labels }, fromMs: edgeMs - binMs, toMs: edgeMs }];
    });
  }

  #histogramOf(buckets: ReadonlyMap<number, number>): Sample['value'] | undefined {
    const bounds = [...buckets.keys()].filter((bound) => !Number.isNaN(bound)).sort((a, b) => a - b);
    if (bounds.length < 2 || bounds.at(-1) !== Number.POSITIVE_INFINITY) {
      this.#say('unreadable', `${this.#query.metric} has no buckets up to le="+Inf"`);
      return undefined;
    }
    let below = 0;
    const counts = bounds.map((bound) => {
      const upTo = buckets.get(bound)!;
      // Each bucket was extrapolated by itself: a tiny step down is rounding.
      const count = Math.max(0, upTo - below);
      below = Math.max(below, upTo);
      return count;
    });
    return { histogramDelta: { bounds, counts, sum: 0 } };
  }

  #say(trouble: SourceTrouble, what: string, subject?: string): void {
    const key = `${trouble}/${subject ?? ''}`;
    if (this.#troubles.size < 50 && !this.#troubles.has(key)) this.#troubles.set(key, { trouble, what, subject });
  }

  troubles() {
    return [...this.#troubles.values()];
  }
}

function numberOf(text: string): number {
  if (/^\+?Inf$/.test(text)) return Number.POSITIVE_INFINITY;
  return text === '-Inf' ? Number.NEGATIVE_INFINITY : Number(text);
}

function finite(sum: number): number {
  return Number.isFinite(sum) ? sum : 0;
}
