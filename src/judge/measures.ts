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
  /** As they are told to people, where `values` has a floor under them. */
  readonly shown?: Float64Array | undefined;
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
          ? eventsIn(value.histogramDelta.counts)
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

/** Gauges: the mean of a task's series. Rates: events per second of the time that was read. */
export function measureValues(
  table: BinTable,
  samples: readonly Sample[],
  metric: string,
  kind: 'gauge' | 'rate',
): ValueMeasure {
  return {
    kind: 'values',
    values: kind === 'gauge' ? gaugesOf(table, samples, metric) : ratesOf(table, samples, metric),
  };
}

/** The same with a floor under all of them: what is small beside it makes no difference any more. */
export function withFloor({ values }: ValueMeasure, floor: number): ValueMeasure {
  return { kind: 'values', values: values.map((value) => value + floor), shown: values };
}

/** Requests of a bin below which what one of them took is left out: it would be noise. */
const fewestRequests = 10;

/** What serving a request took: a gauge (null: the task itself) ÷ requests a second. */
export function measurePerLoad(
  table: BinTable,
  samples: readonly Sample[],
  { gauge, counter }: { readonly gauge: string | null; readonly counter: string },
  floor = 0,
): ValueMeasure {
  const load = ratesOf(table, samples, counter);
  const amount = gauge === null ? undefined : gaugesOf(table, samples, gauge);
  const values = missing(table);
  const shown = missing(table);
  for (let at = 0; at < values.length; at += 1) {
    if (!(load[at]! * table.binMs >= fewestRequests * 1000)) continue;
    const own = amount === undefined ? 1 : amount[at]!;
    values[at] = (own + floor) / load[at]!;
    shown[at] = own / load[at]!;
  }
  return { kind: 'values', values, shown };
}

/** How often something happened that hardly ever does, among the minutes that a task was seen. */
export function measureIncidents(table: BinTable, samples: readonly Sample[], metric: string): CountMeasure {
  const events = missing(table);
  const exposure = missing(table);
  eachOf(table, samples, metric, ({ value }, at) => {
    if (!('counterDelta' in value)) return;
    addTo(events, at, value.counterDelta);
    exposure[at] = table.binMs / 60_000;
  });
  return { kind: 'counts', events, exposure };
}

function gaugesOf(table: BinTable, samples: readonly Sample[], metric: string): Float64Array {
  const values = missing(table);
  const parts = new Float64Array(values.length);
  eachOf(table, samples, metric, ({ value }, at) => {
    if (!('gauge' in value)) return;
    addTo(values, at, value.gauge);
    parts[at]! += 1;
  });
  for (let at = 0; at < parts.length; at += 1) if (parts[at]! > 1) values[at]! /= parts[at]!;
  return values;
}

/** Parts of a bin that are told apart when it is asked how much of it was read. */
const partsOfBin = 30;

/** Events a second: a bin is often read in several parts, some of which may be missing. */
function ratesOf(table: BinTable, samples: readonly Sample[], metric: string): Float64Array {
  const values = missing(table);
  const read = new Int32Array(values.length);
  eachOf(table, samples, metric, ({ value, fromMs, toMs }, at) => {
    if ('gauge' in value) return;
    addTo(values, at, 'counterDelta' in value ? value.counterDelta : eventsIn(value.histogramDelta.counts));
    const beginMs = (table.firstBin + (at % table.bins)) * table.binMs;
    const partOf = (ms: number) => Math.round(((ms - beginMs) * partsOfBin) / table.binMs);
    const [from, to] = [Math.max(0, partOf(fromMs)), Math.min(partsOfBin, partOf(toMs))];
    for (let part = from; part < to; part += 1) read[at]! |= 1 << part;
  });
  for (let at = 0; at < values.length; at += 1) {
    const parts = bitsIn(read[at]!);
    if (parts > 0) values[at]! /= (table.binMs / 1000) * (parts / partsOfBin);
  }
  return values;
}

function eventsIn(counts: readonly number[]): number {
  let sum = 0;
  for (const count of counts) sum += count;
  return sum;
}

function bitsIn(mask: number): number {
  let bits = 0;
  for (let left = mask; left !== 0; left &= left - 1) bits += 1;
  return bits;
}
