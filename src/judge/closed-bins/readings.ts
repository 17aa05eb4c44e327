import type { CheckSpec, Sample } from '../../model/index.ts';
import { matcherOf } from '../label-values.ts';
import { type Fold, GaugeFold, HistogramFold, LogFold, PartsFold, SumFold } from './folds.ts';
import type { Grid, GridView } from './grid.ts';

type ErrorRatio = Extract<CheckSpec['metric'], { errorRatio: unknown }>['errorRatio'];

/**
 * Numbers of metrics in the cells of one table, row after row (`task * bins + bin`); NaN = missing. Each call gives an
 * array of its own.
 */
export abstract class Readings {
  protected readonly grid: Grid;
  readonly #binMs: number;
  readonly #folds = new Map<string, Fold>();
  readonly #ofMetric = new Map<string, Fold[]>();

  protected constructor(grid: Grid, binMs: number) {
    this.grid = grid;
    this.#binMs = binMs;
  }

  /** The cells that are asked for. */
  protected abstract get view(): GridView;
  /** Every sample of a metric that has a cell, with it. */
  protected abstract eachOf(metric: string, each: (sample: Sample, at: number, bin: number) => void): void;

  /** All events of a counter or histogram. */
  events(metric: string): Float64Array {
    return this.#fold(`events ${metric}`, () => SumFold.ofEvents(this.grid, metric)).read(this.view, this.#room());
  }

  /** Those whose label has one of the values of errors. */
  failures({ counter, label, errorValues }: ErrorRatio): Float64Array {
    const make = () => SumFold.ofSome(this.grid, counter, label, matcherOf(errorValues));
    return this.#fold(`failures ${JSON.stringify([counter, label, errorValues])}`, make).read(this.view, this.#room());
  }

  incidents(metric: string): Float64Array {
    const make = () => SumFold.ofIncidents(this.grid, metric);
    return this.#fold(`incidents ${metric}`, make).read(this.view, this.#room());
  }

  gauge(metric: string): Float64Array {
    return this.#fold(`gauge ${metric}`, () => new GaugeFold(this.grid, metric)).read(this.view, this.#room());
  }

  /** Logarithms of a gauge that was read just now, with this much added to each. */
  logs(metric: string, added: number, values: Float64Array): Float64Array {
    return this.#fold(`logs ${added} ${metric}`, () => new LogFold(this.grid, metric)).read(this.view, values);
  }

  /** Which parts of a bin were read of a counter or histogram, a bit each. */
  parts(metric: string): Int32Array {
    const make = () => new PartsFold(this.grid, metric, this.#binMs);
    const { slots, bins } = this.view;
    return this.#fold(`parts ${metric}`, make).read(this.view, new Int32Array(slots.length * bins));
  }

  /** Over the bounds that most samples have; several numbers a cell. */
  histograms(metric: string): { readonly bounds: readonly number[]; readonly counts: Float64Array } {
    const fold = this.#fold(`histograms ${metric}`, () => new HistogramFold(this.grid, metric));
    return fold.read(this.view, (each) => this.eachOf(metric, each));
  }

  /** Folds that want samples of this metric as they come. */
  protected foldsOf(metric: string): readonly Fold[] | undefined {
    return this.#ofMetric.get(metric);
  }

  protected forget(fromBin: number, endBin: number): void {
    for (const fold of this.#folds.values()) fold.forget(fromBin, endBin);
  }

  #fold<F extends Fold>(key: string, make: () => F): F {
    const known = this.#folds.get(key);
    if (known) return known as F;
    const fold = make();
    this.eachOf(fold.metric, (sample, at, bin) => fold.add(sample, at, bin));
    this.#folds.set(key, fold);
    const others = this.#ofMetric.get(fold.metric);
    if (others) others.push(fold);
    else this.#ofMetric.set(fold.metric, [fold]);
    return fold;
  }

  #room(): Float64Array {
    const { slots, bins } = this.view;
    return new Float64Array(slots.length * bins);
  }
}
