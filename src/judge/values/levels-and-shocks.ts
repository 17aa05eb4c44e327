import { median, medianInPlace } from '../../stats/index.ts';
import { atAge } from '../at-age.ts';
import { type BinTable, newGroup, oldGroup } from '../bin-table.ts';
import type { ValueMeasure } from '../measures.ts';
import type { AgeCurve } from '../port.ts';
import { borrow } from '../rooms.ts';
import { cutExtremes } from './extremes.ts';
import { subtractShocks } from './shocks.ts';

/** Bins at most for a task's own level. */
const levelBins = 60;

/**
 * Room that is used again from call to call (nothing of it outlives the look that borrowed it): measured, making it
 * anew each time took half of a look of 200 tasks, most of it in the garbage collector.
 */
const differences = { cells: new Float64Array(0) };
const sortedAside = { cells: new Float64Array(0) };

/**
 * Steps 3 and 4: less each task's own level, less what all old tasks of its region did in that bin, less what a
 * restart of that age does, extremes cut by limits that old tasks set.
 */
export function withoutLevelsAndShocks(
  table: BinTable,
  measure: ValueMeasure,
  rows: readonly number[],
  since: number,
  ageCurve: AgeCurve | undefined,
  isCut = true,
) {
  const { bins, group } = table;
  const { values } = measure;
  // Only what is looked at later: the hour before the first update, and everything since.
  const firstFrozen = rows.reduce((least, row) => Math.min(least, table.frozenAt[row]!), since);
  const start = Math.max(0, firstFrozen - levelBins);
  let isLog = true;
  for (const row of rows) {
    for (let at = row * bins + start; isLog && at < (row + 1) * bins; at += 1) {
      if (group[at] !== 0 && values[at]! <= 0) isLog = false;
    }
  }
  const y = borrow(differences, values.length).fill(Number.NaN);
  const compared = isLog ? measure.logs : values;
  for (const row of rows) {
    const end = (row + 1) * bins;
    if (compared)
      for (let at = row * bins + start; at < end; at += 1) y[at] = group[at] === 0 ? Number.NaN : compared[at]!;
    else for (let at = row * bins + start; at < end; at += 1) if (group[at] !== 0) y[at] = Math.log(values[at]!);
  }
  const scratch = borrow(sortedAside, values.length);
  const levels = new Float64Array(table.tasks.length).fill(Number.NaN);
  const known: number[] = [];
  for (const row of rows) {
    let n = 0;
    // The same window for all, before the first new task: else what all tasks did meanwhile becomes a difference.
    for (let bin = start; bin < since; bin += 1) {
      const at = row * bins + bin;
      if (group[at] === oldGroup && !Number.isNaN(y[at]!)) scratch[n++] = y[at]!;
    }
    levels[row] = medianInPlace(scratch, n);
    if (n > 0) known.push(levels[row]!);
  }
  if (known.length === 0) return undefined;
  const typical = median(known);
  // Without logarithms: differences relative to the usual level; where that is zero, to what it is when it is not.
  const scale = isLog ? 1 : Math.max(Math.abs(typical) || usualSize(y, rows, bins, start), 1e-9);
  for (const row of rows) {
    const level = Number.isNaN(levels[row]!) ? typical : levels[row]!;
    for (let at = row * bins + start; at < (row + 1) * bins; at += 1) y[at]! -= level;
    if (scale !== 1) for (let at = row * bins + start; at < (row + 1) * bins; at += 1) y[at]! /= scale;
  }
  subtractShocks(table, y, rows, start, scratch);
  if (ageCurve) {
    for (const row of rows) {
      for (let bin = Math.max(start, table.newSince[row]!); bin < bins; bin += 1) {
        const at = row * bins + bin;
        if (group[at] === newGroup) y[at]! -= atAge(ageCurve.mean, table.age[at]!);
      }
    }
  }
  if (isCut) cutExtremes(table, rows, y, start, scratch);
  return { y, isLog };
}

/** The mean size of what is not zero: of a gauge that is nearly always zero. */
function usualSize(y: Float64Array, rows: readonly number[], bins: number, start: number): number {
  let [sum, n] = [0, 0];
  for (const row of rows) {
    for (let at = row * bins + start; at < (row + 1) * bins; at += 1) {
      if (Number.isNaN(y[at]!) || y[at] === 0) continue;
      sum += Math.abs(y[at]!);
      n += 1;
    }
  }
  return n === 0 ? 0 : sum / n;
}
