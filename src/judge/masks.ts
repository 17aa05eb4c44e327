import type { CheckSpec } from '../model/index.ts';
import { median } from '../stats/index.ts';
import { type BinTable, newGroup, nobody, oldGroup } from './bin-table.ts';

/** The table as one check sees it: its window, and whether old tasks of the same time count. */
export function tableFor(whole: BinTable, check: CheckSpec): BinTable {
  const table = 'incidents' in check.metric ? withOwners(whole) : whole;
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

/** What happens to a task happens also while it starts. */
function withOwners(table: BinTable): BinTable {
  const { owner, bins } = table;
  if (owner === undefined) return table;
  const newSince = Int32Array.from(table.newSince, (_, row) => {
    const first = owner.subarray(row * bins, (row + 1) * bins).indexOf(newGroup);
    return first === -1 ? bins : first;
  });
  return { ...table, group: owner, newSince };
}

/** How far above its level of before a task must be until its growth is more than filling up again. */
const filledRatio = 1.25;

/**
 * Of new tasks only what lies clearly above the level they had before their update: whoever was restarted fills up
 * again. A task of which nothing is known from before says nothing.
 */
export function withoutFilling(table: BinTable, values: Float64Array): BinTable {
  const { bins, tasks } = table;
  const group = Int8Array.from(table.group);
  for (const row of tasks.keys()) {
    const own: number[] = [];
    for (let at = row * bins; at < (row + 1) * bins; at += 1) {
      if (group[at] === oldGroup && !Number.isNaN(values[at]!)) own.push(values[at]!);
    }
    const least = own.length === 0 ? Number.POSITIVE_INFINITY : median(own) * filledRatio;
    for (let at = row * bins; at < (row + 1) * bins; at += 1) {
      if (group[at] === newGroup && !(values[at]! > least)) group[at] = nobody;
    }
  }
  return { ...table, group };
}
