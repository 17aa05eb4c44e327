import { normalBelow, studentUpper } from '../../stats/index.ts';
import type { BinTable } from '../bin-table.ts';
import { compareBefore } from '../compare-before.ts';
import { compareTrend } from '../compare-trend.ts';
import { compareValues } from '../compare-values.ts';
import { withoutFilling } from '../masks.ts';
import type { CheckData } from '../measured-check.ts';
import { mayBeStarting } from '../start-up.ts';
import { chanceOfValue, intervalOfValue, type ValueEvidence } from '../values/evidence.ts';
import { type Evidence, type EvidenceOptions, hostTrouble, priorSpreads } from './evidence.ts';

/** Where a comparison with the time before stands in for one side by side, only more than times differ is believed. */
const otherTimes = 0.2;
/** Of a guard more: nobody asked for it, and traffic doubles now and then. */
const otherTimesOfGuard = 1;

/** Numbers of new tasks against those of old ones: side by side, by how fast they grow, or against the time before. */
export function weighValues(
  table: BinTable,
  { check, measure }: CheckData,
  options: EvidenceOptions,
): Evidence | undefined {
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

/** A difference on the scale of the measure, told as harm. */
export function evidenceOfValue(source: ValueEvidence, { toScale, toHarm, ...wanted }: ValueScale): Evidence {
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
