import type { CheckSpec, ComponentSeen, Sample } from '../model/index.ts';
import { normalBelow, studentUpper } from '../stats/index.ts';
import { fillWithZero } from './absent.ts';
import type { BinTable } from './bin-table.ts';
import { compareBefore } from './compare-before.ts';
import {
  type CountEvidence,
  chanceOfCounts,
  chanceOfFewCounts,
  compareCounts,
  eventsToFail,
  intervalOfCounts,
  powerOfCounts,
} from './compare-counts.ts';
import { countsAgainstLimit, slowerThan, valuesAgainstLimit } from './compare-limit.ts';
import { compareTrend } from './compare-trend.ts';
import { chanceOfValue, compareValues, intervalOfValue, type ValueEvidence } from './compare-values.ts';
import { type KayentaSeries, readKayenta } from './kayenta/index.ts';
import { type LatencyMeasure, measureLatency } from './latency.ts';
import { tableFor, withoutFilling } from './masks.ts';
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
import type { AgeCurve, SeasonalChange } from './port.ts';
import { type Route, samplesOfRoute, selectRoutes } from './routes.ts';
import { mayBeFilling, mayBeStarting } from './start-up.ts';

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

/**
 * Below this share of failed requests no version is harmful, whatever the ratio; and a rise by less than
 * `toleratedRatio` is one that an owner can live with, where his margin of (almost) nothing would be nothing.
 */
const harmlessRatio = 0.001;
export const toleratedRatio = 0.005;
/** Spread of harmless rollouts without history: of the error ratio; of latencies and other numbers. */
const priorSpreads = { errors: 0.2, latency: 0.08, values: 0.05 };
/**
 * A single new task may be ill because its host is, and no other can be asked: only differences beyond what host
 * troubles make are believed then. From two on, the worst is left out instead.
 */
const hostTrouble = { errors: 6, slower: 0.5, values: 0.5 };
/** What no start excuses: so many times as many errors, or requests that take so many times as long. */
const gross = { errors: 6, slower: 5 };
/** Where a comparison with the time before stands in for one side by side, only more than times differ is believed. */
const otherTimes = 0.2;
/** Of a guard more: nobody asked for it, and traffic doubles now and then. */
const otherTimesOfGuard = 1;
/** Below this many requests of new tasks nothing is decided; of incidents, below so many minutes of them. */
const fewestEvents = 20;
const fewestMinutes = 0.5;
/** Incidents in a minute of a task below which no version is harmful: one in a hundred minutes. */
const harmlessIncidents = 0.01;

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

/** Evidence on the scale of harm: 0.1 = 10 % worse. */
export interface Evidence {
  readonly source: CountEvidence | ValueEvidence;
  readonly estimate: number;
  readonly interval: readonly [number, number];
  /** Of an error ratio: between which rises in the share of all requests that fail the truth lies. */
  readonly shareInterval?: readonly [number, number] | undefined;
  /** Chance of what was seen, or worse, if the harm were δ at most. */
  readonly chanceIfHarmless: number;
  /** Chance of what was seen, or better, if the harm were the margin at least. */
  readonly chanceIfHarmful: number;
  /** Chance that a harm of `margin` is found at a test of level `alpha`. */
  readonly powerAt: (alpha: number) => number;
  /** The same of any harm: relative, of an error ratio the rise in the share of all requests that fail. */
  readonly powerFor: (harm: number, alpha: number) => number;
  readonly oldLevel: number;
  readonly newLevel: number;
  readonly newEvents: number;
  /** It may be the start that is seen, of which no history tells: only gross harm is believed. */
  readonly isStart?: boolean | undefined;
}

export interface EvidenceOptions {
  readonly ageCurve: AgeCurve | undefined;
  /** A later look comes: what is too young to be told from a start can wait for it. */
  readonly canWait?: boolean | undefined;
  readonly domain?: number | undefined;
  readonly leaveOneOut?: boolean;
  /** What this time of day or week does to the level by itself: heeded where no old task is left to say it. */
  readonly season?: SeasonalChange | undefined;
}

/** On the scale on which the measure is compared: of logarithms of ratios. */
export function priorSpreadOf(check: CheckSpec, latency: LatencyMeasure | undefined): number {
  if (latency) return Math.log(latency.ratioOf(priorSpreads.latency));
  if (check.spread !== undefined) return check.spread;
  return 'errorRatio' in check.metric ? priorSpreads.errors : priorSpreads.values;
}

