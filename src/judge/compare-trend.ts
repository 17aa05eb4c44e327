import { type BinTable, newGroup, oldGroup } from './bin-table.ts';
import { average, varianceOf } from './compare-before.ts';
import type { ValueMeasure } from './measures.ts';
import type { ValueEvidence } from './values/evidence.ts';

/** Bins that a task must have been seen in before its slope says anything. */
const fewestBins = 8;

/**
 * How fast the metric of each new task grows, relative to its level and per hour, less what old tasks do at the same
 * time. A slope of one task is no sure thing, so the spread is that between tasks; of a single new task, that between
 * old ones. Undefined: nobody was seen long enough.
 */
export function compareTrend(table: BinTable, measure: ValueMeasure, sign: 1 | -1): ValueEvidence | undefined {
  const { bins, tasks, binMs } = table;
  const rows = [...tasks.keys()];
  const since = table.newSince.reduce((least, bin) => Math.min(least, bin), bins);
  const perHour = 3_600_000 / binMs;
  const slopesOf = (wanted: number) =>
    rows.flatMap((row) => {
      const found = slopeOf(table, measure.values, row, wanted, since);
      return found ? [{ row, ...found, slope: found.slope * perHour * sign }] : [];
    });
  const fresh = slopesOf(newGroup).sort((a, b) => b.slope - a.slope || a.row - b.row);
  const old = slopesOf(oldGroup);
  if (fresh.length === 0) return undefined;
  const base = old.length >= 3 ? average(old.map(({ slope }) => slope)) : 0;
  // The fastest of several is left out: one ill host is no leak of the version.
  const tested = fresh.length >= 3 ? fresh.slice(1) : fresh;
  const between = tested.length >= 2 ? varianceOf(tested.map(({ slope }) => slope)) : 0;
  const ofOld = old.length >= 3 ? varianceOf(old.map(({ slope }) => slope)) : 0;
  const ofOne = Math.max(between, ofOld, average(tested.map(({ error }) => error * error)) * perHour * perHour);
  const variance = ofOne / tested.length + (old.length >= 3 ? ofOld / old.length : 0);
  return {
    kind: 'values',
    estimate: average(tested.map(({ slope }) => slope)) - base,
    deviation: Math.sqrt(variance) + 1e-12,
    freedom: Math.max(2, Math.max(tested.length, old.length) - 1),
    lostToOutlier: 0,
    isLog: false,
    newLevel: average(fresh.map(({ level }) => level)),
    oldLevel: old.length > 0 ? average(old.map(({ level }) => level)) : Number.NaN,
    newTasks: fresh.length,
    oldTasks: old.length,
    newBins: fresh.reduce((sum, { n }) => sum + n, 0),
    outlier: fresh.length >= 3 ? fresh[0]!.row : undefined,
    drivers: fresh.slice(0, 5).map(({ row }) => row),
  };
}

/** By least squares, relative to the mean, per bin; the error as if bins were five times fewer: they follow each other. */
function slopeOf(table: BinTable, values: Float64Array, row: number, wanted: number, since: number) {
  const { bins, group } = table;
  let n = 0;
  let sumX = 0;
  let sumY = 0;
  for (let bin = since; bin < bins; bin += 1) {
    const at = row * bins + bin;
    if (group[at] !== wanted || Number.isNaN(values[at]!)) continue;
    n += 1;
    sumX += bin;
    sumY += values[at]!;
  }
  if (n < fewestBins) return undefined;
  const [x, y] = [sumX / n, sumY / n];
  let xx = 0;
  let xy = 0;
  let yy = 0;
  for (let bin = since; bin < bins; bin += 1) {
    const at = row * bins + bin;
    if (group[at] !== wanted || Number.isNaN(values[at]!)) continue;
    xx += (bin - x) * (bin - x);
    xy += (bin - x) * (values[at]! - y);
    yy += (values[at]! - y) * (values[at]! - y);
  }
  const scale = Math.max(Math.abs(y), 1e-9);
  const slope = xy / xx;
  const left = Math.max(0, yy - slope * xy);
  const error = Math.sqrt(left / Math.max(1, n - 2) / xx) * Math.sqrt(5);
  return { slope: slope / scale, error: error / scale, level: y, n };
}
