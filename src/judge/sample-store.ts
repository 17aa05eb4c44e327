import type { JobId, Sample, TaskIndex } from '../model/index.ts';
import { readJournal, SampleWriter } from './sample-journal.ts';
import { type BinOwner, cellsOf, giveBackRings, makeRings, OwnerRing, type Ring } from './sample-rings.ts';
import {
  type AppendCount,
  defaultSampleSettings,
  type MetricSeen,
  type SampleHorizon,
  type SampleJournal,
  type SampleQuery,
  type SampleSettings,
  type SampleStore,
} from './samples.ts';
import { SlabPool } from './slabs.ts';

export interface SampleStoreOptions {
  readonly settings?: Partial<SampleSettings>;
  /** Without: what is in memory is lost with the process (simulator, tests). */
  readonly journal?: SampleJournal;
  readonly nowMs: number;
}

/** Opens the store and reads back what the journal kept. Call `tend` once per bin. */
export async function openSampleStore(options: SampleStoreOptions): Promise<SampleStore> {
  const settings = { ...defaultSampleSettings, ...options.settings };
  const memory = new SampleMemory(settings, options.nowMs);
  if (!options.journal) return memory;
  await readJournal(options.journal, (samples) => memory.restore(samples));
  memory.beginAfterRestore(options.nowMs, new SampleWriter(options.journal, settings));
  return memory;
}

const maxShared = 200_000;
/** A process that invents new bounds all the time must not be remembered without end. */
const maxLadders = 10_000;

/** A sample's bin may lie so far beyond the closed ones. */
const binsAhead = 8;

interface Series {
  readonly metric: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly kind: MetricSeen['kind'];
  readonly bounds: readonly number[] | undefined;
  readonly fine: Ring;
  readonly coarse: Ring;
  /** Gauges: how many fine bins a coarse bin holds, for their mean. */
  readonly parts: Ring | undefined;
}

interface TaskSamples {
  readonly series: Map<string, Series>;
  readonly fine: OwnerRing;
  readonly coarse: OwnerRing;
}

interface Ladder {
  readonly number: number;
  readonly bounds: readonly number[];
}

class SampleMemory implements SampleStore {
  readonly binMs: number;
  readonly #settings: SampleSettings;
  readonly #jobs = new Map<JobId, Map<TaskIndex, TaskSamples>>();
  readonly #openedAtMs: number;
  #writer: SampleWriter | undefined;
  /** Bins below are closed. */
  #closedBin = 0;
  #series = 0;
  #late = 0;
  #refused = 0;
  #lastForgotBin = 0;
  readonly #texts = new Map<string, { readonly text: string; readonly place: number }>();
  readonly #ladders = new Map<string, Ladder>();
  #nextLadder = 0;
  #lastLadder: Ladder | undefined;
  readonly #pool = new SlabPool();
  /** Used again for every sample. */
  readonly #cells: number[] = [];

  constructor(settings: SampleSettings, nowMs: number) {
    this.#settings = settings;
    this.binMs = settings.binMs;
    this.#openedAtMs = nowMs;
    this.#closedBin = Math.floor(nowMs / settings.binMs) - settings.lateBins;
  }

  restore(samples: readonly Sample[]): void {
    for (const sample of samples) this.#put(sample);
  }