export function weigh(table: BinTable, data: CheckData, options: EvidenceOptions): Evidence | undefined {
  const seen = tableFor(table, data.check);
  if (data.check.against === 'limit') return weighLimit(seen, data);
  return data.measure.kind === 'counts' ? weighCounts(seen, data, options) : weighValues(seen, data, options);
}

/** New tasks alone against a fixed limit: above it is harm, below it is none; there is no margin between. */
function weighLimit(table: BinTable, { check, measure }: CheckData): Evidence | undefined {
  const limit = limitOf(check);
  const { metric } = check;
  if (measure.kind === 'values') {
    const source = valuesAgainstLimit(table, measure, limit, check.worse === 'higher' ? 1 : -1);
    return source && evidenceOfValue(source, { delta: 0, margin: 0, toScale: (harm) => harm, toHarm: (x) => x });
  }
  const share = 'latency' in metric ? 1 - metric.latency.quantile : limit;
  const source = countsAgainstLimit(table, measure, share);
  if (!source || source.newExposure < fewestEvents) return undefined;
  const [low, high] = intervalOfCounts(source, 0.025);
  const least = new Map<number, number>();
  const powerFor = (harm: number, alpha: number) => {
    const needed = least.get(alpha) ?? eventsToFail(source, { ratio: 1 }, alpha);
    least.set(alpha, needed);
    const mean = source.expected * (1 + harm);
    return normalBelow((mean - needed) / Math.sqrt(source.overdispersion * mean + 1e-9));
  };
  return {
    source,
    estimate: source.newEvents / Math.max(source.expected, 1e-9) - 1,
    interval: [low - 1, high - 1],
    chanceIfHarmless: chanceOfCounts(source, { ratio: 1 }),
    chanceIfHarmful: chanceOfFewCounts(source, { ratio: 1 }),
    // There is no margin: said of what is half as much again.
    powerAt: (alpha) => powerFor(0.5, alpha),
    powerFor,
    oldLevel: share,
    newLevel: source.newEvents / source.newExposure,
    newEvents: source.newExposure,
  };
}

function weighCounts(table: BinTable, { check, measure, latency }: CheckData, options: EvidenceOptions) {
  if (measure.kind !== 'counts') return undefined;
  if ('latency' in check.metric && !latency) return undefined;
  const source = compareCounts(table, measure, {
    ...{ ...options, priorSpread: priorSpreadOf(check, latency) },
    season: latency ? ofTail(options.season, latency) : options.season,
  });
  const isIncidents = 'incidents' in check.metric;
  if (!source || source.newExposure < (isIncidents ? fewestMinutes : fewestEvents)) return undefined;
  const ratioOf = latency ? latency.ratioOf : (harm: number) => 1 + harm;
  const harmOf = latency ? latency.harmOf : (ratio: number) => ratio - 1;
  const alone = source.newTasks === 1;
  const limit = latency
    ? { ratio: ratioOf(alone ? Math.max(check.delta, hostTrouble.slower) : check.delta) }
    : {
        ratio: (1 + check.delta) * (alone ? hostTrouble.errors : 1),
        floor: isIncidents ? harmlessIncidents : harmlessRatio,
      };
  const harmful = isTolerated(check, source) ? { ratio: 1, extra: toleratedRatio } : { ratio: ratioOf(check.margin) };
  const [low, high] = intervalOfCounts(source, 0.025);
  const usual = source.tested.expected / Math.max(1, source.tested.exposure);
  const powerUnder = powerOfCounts(source, limit);
  const { overdispersion, course } = source;
  const how = { binMs: table.binMs, overdispersion, canWait: options.canWait === true };
  const isStart =
    !options.ageCurve && !check.guard && check.against === 'old' && course !== undefined && mayBeFilling(course, how);
  const uncut = { ...source, tested: { ...source.tested, events: source.uncut ?? source.tested.events } };
  const grossly = latency ? { ratio: ratioOf(gross.slower) } : { ...limit, ratio: gross.errors };
  return {
    isStart,
    source,
    estimate: harmOf(source.newEvents / Math.max(source.expected, 1e-9)),
    interval: [harmOf(low), harmOf(high)] as const,
    shareInterval: latency ? undefined : ([(low - 1) * usual, (high - 1) * usual] as const),
    chanceIfHarmless: Math.max(chanceOfCounts(source, limit), isStart ? chanceOfCounts(uncut, grossly) : 0),
    chanceIfHarmful: chanceOfFewCounts({ ...source, shape: source.passShape }, harmful),
    powerAt: (alpha: number) => powerUnder(harmful, alpha),
    powerFor: (harm: number, alpha: number) =>
      powerUnder(latency ? { ratio: ratioOf(harm) } : { ratio: 1, extra: harm }, alpha),
    oldLevel: latency ? latency.oldLevel : source.oldEvents / source.oldExposure,
    newLevel: latency ? latency.newLevel : source.newEvents / source.newExposure,
    newEvents: source.newExposure,
  };
}

