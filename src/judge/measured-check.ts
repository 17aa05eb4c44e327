import type { CheckSpec, ComponentSeen, Sample } from '../model/index.ts';
import { fillWithZero } from './absent.ts';
import type { BinTable } from './bin-table.ts';
import { slowerThan } from './compare-limit.ts';
import { type KayentaSeries, readKayenta } from './kayenta/index.ts';
import { type LatencyMeasure, measureLatency } from './latency.ts';
import { tableFor } from './masks.ts';
import {
  type Measure,
  measureErrors,
  measureHistograms,
  measureIncidents,
  measurePerLoad,
  measureValues,
  type Source,
  type ValueMeasure,
  withFloor,
  withLogs,
} from './measures.ts';
import { limitOf } from './plain-check.ts';
import { type Route, samplesOfRoute, selectRoutes } from './routes.ts';

/** What one check sees, ready to be held against δ and margin. */
export interface CheckData {
  readonly check: CheckSpec;
  readonly measure: Measure;
  readonly latency: LatencyMeasure | undefined;
  /** Of a check by Kayenta's method, and nothing else: its metrics, group against group. */
  readonly kayenta?: readonly KayentaSeries[] | undefined;
  /** The same of single routes that carry most of the calls or of the time; read only when it is looked at. */
  readonly routes?: (() => readonly RouteData[]) | undefined;
  /** Of a latency: where the time goes, as far as spans tell. */
  readonly components?: (() => readonly ComponentSeen[]) | undefined;
}

export interface RouteData {
  readonly route: Route;
  readonly data: CheckData;
}

/** A check's view of each route that deserves one. */
export function readRoutes(
  table: BinTable,
  samples: readonly Sample[],
  check: CheckSpec,
  newVersion: string,
): RouteData[] {
  if (check.against !== 'old' || check.guard) return [];
  return selectRoutes(check, newVersion, samples).flatMap((route) => {
    const data = readCheck(table, samplesOfRoute(check, route, samples), check);
    return data ? [{ route, data }] : [];
  });
}

/** Reads a check's metric out of the samples; undefined: it does not occur. */
export function readCheck(table: BinTable, samples: Source, check: CheckSpec): CheckData | undefined {
  const data = readMetric(table, samples, check);
  if (data && check.missing === 'zero') fillWithZero(table, data.measure, check.metric);
  return data;
}

function readMetric(table: BinTable, samples: Source, check: CheckSpec): CheckData | undefined {
  const { metric } = check;
  if ('kayenta' in metric) {
    const kayenta = readKayenta(tableFor(table, check), samples, metric.kayenta);
    const isRead = kayenta.some(({ canary, control }) => [...canary, ...control].some((value) => !Number.isNaN(value)));
    return isRead ? { check, measure: emptyCounts(table), latency: undefined, kayenta } : undefined;
  }
  if ('errorRatio' in metric) {
    const measure = measureErrors(table, samples, metric.errorRatio);
    return hasAny(measure.exposure) ? { check, measure, latency: undefined } : undefined;
  }
  if ('latency' in metric) {
    const histograms = measureHistograms(table, samples, metric.latency.histogram);
    if (check.against === 'limit') {
      const measure = slowerThan(histograms, limitOf(check));
      return measure && hasAny(measure.exposure) ? { check, measure, latency: undefined } : undefined;
    }
    const latency = measureLatency(table, histograms, metric.latency.quantile);
    if (latency) return { check, measure: latency.counts, latency };
    // Nothing slow to count, or no requests at all: there is no tail to compare yet.
    return hasAny(histograms.counts) ? { check, measure: emptyCounts(table), latency: undefined } : undefined;
  }
  if ('incidents' in metric) {
    const measure = measureIncidents(table, samples, metric.incidents);
    return hasAny(measure.exposure) ? { check, measure, latency: undefined } : undefined;
  }
  const measure = readValues(table, samples, check);
  return measure && hasAny(measure.values) ? { check, measure, latency: undefined } : undefined;
}

function readValues(table: BinTable, samples: Source, check: CheckSpec): ValueMeasure | undefined {
  const { metric, against } = check;
  // What is held against a number of its own is that number.
  const floor = against === 'old' || against === 'before' ? (check.floor ?? 0) : 0;
  if ('perLoad' in metric) {
    const { gauge, counter } = metric.perLoad;
    return counter === null ? undefined : measurePerLoad(table, samples, { gauge, counter }, floor);
  }
  if (!('gauge' in metric) && !('rate' in metric)) return undefined;
  const [name, kind] = 'gauge' in metric ? ([metric.gauge, 'gauge'] as const) : ([metric.rate, 'rate'] as const);
  const measure = measureValues(table, samples, name, kind);
  const floored = floor === 0 ? measure : withFloor(measure, floor);
  // What is missing becomes zero later, and has no logarithm yet.
  const isCompared = kind === 'gauge' && against === 'old' && check.missing !== 'zero';
  return isCompared ? withLogs(floored, samples, name, floor) : floored;
}

function hasAny(cells: Float64Array): boolean {
  for (let at = 0; at < cells.length; at += 1) if (!Number.isNaN(cells[at]!)) return true;
  return false;
}

function emptyCounts(table: BinTable): Measure {
  const size = table.tasks.length * table.bins;
  return { kind: 'counts', events: new Float64Array(size), exposure: new Float64Array(size) };
}
