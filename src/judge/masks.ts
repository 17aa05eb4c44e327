import type { CheckSpec } from '../model/index.ts';
import { type BinTable, newGroup, nobody, oldGroup } from './bin-table.ts';

/** The table as one check sees it: its window, and whether old tasks of the same time count. */
export function tableFor(table: BinTable, check: CheckSpec): BinTable {
  const windowed = check.windowMs === null ? table : withWindow(table, Math.ceil(check.windowMs / table.binMs));
  return check.against === 'before' ? withoutConcurrent(windowed) : windowed;
}

/** Of new tasks only the newest bins count. */
function withWindow(table: BinTable, newest: number): BinTable {
  const { bins, tasks } = table;
  const from = Math.max(0, bins - Math.max(2, newest));
  if (from === 0) return table;
  const group = Int8Array.from(table.group);
  const newSince = Int32Array.from(table.newSince);
  for (let row = 0; row < tasks.length; row += 1) {
    for (let bin = 0; bin < from; bin += 1) {
      const at = row * bins + bin;
      if (group[at] === newGroup) group[at] = nobody;
    }
    if (newSince[row]! < bins) newSince[row] = Math.max(newSince[row]!, from);
  }
  return { ...table, group, newSince };
}

/** Old tasks end where the first new one begins: what is left to compare with is the time before. */
function withoutConcurrent(table: BinTable): BinTable {
  const { bins, tasks } = table;
  const since = table.frozenAt.reduce((least, bin) => Math.min(least, bin), bins);
  const group = Int8Array.from(table.group);
  for (let row = 0; row < tasks.length; row += 1) {
    for (let bin = since; bin < bins; bin += 1) {
      const at = row * bins + bin;
      if (group[at] === oldGroup) group[at] = nobody;
    }
  }
  return { ...table, group };
}
