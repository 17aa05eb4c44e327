import type { Sample } from '../../model/index.ts';
import { type Grid, type GridView, NumberPlane, Plane } from './grid.ts';

/** What is kept of one metric, cell by cell: each sample is added once, in the order of a query. */
export interface Fold {
  readonly metric: string;
  add(sample: Sample, at: number, bin: number): void;
  /** These bins are read again, or are not asked for any more. */
  forget(fromBin: number, endBin: number): void;
  close(): void;
}

export function eventsIn(counts: readonly number[]): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}

/** Events that a sample counted; undefined: it counts none. */
function eventsOf(value: Sample['value']): number | undefined {
  if ('counterDelta' in value) return value.counterDelta;
  return 'histogramDelta' in value ? eventsIn(value.histogramDelta.counts) : undefined;
}

/** Something that is summed up: all events, those with a label, single incidents. */
export class SumFold implements Fold {
  readonly metric: string;
  readonly #grid: Grid;
  readonly #plane: NumberPlane;
  readonly #countOf: (sample: Sample) => number | undefined;

  private constructor(grid: Grid, metric: string, countOf: (sample: Sample) => number | undefined) {
    this.metric = metric;
    this.#grid = grid;
    this.#plane = grid.open(new NumberPlane());
    this.#countOf = countOf;
  }

  static ofEvents(grid: Grid, metric: string): SumFold {
    return new SumFold(grid, metric, ({ value }) => eventsOf(value));
  }

  /** Those whose label says so; zero where there are others. */
  static ofSome(grid: Grid, metric: string, label: string, isMeant: (value: string) => boolean): SumFold {
    const known = new Map<string, boolean>();
    const isKnown = (text: string) => {
      const found = known.get(text) ?? isMeant(text);
      if (known.size < 1000) known.set(text, found);
      return found;
    };
    return new SumFold(grid, metric, ({ value, labels }) => {
      const events = eventsOf(value);
      return events === undefined || isKnown(labels[label] ?? '') ? events : 0;
    });
  }

  static ofIncidents(grid: Grid, metric: string): SumFold {
    return new SumFold(grid, metric, ({ value }) => ('counterDelta' in value ? value.counterDelta : undefined));
  }

  add(sample: Sample, at: number): void {
    const value = this.#countOf(sample);
    if (value !== undefined) this.#plane.add(at, value);
  }

  read(view: GridView, into: Float64Array): Float64Array {
    return this.#grid.read(this.#plane, view, into);
  }

  forget(): void {}

  close(): void {
    this.#grid.close(this.#plane);
  }
}

/** Gauges: the mean over a task's series, and over the parts of a bin. */
export class GaugeFold implements Fold {
  readonly metric: string;
  readonly #grid: Grid;
  readonly #sums: NumberPlane;
  /** How many numbers each sum is of; undefined: none of more than one. */
  #parts: Plane | undefined;

  constructor(grid: Grid, metric: string) {
    this.metric = metric;
    this.#grid = grid;
    this.#sums = grid.open(new NumberPlane());
  }

