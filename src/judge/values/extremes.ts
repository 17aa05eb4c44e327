import { medianInPlace } from '../../stats/index.ts';
import { type BinTable, newGroup, oldGroup } from '../bin-table.ts';

/**
 * In robust standard deviations of old tasks. Measured on the synthetic fleet, whose noise is heavy-tailed: from 5 down
 * to 1.5, p99 +10 % at 20 tasks is found in 70 % instead of 40 % of deployments, p99 +5 % at 200 tasks in 79 % instead
 * of 58 %, with no more false stops (0 of 500, 0 of 60).
 */
const cutAt = 1.5;
const manyCells = 20_000;

/** Step 4: what lies far out is drawn to limits that old tasks set. `scratch` has room for all cells. */
export function cutExtremes(
  table: BinTable,
  rows: readonly number[],
  y: Float64Array,
  start: number,
  scratch: Float64Array,
): void {
  const { bins, group } = table;
  let n = 0;
  // Of very many, some of every task tell the same.
  const step = Math.max(1, Math.floor((rows.length * (bins - start)) / manyCells));
  for (const row of rows) {
    for (let at = row * bins + start + (row % step); at < (row + 1) * bins; at += step) {
      if (group[at] === oldGroup && !Number.isNaN(y[at]!)) scratch[n++] = Math.abs(y[at]!);
    }
  }
  const limit = cutAt * 1.4826022185056018 * medianInPlace(scratch, n);
  if (!(limit > 0)) return;
  for (const row of rows) {
    // A new task's extremes are cut around its own middle: around zero, a large difference would hide itself.
    let m = 0;
    for (let at = row * bins + Math.max(start, table.newSince[row]!); at < (row + 1) * bins; at += 1) {
      if (group[at] === newGroup && !Number.isNaN(y[at]!)) scratch[m++] = y[at]!;
    }
    const centre = m > 0 ? medianInPlace(scratch, m) : 0;
    for (let at = row * bins + start; at < (row + 1) * bins; at += 1) {
      const middle = group[at] === newGroup ? centre : 0;
      if (y[at]! > middle + limit) y[at] = middle + limit;
      else if (y[at]! < middle - limit) y[at] = middle - limit;
    }
  }
}