  /** Bins after the last one written down stay open for a moment: agents hand in what they kept meanwhile. */
  beginAfterRestore(nowMs: number, writer: SampleWriter): void {
    this.#writer = writer;
    const newest = Math.floor(this.#newestMs() / this.binMs);
    const oldest = Math.floor((nowMs - this.#settings.fineMs / 2) / this.binMs);
    if (newest > 0) this.#closedBin = Math.min(this.#closedBin, Math.max(newest, oldest));
  }

  append(samples: readonly Sample[], nowMs: number): AppendCount {
    this.#closeBins(nowMs);
    let kept = 0;
    let late = 0;
    for (const sample of samples) {
      const bin = this.#binOf(sample);
      if (!isReadable(sample) || sample.toMs > nowMs + 5 * this.binMs) continue;
      if (bin < this.#closedBin) late += 1;
      else if (this.#put(sample)) {
        kept += 1;
        this.#writer?.add(bin, sample);
      }
    }
    const refused = samples.length - kept - late;
    this.#late += late;
    this.#refused += refused;
    return { kept, late, refused };
  }

  /** The middle decides, so that a scrape a few milliseconds off the grid still finds its bin. */
  #binOf(sample: Sample): number {
    return Math.floor((sample.fromMs + sample.toMs) / 2 / this.binMs);
  }

  #put(sample: Sample): boolean {
    const task = this.#taskOf(sample.job, sample.index);
    const series = this.#seriesOf(task, sample);
    const cells = cellsOf(sample.value, this.#cells);
    if (!series || cells.length !== series.fine.width) return false;
    const isSum = series.kind !== 'gauge';
    const bin = this.#binOf(sample);
    const coarseBin = Math.floor((bin * this.binMs) / this.#settings.coarseBinMs);
    const isFirstOfBin = task.fine.get(bin) === undefined;
    if (!series.fine.put(bin, cells, isSum)) return false;
    series.coarse.put(coarseBin, cells, true);
    series.parts?.put(coarseBin, [1], true);
    const spanMs = sample.toMs - sample.fromMs;
    const owner: BinOwner = { incarnation: sample.incarnation, version: sample.version, state: sample.state, spanMs };
    task.fine.put(bin, owner, false);
    task.coarse.put(coarseBin, isFirstOfBin ? owner : { ...owner, spanMs: 0 }, true);
    return true;
  }

  #taskOf(job: JobId, index: TaskIndex): TaskSamples {
    let tasks = this.#jobs.get(job);
    if (!tasks) {
      tasks = new Map();
      this.#jobs.set(job, tasks);
    }
    let task = tasks.get(index);
    if (!task) {
      task = { series: new Map(), fine: new OwnerRing(this.#fineBins()), coarse: new OwnerRing(this.#coarseBins()) };
      tasks.set(index, task);
    }
    return task;
  }

  #seriesOf(task: TaskSamples, { metric, labels, value }: Sample): Series | undefined {
    const kind = 'gauge' in value ? 'gauge' : 'counterDelta' in value ? 'counter' : 'histogram';
    const ladder = 'histogramDelta' in value ? this.#ladder(value.histogramDelta.bounds) : undefined;
    const names = Object.keys(labels).sort();
    let key = `${kind[0]}${this.#place(metric)}/${ladder?.number ?? ''}`;
    for (const name of names) key += `,${this.#place(name)}=${this.#place(labels[name]!)}`;
    const known = task.series.get(key);
    if (known) return known;
    if (task.series.size >= this.#settings.maxSeriesPerTask || this.#series >= this.#settings.maxSeries)
      return undefined;
    if (kind === 'histogram' && !ladder) return undefined;
    const width = ladder ? ladder.bounds.length + 1 : 1;
    const series: Series = {
      metric: this.#shared(metric),
      labels: this.#sharedLabels(labels),
      kind,
      bounds: ladder?.bounds,
      ...makeRings(this.#pool, this.#fineBins(), this.#coarseBins(), kind, width),
    };
    task.series.set(key, series);
    this.#series += 1;
    return series;
  }

  /** Thousands of series say the same words: kept once, and named by a number in keys. Beyond the bound, by itself. */
  #place(text: string): number | string {
    const known = this.#texts.get(text);
    if (known) return known.place;
    if (this.#texts.size >= maxShared) return JSON.stringify(text);
    this.#texts.set(text, { text, place: this.#texts.size });
    return this.#texts.size - 1;
  }

  #shared(text: string): string {
    return this.#texts.get(text)?.text ?? text;
  }

  #sharedLabels(labels: Readonly<Record<string, string>>): Readonly<Record<string, string>> {
    const shared: Record<string, string> = {};
    for (const [name, value] of Object.entries(labels)) shared[this.#shared(name)] = this.#shared(value);
    return shared;
  }

  /** Bounds of histograms, each set once, with a number for its place in keys. */
  #ladder(bounds: readonly number[]): Ladder | undefined {
    // Mostly those of the sample before: a text of all bounds for each sample is much garbage.
    if (this.#lastLadder && areSame(this.#lastLadder.bounds, bounds)) return this.#lastLadder;
    const key = bounds.join();
    const known = this.#ladders.get(key);
    if (known) this.#lastLadder = known;
    if (known || this.#ladders.size >= maxLadders) return known;
    this.#nextLadder += 1;
    const ladder = { number: this.#nextLadder, bounds };
    this.#ladders.set(key, ladder);
    return ladder;
  }

  #fineBins(): number {
    return Math.ceil(this.#settings.fineMs / this.binMs);
  }

  #coarseBins(): number {
    return Math.ceil(this.#settings.keepMs / this.#settings.coarseBinMs);
  }

  #newestMs(): number {
    let newest = 0;
    for (const tasks of this.#jobs.values())
      for (const task of tasks.values())
        for (const series of task.series.values()) newest = Math.max(newest, (series.fine.newestBin + 1) * this.binMs);
    return newest;
  }

  query(query: SampleQuery): Sample[] {
    const tasks = this.#jobs.get(query.job);
    const found: Sample[] = [];
    if (!tasks) return found;
    const indices = [...tasks.keys()].filter((index) => query.indices?.includes(index) ?? true).sort((a, b) => a - b);
    // What is older than the fine bins is told in coarse ones, which end where the fine ones begin.
    const { keptFromMs, fineFromMs, coarseBinMs, closedUntilMs } = this.horizon();
    const untilMs = Math.min(query.toMs, closedUntilMs);
    const sinceMs = Math.max(query.fromMs, keptFromMs);
    for (const index of indices) {
      const task = tasks.get(index)!;
      for (const series of task.series.values()) {
        if (query.metrics && !query.metrics.includes(series.metric)) continue;
        const base = { job: query.job, index, labels: series.labels, metric: series.metric };
        const read = (ring: Ring, owners: OwnerRing, widthMs: number, fromMs: number, toMs: number) => {
          const last = Math.floor(toMs / widthMs) - 1;
          for (
            let bin = Math.max(0, Math.ceil(fromMs / widthMs), ring.newestBin - ring.capacity + 1);
            bin <= Math.min(last, ring.newestBin);
            bin += 1
          ) {
            const owner = owners.get(bin);
            if (!owner || !ring.has(bin)) continue;
            const { incarnation, version, state } = owner;
            const isCoarse = ring === series.coarse;
            const value = readValue(series, ring, bin, isCoarse ? (series.parts?.get(bin) ?? 1) : 1);
            found.push({
              ...base,
              incarnation,
              version,
              state,
              fromMs: bin * widthMs,
              toMs: (bin + 1) * widthMs,
              value,
            });
          }
        };
        if (sinceMs < fineFromMs) read(series.coarse, task.coarse, coarseBinMs, sinceMs, Math.min(untilMs, fineFromMs));
        read(series.fine, task.fine, this.binMs, Math.max(sinceMs, fineFromMs), untilMs);
      }
    }
    return found;
  }

  listMetrics(job: JobId, sinceMs: number): MetricSeen[] {
    const seen = new Map<
      string,
      {
        metric: string;
        kind: MetricSeen['kind'];
        labels: Map<string, Set<string>>;
        tasks: Set<number>;
        lastSeenAtMs: number;
      }
    >();
    for (const [index, task] of this.#jobs.get(job) ?? []) {
      for (const { metric, kind, labels, fine } of task.series.values()) {
        const lastSeenAtMs = (fine.newestBin + 1) * this.binMs;
        if (lastSeenAtMs < sinceMs) continue;
        const entry = seen.get(`${kind}${metric}`) ?? {
          metric,
          kind,
          labels: new Map(),
          tasks: new Set(),
          lastSeenAtMs: 0,
        };
        seen.set(`${kind}${metric}`, entry);
        entry.tasks.add(index);
        entry.lastSeenAtMs = Math.max(entry.lastSeenAtMs, lastSeenAtMs);
        for (const [label, value] of Object.entries(labels)) {
          const values = entry.labels.get(label) ?? new Set();
          if (values.size < 50) entry.labels.set(label, values.add(value));
        }
      }
    }
    return [...seen.values()]
      .map(({ labels, tasks, ...rest }) => ({
        ...rest,
        labels: Object.fromEntries([...labels].map(([label, values]) => [label, [...values].sort()])),
        tasks: tasks.size,
      }))
      .sort((a, b) => (a.metric < b.metric ? -1 : 1));
  }

  closedUntilMs(): number {
    return this.#closedBin * this.binMs;
  }

  /** By the time alone: what a ring still holds by chance, because its series fell silent, is not told either. */
  horizon(): SampleHorizon {
    const { coarseBinMs, fineMs } = this.#settings;
    const closedUntilMs = this.closedUntilMs();
    // Rings have moved on for bins that are open, or lie ahead.
    const newestMs = closedUntilMs + this.binMs * binsAhead;
    const keptFromMs = (Math.floor(newestMs / coarseBinMs) - this.#coarseBins() + 1) * coarseBinMs;
    const fineFromMs = Math.ceil((newestMs - fineMs) / coarseBinMs) * coarseBinMs;
    return { keptFromMs: Math.max(0, keptFromMs), fineFromMs: Math.max(0, fineFromMs), coarseBinMs, closedUntilMs };
  }

  async tend(nowMs: number): Promise<void> {
    this.#closeBins(nowMs);
    if (this.#closedBin - this.#lastForgotBin > 60) this.#forget();
    await this.#writer?.write(this.#closedBin, nowMs);
  }

  #closeBins(nowMs: number): void {
    const isSettling = this.#writer !== undefined && nowMs < this.#openedAtMs + this.#settings.settleMs;
    if (!isSettling)
      this.#closedBin = Math.max(this.#closedBin, Math.floor(nowMs / this.binMs) - this.#settings.lateBins);
  }

  /** Series and tasks of which nothing is left. */
  #forget(): void {
    this.#lastForgotBin = this.#closedBin;
    if (this.#series === 0) this.#texts.clear();
    const oldestMs = this.closedUntilMs() - this.#settings.keepMs;
    for (const [job, tasks] of this.#jobs) {
      for (const [index, task] of tasks) {
        for (const [key, series] of task.series) {
          if ((series.fine.newestBin + 1) * this.binMs >= oldestMs) continue;
          giveBackRings(this.#pool, series);
          task.series.delete(key);
          this.#series -= 1;
        }
        if (task.series.size === 0) tasks.delete(index);
      }
      if (tasks.size === 0) this.#jobs.delete(job);
    }
    this.#forgetLadders();
  }

  /** A process that invented bounds takes nobody else's place for ever. Numbers are not used again. */
  #forgetLadders(): void {
    const used = new Set<readonly number[]>();
    for (const tasks of this.#jobs.values())
      for (const task of tasks.values()) for (const { bounds } of task.series.values()) if (bounds) used.add(bounds);
    for (const [key, { bounds }] of this.#ladders) if (!used.has(bounds)) this.#ladders.delete(key);
    this.#lastLadder = undefined;
  }

  counts() {
    return { series: this.#series, late: this.#late, refused: this.#refused };
  }

  async close(): Promise<void> {
    await this.#writer?.close();
  }
}

function isReadable({ fromMs, toMs, value }: Sample): boolean {
  if (!(toMs > fromMs) || !(fromMs >= 0) || !Number.isFinite(toMs)) return false;
  if ('gauge' in value) return Number.isFinite(value.gauge);
  if ('counterDelta' in value) return Number.isFinite(value.counterDelta);
  const { counts, sum } = value.histogramDelta;
  for (let at = 0; at < counts.length; at += 1) if (!Number.isFinite(counts[at]!) || counts[at]! < 0) return false;
  return Number.isFinite(sum);
}

function areSame(a: readonly number[], b: readonly number[]): boolean {
  if (a.length !== b.length) return false;
  for (let at = 0; at < a.length; at += 1) if (a[at] !== b[at]) return false;
  return true;
}

function readValue({ kind, bounds }: Series, ring: Ring, bin: number, parts: number): Sample['value'] {
  if (kind === 'gauge') return { gauge: ring.get(bin) / parts };
  if (kind === 'counter') return { counterDelta: ring.get(bin) };
  return { histogramDelta: { bounds: bounds!, counts: ring.counts(bin), sum: ring.get(bin) } };
}
