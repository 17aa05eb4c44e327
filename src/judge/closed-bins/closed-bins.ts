import type { Sample, TaskIndex, VersionId } from '../../model/index.ts';
import { type BinTable, binOf, notServing, serving, tableOf, unseen } from '../bin-table.ts';
import type { SeenMetric } from '../discover.ts';
import type { JudgePlan } from '../port.ts';
import { Grid, type GridView, Plane } from './grid.ts';
import { Readings } from './readings.ts';
import { SeenFacts } from './seen.ts';

/** Samples of one metric of the time that is kept, in the order of a query. */
export type SamplesOf = (metric: string) => readonly Sample[];

/**
 * What a judgement needs of samples, bin by bin: who each task was, and the numbers of the metrics that were asked for.
 * Nothing in it depends on what is compared with what, so it serves every plan. Bins are added when they are closed and
 * then stay as they are: whether all of them at once or one after the other makes no difference in any bit.
 */
export class ClosedBins extends Readings {
  readonly binMs: number;
  readonly #samplesOf: SamplesOf;
  readonly #facts = new SeenFacts();
  readonly #slots = new Map<TaskIndex, number>();
  readonly #versions = new Map<VersionId, number>();
  readonly #seen: Plane;
  readonly #incarnation: Plane;
  readonly #version: Plane;
  /** Time covered by the samples of each bin. */
  readonly #spans = new Map<number, { fromMs: number; toMs: number }>();
  /** What begins before is not asked for any more. */
  #keptFromMs = Number.NEGATIVE_INFINITY;
  #view: GridView = { slots: new Int32Array(0), firstBin: 0, bins: 0 };

  constructor(binMs: number, samplesOf: SamplesOf) {
    super(new Grid(), binMs);
    this.binMs = binMs;
    this.#samplesOf = samplesOf;
    this.#seen = this.grid.open(new Plane(new Uint8Array(0)));
    this.#incarnation = this.grid.open(new Plane(new Int32Array(0)));
    this.#version = this.grid.open(new Plane(new Uint16Array(0)));
  }

  static ofSamples(binMs: number, samples: readonly Sample[]): ClosedBins {
    let byMetric: Map<string, Sample[]> | undefined;
    const bins = new ClosedBins(binMs, (metric) => {
      byMetric ??= grouped(samples);
      return byMetric.get(metric) ?? [];
    });
    bins.add(samples);
    return bins;
  }

