import type { CheckSpec } from '../../model/index.ts';
import type { BinTable } from '../bin-table.ts';
import { compareCounts } from '../compare-counts.ts';
import { chanceOfCounts, chanceOfFewCounts, intervalOfCounts } from '../counts/chances.ts';
import type { CountEvidence } from '../counts/evidence.ts';
import { powerOfCounts } from '../counts/power.ts';
import type { LatencyMeasure } from '../latency.ts';
import type { CheckData } from '../measured-check.ts';
import type { SeasonalChange } from '../port.ts';
import { mayBeFilling } from '../start-up.ts';
import { type Evidence, type EvidenceOptions, fewestEvents, hostTrouble, priorSpreadOf } from './evidence.ts';

/**
 * Below this share of failed requests no version is harmful, whatever the ratio; and a rise by less than
 * `toleratedRatio` is one that an owner can live with, where his margin of (almost) nothing would be nothing.
 */
const harmlessRatio = 0.001;
export const toleratedRatio = 0.005;
/** What no start excuses: so many times as many errors, or requests that take so many times as long. */
const gross = { errors: 6, slower: 5 };
/** Of incidents so many minutes of new tasks, before anything is decided. */
const fewestMinutes = 0.5;
/** Incidents in a minute of a task below which no version is harmful: one in a hundred minutes. */
const harmlessIncidents = 0.01;

/** Events of new tasks: by how many times they are more than old tasks let expect. */
export function weighCounts(
  table: BinTable,
  { check, measure, latency }: CheckData,
  options: EvidenceOptions,
): Evidence | undefined {
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
