import type { JobId, Sample, TaskIndex } from '../model/index.ts';
import { metricsSeen } from './metrics-seen.ts';
import { type BinOwner, OwnerRing } from './owner-ring.ts';
import { isReadable } from './readable.ts';
import { readJournal, SampleWriter } from './sample-journal.ts';
import { cellsOf, giveBackRings, makeRings } from './sample-rings.ts';
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
import { SharedWords } from './shared-words.ts';
import { SlabPool } from './slabs.ts';
import { type Series, type TaskSamples, tellSamples } from './task-samples.ts';

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

/** A sample's bin may lie so far beyond the closed ones. */
const binsAhead = 8;

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
  readonly #words = new SharedWords();
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
    const ladder = 'histogramDelta' in value ? this.#words.ladder(value.histogramDelta.bounds) : undefined;
    const names = Object.keys(labels).sort();
    let key = `${kind[0]}${this.#words.place(metric)}/${ladder?.number ?? ''}`;
    for (const name of names) key += `,${this.#words.place(name)}=${this.#words.place(labels[name]!)}`;
    const known = task.series.get(key);
    if (known) return known;
    if (task.series.size >= this.#settings.maxSeriesPerTask || this.#series >= this.#settings.maxSeries)
      return undefined;
    if (kind === 'histogram' && !ladder) return undefined;
    const width = ladder ? ladder.bounds.length + 1 : 1;
    const series: Series = {
      metric: this.#words.text(metric),
      labels: this.#words.labels(labels),
      kind,
      bounds: ladder?.bounds,
      ...makeRings(this.#pool, this.#fineBins(), this.#coarseBins(), kind, width),
    };
    task.series.set(key, series);
    this.#series += 1;
    return series;
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
      const tell = (series: Series, isCoarse: boolean, fromMs: number, toMs: number) =>
        tellSamples(found, query.job, index, task, series, {
          isCoarse,
          fromMs,
          toMs,
          binMs: isCoarse ? coarseBinMs : this.binMs,
        });
      for (const series of task.series.values()) {
        if (query.metrics && !query.metrics.includes(series.metric)) continue;
        if (sinceMs < fineFromMs) tell(series, true, sinceMs, Math.min(untilMs, fineFromMs));
        tell(series, false, Math.max(sinceMs, fineFromMs), untilMs);
      }
    }
    return found;
  }

  listMetrics(job: JobId, sinceMs: number): MetricSeen[] {
    return metricsSeen(this.#jobs.get(job) ?? new Map(), sinceMs, this.binMs);
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
    if (this.#series === 0) this.#words.forgetTexts();
    const oldestMs = this.closedUntilMs() - this.#settings.keepMs;
    const used = new Set<readonly number[]>();
    for (const [job, tasks] of this.#jobs) {
      for (const [index, task] of tasks) {
        for (const [key, series] of task.series) {
          if ((series.fine.newestBin + 1) * this.binMs >= oldestMs) continue;
          giveBackRings(this.#pool, series);
          task.series.delete(key);
          this.#series -= 1;
        }
        for (const { bounds } of task.series.values()) if (bounds) used.add(bounds);
        if (task.series.size === 0) tasks.delete(index);
      }
      if (tasks.size === 0) this.#jobs.delete(job);
    }
    this.#words.keepLadders(used);
  }

  counts() {
    return { series: this.#series, late: this.#late, refused: this.#refused };
  }

  async close(): Promise<void> {
    await this.#writer?.close();
  }
}
