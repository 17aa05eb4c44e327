import { atAge } from './at-age.ts';
import type { BinTable } from './bin-table.ts';
import { newGroup, oldGroup } from './bin-table.ts';
import type { ValueOptions } from './compare-values.ts';
import type { ValueMeasure } from './measures.ts';
import type { ValueEvidence } from './values/evidence.ts';

/** Windows of the time before that say how much the same tasks change without any update. */
const fewestWindows = 3;

/**
 * New tasks against themselves before their update, where there are too few old ones to compare with: what changes
 * with time for everybody is told by the same time of another day or, where that is not known, by windows of the same
 * length before. It shows less than a comparison side by side. Undefined: too little is known of the time before.
 */
export function compareBefore(
  table: BinTable,
  { values }: ValueMeasure,
  options: ValueOptions,
): ValueEvidence | undefined {
  const { bins, group, tasks } = table;
  const fresh = [...tasks.keys()].filter((row) => table.newSince[row]! < bins);
  if (fresh.length === 0) return undefined;
  const since = fresh.reduce((least, row) => Math.min(least, table.newSince[row]!), bins);
  const until = fresh.reduce((least, row) => Math.min(least, table.frozenAt[row]!), since);
  const isLog = values.every((value, at) => group[at] === 0 || Number.isNaN(value) || value > 0);
  const meanOf = (row: number, wanted: number, from: number, to: number) => {
    let sum = 0;
    let n = 0;
    for (let bin = Math.max(0, from); bin < to; bin += 1) {
      const at = row * bins + bin;
      const value = values[at]!;
      if (group[at] !== wanted || Number.isNaN(value)) continue;
      const curve = wanted === newGroup && options.ageCurve ? atAge(options.ageCurve.mean, table.age[at]!) : 0;
      sum += (isLog ? Math.log(value) : value) - curve;
      n += 1;
    }
    return { mean: sum / n, n };
  };
  // As long as the time since the update, as far as the past has room for some of them.
  const length = Math.max(2, Math.min(bins - since, Math.floor(until / 6)));
  const changes: number[] = [];
  let newBins = 0;
  let newSum = 0;
  let oldSum = 0;
  for (const row of fresh) {
    const now = meanOf(row, newGroup, since, bins);
    const before = meanOf(row, oldGroup, 0, until);
    if (now.n === 0 || before.n === 0) continue;
    changes.push(now.mean - before.mean);
    newBins += now.n;
    newSum += isLog ? Math.exp(now.mean) : now.mean;
    oldSum += isLog ? Math.exp(before.mean) : before.mean;
  }
  if (changes.length === 0) return undefined;
  // What the same tasks did from the rest of their past to one window of it: nothing was updated then.
  const drifts: number[] = [];
  for (let end = until; end - length >= 0 && drifts.length < 20; end -= length) {
    const parts = fresh.flatMap((row) => {
      const inside = meanOf(row, oldGroup, end - length, end);
      const all = meanOf(row, oldGroup, 0, until);
      return inside.n > 0 && all.n > inside.n ? [inside.mean - all.mean] : [];
    });
    if (parts.length > 0) drifts.push(average(parts));
  }
  // The same time of another day says more than the last minutes did.
  const season = isLog ? options.season : undefined;
  if (drifts.length < fewestWindows && season === undefined) return undefined;
  const scale = isLog ? 1 : Math.max(Math.abs(oldSum / changes.length), 1e-9);
  const time = season
    ? { variance: season.deviation * season.deviation, freedom: season.freedom }
    : { variance: drifts.reduce((sum, one) => sum + one * one, 0) / (drifts.length - 1), freedom: drifts.length - 1 };
  const spread = options.ageCurve ? Math.sqrt(atAge(options.ageCurve.variance[0]!, bins - since)) : options.priorSpread;
  const own = changes.length > 1 ? varianceOf(changes) / changes.length : 0;
  const seen = (time.variance + own) / (scale * scale);
  const variance = seen + spread * spread;
  // Welch–Satterthwaite: what was seen is known from few windows and tasks, the spread between rollouts from many.
  const ofSeen =
    (time.variance * time.variance) / time.freedom + (changes.length > 1 ? (own * own) / (changes.length - 1) : 0);
  const rollouts = options.ageCurve?.rollouts ?? 20;
  const ofSpread = (spread * spread * spread * spread) / Math.max(1, rollouts - 1);
  const freedom = (variance * variance) / (ofSeen / (scale * scale * scale * scale) + ofSpread + 1e-300);
  const sorted = fresh.filter((row) => meanOf(row, newGroup, since, bins).n > 0);
  return {
    kind: 'values',
    estimate: (options.sign * (average(changes) - (season?.change ?? 0))) / scale,
    deviation: Math.sqrt(variance),
    freedom: Math.max(2, freedom),
    lostToOutlier: 0,
    isLog,
    newLevel: newSum / changes.length,
    oldLevel: oldSum / changes.length,
    newTasks: changes.length,
    oldTasks: 0,
    newBins,
    outlier: undefined,
    drivers: sorted.slice(0, 5),
    season,
  };
}

export function average(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / values.length;
}

export function varianceOf(values: readonly number[]): number {
  const centre = average(values);
  return values.reduce((sum, value) => sum + (value - centre) * (value - centre), 0) / Math.max(1, values.length - 1);
}
