import type { CheckSpec, Sample } from '../model/index.ts';
import { type BinTable, binOf } from './bin-table.ts';

/** What a check measures, per task and bin (`task * bins + bin`); NaN = missing. */
export type Measure = CountMeasure | ValueMeasure;

/** Events among occasions: failed among all requests, or slow among all. */
export interface CountMeasure {
  readonly kind: 'counts';
  readonly events: Float64Array;
  readonly exposure: Float64Array;
}

/** A number per bin: a gauge, or a rate. Compared on a logarithmic scale when all are positive. */
export interface ValueMeasure {
  readonly kind: 'values';
  readonly values: Float64Array;
  /** Their logarithms, where somebody has them already. */
  readonly logs?: Float64Array | undefined;
}

/** Histograms per task and bin over one set of bounds. */
export interface HistogramMeasure {
  readonly kind: 'histograms';
  readonly bounds: readonly number[];
  /** `(task * bins + bin) * bounds + bucket`; NaN in the first bucket = missing. */
  readonly counts: Float64Array;
}

type Cell = (sample: Sample, at: number) => void;

function eachOf(table: BinTable, samples: readonly Sample[], metric: string, cell: Cell): void {
  const rowOf = new Map(table.tasks.map((index, row) => [index, row]));
  for (const sample of samples) {
    if (sample.metric !== metric || sample.toMs - sample.fromMs > 1.5 * table.binMs) continue;
    const bin = binOf(sample, table.binMs) - table.firstBin;
    const row = rowOf.get(sample.index);
    if (row !== undefined && bin >= 0 && bin < table.bins) cell(sample, row * table.bins + bin);
  }
}

function missing(table: BinTable, width = 1): Float64Array {
  return new Float64Array(table.tasks.length * table.bins * width).fill(Number.NaN);
}

function addTo(cells: Float64Array, at: number, value: number): void {
  cells[at] = Number.isNaN(cells[at]!) ? value : cells[at]! + value;
}

/** Failed among all requests. Where the counter is there, a missing error series means none. */
export function measureErrors(table: BinTable, samples: readonly Sample[], metric: ErrorRatio): CountMeasure {
  const events = missing(table);
  const exposure = missing(table);
  const isError = matcherOf(metric.errorValues);
  eachOf(table, samples, metric.counter, ({ value, labels }, at) => {
    const count =
      'counterDelta' in value
        ? value.counterDelta
        : 'histogramDelta' in value
          ? value.histogramDelta.counts.reduce((sum, n) => sum + n, 0)
          : undefined;
    if (count === undefined) return;
    addTo(exposure, at, count);
    addTo(events, at, isError(labels[metric.label] ?? '') ? count : 0);
  });
  return { kind: 'counts', events, exposure };
}
type ErrorRatio = Extract<CheckSpec['metric'], { errorRatio: unknown }>['errorRatio'];

/**
 * `5xx`, `500|503`, `error,timeout`, or a regular expression in slashes: `/5../`. Anchored at both ends.
 * An expression that cannot be read matches nothing (the specification refuses it earlier).
 */
export function matcherOf(errorValues: string): (value: string) => boolean {
  const source = /^\/.*\/$/.test(errorValues) ? errorValues.slice(1, -1) : undefined;
  if (source !== undefined) return expressionOf(source);
  const words = errorValues.split(/[|,]/).map((word) => word.trim());
  if (words.some((word) => /[.*+?[\](){}^$\\]/.test(word))) return expressionOf(errorValues.replaceAll(',', '|'));
  const classes = new Set(words.filter((word) => /^\dxx$/i.test(word)).map((word) => word[0]));
  const exact = new Set(words);
  return (value) => exact.has(value) || (/^\d\d\d$/.test(value) && classes.has(value[0]));
}

function expressionOf(source: string): (value: string) => boolean {
  try {
    const expression = new RegExp(`^(?:${source})$`);
    return (value) => expression.test(value);
  } catch {
    return () => false;
  }
}

/** Histograms of one metric, all its series together. Those with other bounds than the most common are left out. */
export function measureHistograms(table: BinTable, samples: readonly Sample[], metric: string): HistogramMeasure {
  const tally = new Map<string, { n: number; bounds: readonly number[] }>();
  // The store hands out the same bounds again and again: each is put into words once.
  const keys = new Map<readonly number[], string>();
  const keyOf = (bounds: readonly number[]): string => {
    const known = keys.get(bounds);
    if (known !== undefined) return known;
    const key = bounds.join();
    keys.set(bounds, key);
    return key;
  };
  eachOf(table, samples, metric, ({ value }) => {
    if (!('histogramDelta' in value)) return;
    const { bounds } = value.histogramDelta;
    const key = keyOf(bounds);
    const entry = tally.get(key) ?? { n: 0, bounds };
    entry.n += 1;
    tally.set(key, entry);
  });
  const best = [...tally].sort(([a, x], [b, y]) => y.n - x.n || (a < b ? -1 : 1))[0];
  const bounds = best?.[1].bounds ?? [];
  const width = bounds.length;
  const counts = missing(table, width);
  eachOf(table, samples, metric, ({ value }, at) => {
    if (!('histogramDelta' in value) || keyOf(value.histogramDelta.bounds) !== best![0]) return;
    const deltas = value.histogramDelta.counts;
    for (let i = 0; i < deltas.length; i += 1) addTo(counts, at * width + i, deltas[i]!);
  });
  return { kind: 'histograms', bounds, counts };
}

/** Gauges: the mean of a task's series. Rates: events per second. */
export function measureValues(
  table: BinTable,
  samples: readonly Sample[],
  metric: string,
  kind: 'gauge' | 'rate',
): ValueMeasure {
  const values = missing(table);
  const parts = new Float64Array(values.length);
  eachOf(table, samples, metric, ({ value, fromMs, toMs }, at) => {
    if (kind === 'gauge' && 'gauge' in value) {
      addTo(values, at, value.gauge);
      parts[at]! += 1;
    } else if (kind === 'rate' && 'counterDelta' in value)
      addTo(values, at, (value.counterDelta * 1000) / (toMs - fromMs));
  });
  if (kind === 'gauge') for (let at = 0; at < parts.length; at += 1) if (parts[at]! > 1) values[at]! /= parts[at]!;
  return { kind: 'values', values };
}