  add({ value }: Sample, at: number): void {
    if (!('gauge' in value)) return;
    const isFirst = Number.isNaN(this.#sums.cells[at]!);
    this.#sums.add(at, value.gauge);
    if (isFirst && !this.#parts) return;
    this.#parts ??= this.#grid.open(new Plane(new Int32Array(0)));
    // Where nothing is said it is one.
    this.#parts.cells[at] = isFirst ? 1 : Math.max(1, this.#parts.cells[at]!) + 1;
  }

  read(view: GridView, into: Float64Array): Float64Array {
    const values = this.#grid.read(this.#sums, view, into);
    if (!this.#parts) return values;
    const parts = this.#grid.read(this.#parts, view, new Int32Array(values.length));
    for (let at = 0; at < parts.length; at += 1) if (parts[at]! > 1) values[at]! /= parts[at]!;
    return values;
  }

  forget(): void {}

  close(): void {
    this.#grid.close(this.#sums);
    if (this.#parts) this.#grid.close(this.#parts);
  }
}

/** Parts of a bin that are told apart when it is asked how much of it was read. */
export const partsOfBin = 30;

/** Which parts of a bin were read, a bit each. */
export class PartsFold implements Fold {
  readonly metric: string;
  readonly #grid: Grid;
  readonly #binMs: number;
  readonly #plane: Plane;

  constructor(grid: Grid, metric: string, binMs: number) {
    this.metric = metric;
    this.#grid = grid;
    this.#binMs = binMs;
    this.#plane = grid.open(new Plane(new Int32Array(0)));
  }

  add({ value, fromMs, toMs }: Sample, at: number, bin: number): void {
    if ('gauge' in value) return;
    const beginMs = bin * this.#binMs;
    const partOf = (ms: number) => Math.round(((ms - beginMs) * partsOfBin) / this.#binMs);
    const [from, to] = [Math.max(0, partOf(fromMs)), Math.min(partsOfBin, partOf(toMs))];
    let mask = this.#plane.cells[at]!;
    for (let part = from; part < to; part += 1) mask |= 1 << part;
    this.#plane.cells[at] = mask;
  }

  read(view: GridView, into: Int32Array): Int32Array {
    return this.#grid.read(this.#plane, view, into);
  }

  forget(): void {}

  close(): void {
    this.#grid.close(this.#plane);
  }
}

/** Logarithms of what another fold says, kept beside it: they cost more than all else that is done with a number. */
export class LogFold implements Fold {
  readonly metric: string;
  readonly #grid: Grid;
  readonly #plane: Plane;
  /** Bins to which something was added since they were read. */
  readonly #fresh = new Set<number>();

  constructor(grid: Grid, metric: string) {
    this.metric = metric;
    this.#grid = grid;
    this.#plane = grid.open(new Plane(new Float64Array(0), 1, Number.NaN));
  }

  add(_sample: Sample, _at: number, bin: number): void {
    this.#fresh.add(bin);
  }

  read(view: GridView, values: Float64Array): Float64Array {
    const { slots, firstBin, bins } = view;
    for (const bin of this.#fresh) {
      if (bin < firstBin || bin >= firstBin + bins) continue;
      for (let row = 0; row < slots.length; row += 1) {
        this.#plane.cells[this.#grid.at(slots[row]!, bin)] = Math.log(values[row * bins + bin - firstBin]!);
      }
      this.#fresh.delete(bin);
    }
    return this.#grid.read(this.#plane, view, new Float64Array(values.length));
  }

  forget(fromBin: number, endBin: number): void {
    for (const bin of this.#fresh) if (bin >= fromBin && bin < endBin) this.#fresh.delete(bin);
  }

  close(): void {
    this.#grid.close(this.#plane);
  }
}

interface Ladder {
  readonly key: string;
  readonly bounds: readonly number[];
  /** Histograms of these bounds, by bin. */
  readonly tally: Map<number, number>;
}

/**
 * Histograms of the bounds that most samples have; of others only how many there are. When another set of bounds
 * becomes the most common one, all of them are read again.
 */
export class HistogramFold implements Fold {
  readonly metric: string;
  readonly #grid: Grid;
  readonly #ladders = new Map<string, Ladder>();
  /** The store hands out the same bounds again and again: each is put into words once. */
  #last: { readonly bounds: readonly number[]; readonly ladder: Ladder } | undefined;
  #chosen: { readonly ladder: Ladder; readonly counts: NumberPlane } | undefined;

  constructor(grid: Grid, metric: string) {
    this.metric = metric;
    this.#grid = grid;
  }

  add(sample: Sample, at: number, bin: number): void {
    if (!('histogramDelta' in sample.value)) return;
    const { bounds } = sample.value.histogramDelta;
    const ladder = this.#ladderOf(bounds);
    ladder.tally.set(bin, (ladder.tally.get(bin) ?? 0) + 1);
    if (this.#chosen?.ladder === ladder) this.#count(sample, at);
  }

  #count({ value }: Sample, at: number): void {
    if (!('histogramDelta' in value)) return;
    const { counts } = this.#chosen!;
    const deltas = value.histogramDelta.counts;
    const first = at * counts.depth;
    for (let i = 0; i < deltas.length; i += 1) counts.add(first + i, deltas[i]!);
  }

  #ladderOf(bounds: readonly number[]): Ladder {
    if (this.#last?.bounds === bounds) return this.#last.ladder;
    const key = bounds.join();
    const ladder = this.#ladders.get(key) ?? { key, bounds, tally: new Map() };
    this.#ladders.set(key, ladder);
    this.#last = { bounds, ladder };
    return ladder;
  }

  /** `again`: every sample of the metric, with its cell; asked for when other bounds are the most common ones now. */
  read(view: GridView, again: (each: (sample: Sample, at: number) => void) => void) {
    const best = this.#mostCommon(view);
    if (best && best !== this.#chosen?.ladder) {
      if (this.#chosen) this.#grid.close(this.#chosen.counts);
      this.#chosen = { ladder: best, counts: this.#grid.open(new NumberPlane(best.bounds.length)) };
      again((sample, at) => {
        if ('histogramDelta' in sample.value && this.#ladderOf(sample.value.histogramDelta.bounds) === best)
          this.#count(sample, at);
      });
    }
    if (!best) return { bounds: [], counts: new Float64Array(0) };
    const size = view.slots.length * view.bins * best.bounds.length;
    return { bounds: best.bounds, counts: this.#grid.read(this.#chosen!.counts, view, new Float64Array(size)) };
  }

  #mostCommon({ firstBin, bins }: GridView): Ladder | undefined {
    let best: { readonly ladder: Ladder; readonly n: number } | undefined;
    for (const ladder of this.#ladders.values()) {
      let n = 0;
      for (const [bin, count] of ladder.tally) if (bin >= firstBin && bin < firstBin + bins) n += count;
      const isBetter = !best || n > best.n || (n === best.n && ladder.key < best.ladder.key);
      if (n > 0 && isBetter) best = { ladder, n };
    }
    return best?.ladder;
  }

  forget(fromBin: number, endBin: number): void {
    for (const [key, ladder] of this.#ladders) {
      for (const bin of ladder.tally.keys()) if (bin >= fromBin && bin < endBin) ladder.tally.delete(bin);
      if (ladder.tally.size > 0 || ladder === this.#chosen?.ladder) continue;
      this.#ladders.delete(key);
      if (this.#last?.ladder === ladder) this.#last = undefined;
    }
  }

  close(): void {
    if (this.#chosen) this.#grid.close(this.#chosen.counts);
  }
}