  /** Of these bins nothing was added before. */
  add(samples: readonly Sample[]): void {
    let first = Number.POSITIVE_INFINITY;
    let last = Number.NEGATIVE_INFINITY;
    for (const sample of samples) {
      this.#facts.add(sample);
      if (!this.#slots.has(sample.index)) this.#slots.set(sample.index, this.#slots.size);
      if (this.#isTooWide(sample)) continue;
      const bin = binOf(sample, this.binMs);
      const span = this.#spans.get(bin);
      if (!span) this.#spans.set(bin, { fromMs: sample.fromMs, toMs: sample.toMs });
      else if (sample.fromMs < span.fromMs || sample.toMs > span.toMs) {
        span.fromMs = Math.min(span.fromMs, sample.fromMs);
        span.toMs = Math.max(span.toMs, sample.toMs);
      }
      if (bin < first) first = bin;
      if (bin > last) last = bin;
    }
    if (last < first) return;
    this.grid.cover(first, last + 1, this.#slots.size, this.#firstKeptBin());
    for (const sample of samples) {
      if (this.#isTooWide(sample)) continue;
      const bin = binOf(sample, this.binMs);
      const at = this.grid.at(this.#slots.get(sample.index)!, bin);
      this.#addOwner(sample, at);
      const folds = this.foldsOf(sample.metric);
      if (folds) for (const fold of folds) fold.add(sample, at, bin);
    }
  }

  #addOwner({ state, version, incarnation: number }: Sample, at: number): void {
    const seen = this.#seen.cells;
    const incarnation = this.#incarnation.cells;
    let place = this.#versions.get(version);
    if (place === undefined) {
      place = this.#versions.size;
      this.#versions.set(version, place);
    }
    const own = state === 'serving' ? serving : notServing;
    if (seen[at] === unseen) seen[at] = own;
    else if (own === notServing || incarnation[at] !== number || this.#version.cells[at] !== place)
      seen[at] = notServing;
    if (number < incarnation[at]!) return;
    incarnation[at] = number;
    this.#version.cells[at] = place;
  }

  /** What has become coarse tells of metrics and tasks, and of no bin. */
  #isTooWide({ fromMs, toMs }: Sample): boolean {
    return toMs - fromMs > 1.5 * this.binMs;
  }

  /** The first bin that says anything. */
  #firstKeptBin(): number | undefined {
    let first: number | undefined;
    for (const bin of this.#spans.keys()) if (first === undefined || bin < first) first = bin;
    return first;
  }

  /** Gives up these bins: they are told otherwise now, or not at all. */
  clear(fromMs: number, toMs: number): void {
    const [from, end] = [Math.floor(fromMs / this.binMs), Math.ceil(toMs / this.binMs)];
    for (const bin of this.#spans.keys()) if (bin >= from && bin < end) this.#spans.delete(bin);
    this.grid.clear(from, end);
    this.forget(from, end);
  }

  /** Nothing that begins earlier is asked for any more. */
  dropBefore(fromMs: number): void {
    if (fromMs <= this.#keptFromMs) return;
    this.#keptFromMs = fromMs;
    const end = Math.floor(fromMs / this.binMs);
    for (const bin of this.#spans.keys()) if (bin < end) this.#spans.delete(bin);
    this.forget(Number.NEGATIVE_INFINITY, end);
    this.#facts.forgetBefore(fromMs);
  }

  /** Rooms of tasks that are gone are not given back, nor are numbers of versions: then it is better made anew. */
  get isWorn(): boolean {
    return this.#slots.size > 2 * this.#facts.tasks(this.#keptFromMs).length + 50 || this.#versions.size > 1000;
  }

  get bytes(): number {
    return this.grid.bytes;
  }

  get isEmpty(): boolean {
    return !this.#facts.isAny(this.#keptFromMs);
  }

  metrics(): SeenMetric[] {
    return this.#facts.metrics(this.#keptFromMs);
  }

  isHeard(version: VersionId, afterMs: number): boolean {
    return this.#facts.isHeard(version, afterMs);
  }

  /** The time of which bins can be made; undefined: there is none. */
  span(): { readonly fromMs: number; readonly toMs: number } | undefined {
    let [fromMs, toMs] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
    for (const span of this.#spans.values()) {
      fromMs = Math.min(fromMs, span.fromMs);
      toMs = Math.max(toMs, span.toMs);
    }
    return toMs >= fromMs ? { fromMs, toMs } : undefined;
  }

  samplesOf(metric: string): readonly Sample[] {
    return this.#samplesOf(metric);
  }

  /** Forms the groups of this time. What is read of metrics afterwards is read in the cells of this table. */
  table(
    plan: Pick<JudgePlan, 'spec' | 'newVersion' | 'oldVersions' | 'updates'>,
    fromMs: number,
    toMs: number,
  ): BinTable {
    const firstBin = Math.floor(fromMs / this.binMs);
    const bins = Math.max(0, Math.floor(toMs / this.binMs) - firstBin);
    const tasks = this.#facts.tasks(this.#keptFromMs);
    this.grid.cover(firstBin, firstBin + bins, this.#slots.size, this.#firstKeptBin());
    const view = { slots: Int32Array.from(tasks, ({ index }) => this.#slots.get(index)!), firstBin, bins };
    this.#view = view;
    const size = tasks.length * bins;
    return tableOf(plan, {
      ...{ firstBin, bins, tasks, versions: [...this.#versions.keys()] },
      seen: this.grid.read(this.#seen, view, new Uint8Array(size)),
      incarnation: this.grid.read(this.#incarnation, view, new Int32Array(size)),
      version: this.grid.read(this.#version, view, new Uint16Array(size)),
    });
  }

  protected get view(): GridView {
    return this.#view;
  }

  protected eachOf(metric: string, each: (sample: Sample, at: number, bin: number) => void): void {
    for (const sample of this.#samplesOf(metric)) {
      if (this.#isTooWide(sample)) continue;
      const bin = binOf(sample, this.binMs);
      if (this.#spans.has(bin)) each(sample, this.grid.at(this.#slots.get(sample.index)!, bin), bin);
    }
  }
}

function grouped(samples: readonly Sample[]): Map<string, Sample[]> {
  const found = new Map<string, Sample[]>();
  for (const sample of samples) {
    const list = found.get(sample.metric);
    if (list) list.push(sample);
    else found.set(sample.metric, [sample]);
  }
  return found;
}

/** The groups of samples alone. The order of samples does not matter. */
export function buildBinTable(
  plan: Pick<JudgePlan, 'spec' | 'newVersion' | 'oldVersions' | 'updates'>,
  samples: readonly Sample[],
  fromMs: number,
  toMs: number,
): BinTable {
  return ClosedBins.ofSamples(plan.spec.binMs, samples).table(plan, fromMs, toMs);
}