/** What a change of a latency's quantile is to the share of slow requests. */
function ofTail(season: SeasonalChange | undefined, { ratioOf }: LatencyMeasure): SeasonalChange | undefined {
  if (season === undefined) return undefined;
  const toRatio = (log: number) => Math.log(ratioOf(Math.exp(log) - 1));
  return { ...season, change: toRatio(season.change), deviation: Math.abs(toRatio(season.deviation)) };
}

/** Whether the margin on a small error ratio is the absolute one, because the relative one would be nothing. */
export function isTolerated(check: CheckSpec, { tested }: CountEvidence): boolean {
  return (
    'errorRatio' in check.metric && (tested.expected / Math.max(1, tested.exposure)) * check.margin < toleratedRatio
  );
}

function weighValues(table: BinTable, { check, measure }: CheckData, options: EvidenceOptions): Evidence | undefined {
  if (measure.kind !== 'values') return undefined;
  const sign = check.worse === 'higher' ? 1 : -1;
  if (check.against === 'trend') {
    const trend = compareTrend(check.guard ? withoutFilling(table, measure.values) : table, measure, sign);
    const limit = check.limit ?? 0;
    const same = (x: number) => x;
    return trend && evidenceOfValue(trend, { delta: limit, margin: limit, toScale: same, toHarm: same });
  }
  const how = { ...options, sign, priorSpread: check.spread ?? priorSpreads.values } as const;
  const beside = check.against === 'old' ? compareValues(table, measure, how) : undefined;
  // Too few old tasks to compare with side by side: the same tasks before.
  const source = beside ?? (options.domain === undefined ? compareBefore(table, measure, how) : undefined);
  if (!source) return undefined;
  const { isLog } = source;
  const toScale = (harm: number) =>
    isLog ? (sign === 1 ? Math.log(1 + harm) : -Math.log(Math.max(1e-9, 1 - harm))) : harm;
  const toHarm = (difference: number) => (isLog ? sign * (Math.exp(sign * difference) - 1) : difference);
  const alone = source.newTasks === 1;
  const isStandIn = beside === undefined && check.against === 'old';
  const ofTimes = !isStandIn ? 0 : check.guard ? otherTimesOfGuard : source.season ? 0 : otherTimes;
  const delta = Math.max(check.delta, alone ? hostTrouble.values : 0, ofTimes);
  const found = evidenceOfValue(source, { delta, margin: check.margin, toScale, toHarm });
  // Until past rollouts have shown what a start takes, what is falling is one.
  const isStart = check.guard && sign === 1 && !options.ageCurve && mayBeStarting(table, measure.values);
  const evidence = isStart ? { ...found, chanceIfHarmless: 1 } : found;
  if (beside || measure.shown === undefined || !('gauge' in check.metric)) return evidence;
  const floor = check.floor ?? 0;
  return { ...evidence, oldLevel: evidence.oldLevel - floor, newLevel: evidence.newLevel - floor };
}

interface ValueScale {
  readonly delta: number;
  readonly margin: number;
  readonly toScale: (harm: number) => number;
  readonly toHarm: (difference: number) => number;
}

function evidenceOfValue(source: ValueEvidence, { toScale, toHarm, ...wanted }: ValueScale): Evidence {
  const [low, high] = intervalOfValue(source, 0.025);
  const [delta, margin] = [toScale(wanted.delta), toScale(wanted.margin)];
  const powerOf = (difference: number, alpha: number) =>
    normalBelow(
      (difference - delta - source.lostToOutlier) / source.deviation -
        studentUpper(Math.max(alpha, 1e-12), source.freedom),
    );
  return {
    source,
    estimate: toHarm(source.estimate),
    interval: [toHarm(low), toHarm(high)] as const,
    chanceIfHarmless: chanceOfValue(source, delta),
    chanceIfHarmful: 1 - chanceOfValue(source, margin),
    powerAt: (alpha: number) => powerOf(margin, alpha),
    powerFor: (harm: number, alpha: number) => powerOf(toScale(harm), alpha),
    oldLevel: source.oldLevel,
    newLevel: source.newLevel,
    newEvents: source.newBins,
  };
}
