import type { CheckSpec, Sample } from '../model/index.ts';
import type { BinTable } from './bin-table.ts';
import { partsOfBin } from './closed-bins/folds.ts';
import { Readings } from './closed-bins/readings.ts';
import { TableReadings } from './closed-bins/table-readings.ts';

export { matcherOf } from './label-values.ts';

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

type ErrorRatio = Extract<CheckSpec['metric'], { errorRatio: unknown }>['errorRatio'];
/** Where the numbers of a table come from: samples, or what is kept of closed bins. */
export type Source = readonly Sample[] | Readings;

function readingsOf(table: BinTable, source: Source): Readings {
  return source instanceof Readings ? source : new TableReadings(table, source);
}

/** Failed among all requests. Where the counter is there, a missing error series means none. */
export function measureErrors(table: BinTable, source: Source, metric: ErrorRatio): CountMeasure {
  const readings = readingsOf(table, source);
  return { kind: 'counts', events: readings.failures(metric), exposure: readings.events(metric.counter) };
}

/** Histograms of one metric, all its series together. Those with other bounds than the most common are left out. */
export function measureHistograms(table: BinTable, source: Source, metric: string): HistogramMeasure {
  return { kind: 'histograms', ...readingsOf(table, source).histograms(metric) };
}

/** Gauges: the mean of a task's series. Rates: events per second of the time that was read. */
export function measureValues(table: BinTable, source: Source, metric: string, kind: 'gauge' | 'rate'): ValueMeasure {
  const readings = readingsOf(table, source);
  return { kind: 'values', values: kind === 'gauge' ? readings.gauge(metric) : ratesOf(table, readings, metric) };
}

/** The same with a floor under all of them: what is small beside it makes no difference any more. */
export function withFloor({ values }: ValueMeasure, floor: number): ValueMeasure {
  const raised = new Float64Array(values.length);
  for (let at = 0; at < values.length; at += 1) raised[at] = values[at]! + floor;
  return { kind: 'values', values: raised, shown: values };
}

/** The same with its logarithms, of a gauge. */
export function withLogs(measure: ValueMeasure, source: Source, metric: string, floor: number): ValueMeasure {
  return source instanceof Readings ? { ...measure, logs: source.logs(metric, floor, measure.values) } : measure;
}

/** Requests of a bin below which what one of them took is left out: it would be noise. */
const fewestRequests = 10;

/** What serving a request took: a gauge (null: the task itself) ÷ requests a second. */
export function measurePerLoad(
  table: BinTable,
  source: Source,
  { gauge, counter }: { readonly gauge: string | null; readonly counter: string },
  floor = 0,
): ValueMeasure {
  const readings = readingsOf(table, source);
  const load = ratesOf(table, readings, counter);
  const amount = gauge === null ? undefined : readings.gauge(gauge);
  const values = new Float64Array(load.length).fill(Number.NaN);
  const shown = new Float64Array(load.length).fill(Number.NaN);
  for (let at = 0; at < values.length; at += 1) {
    if (!(load[at]! * table.binMs >= fewestRequests * 1000)) continue;
    const own = amount === undefined ? 1 : amount[at]!;
    values[at] = (own + floor) / load[at]!;
    shown[at] = own / load[at]!;
  }
  return { kind: 'values', values, shown };
}

/** How often something happened that hardly ever does, among the minutes that a task was seen. */
export function measureIncidents(table: BinTable, source: Source, metric: string): CountMeasure {
  const events = readingsOf(table, source).incidents(metric);
  const minutes = table.binMs / 60_000;
  const exposure = new Float64Array(events.length);
  for (let at = 0; at < events.length; at += 1) exposure[at] = Number.isNaN(events[at]!) ? Number.NaN : minutes;
  return { kind: 'counts', events, exposure };
}

/** Events a second: a bin is often read in several parts, some of which may be missing. */
function ratesOf(table: BinTable, readings: Readings, metric: string): Float64Array {
  const values = readings.events(metric);
  const read = readings.parts(metric);
  for (let at = 0; at < values.length; at += 1) {
    const parts = bitsIn(read[at]!);
    if (parts > 0) values[at]! /= (table.binMs / 1000) * (parts / partsOfBin);
  }
  return values;
}

function bitsIn(mask: number): number {
  let bits = 0;
  for (let left = mask; left !== 0; left &= left - 1) bits += 1;
  return bits;
}
