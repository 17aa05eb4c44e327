import type { CheckSpec } from '../model/index.ts';
import { type BinTable, newGroup, nobody, oldGroup } from './bin-table.ts';
import type { Measure } from './measures.ts';

/** A series that is there in so much of the bins since it first came is always there: where it is not, it is not zero. */
const alwaysShare = 0.9;
/** So many bins without it, and so much that ought to have been counted in them, until nobody believes in zero. */
const fewest = { bins: 6, expected: 5 };

/**
 * Where a task served and nothing was read, its owner says, it was zero. That is so of a series that has not come yet (a
 * counter of what has not happened), and of one that comes and goes on old tasks too. It is not so of one that was there
 * in this life of the task, or that all old tasks have and no new one: what vanishes must not look like an improvement.
 */
export function fillWithZero(table: BinTable, measure: Measure, metric: CheckSpec['metric']): void {
  const cells = measure.kind === 'counts' ? measure.exposure : measure.values;
  const isSteady = staysOnOldTasks(table, cells);
  const isGone = isSteady && isGoneFromNewTasks(table, measure, cells, 'gauge' in metric);
  const parts = measure.kind === 'counts' ? [measure.events, measure.exposure] : [measure.values];
  eachLife(table, cells, (at, hasCome) => {
    if ((isSteady && hasCome) || (isGone && table.group[at] === newGroup)) return;
    for (const part of parts) part[at] = 0;
  });
}

/** Bins of a task in which nothing was read, with whether the series had come before in the same life. */
function eachLife(table: BinTable, cells: Float64Array, absent: (at: number, hasCome: boolean) => void): void {
  const { bins, group, age } = table;
  const was = Float64Array.from(cells);
  for (let row = 0; row < table.tasks.length; row += 1) {
    let hasCome = false;
    for (let at = row * bins; at < (row + 1) * bins; at += 1) {
      const isNewLife = at > row * bins && (age[at]! < age[at - 1]! || group[at] === nobody);
      if (isNewLife) hasCome = false;
      if (!Number.isNaN(was[at]!)) hasCome = true;
      else if (group[at] !== nobody) absent(at, hasCome);
    }
  }
}

function staysOnOldTasks(table: BinTable, cells: Float64Array): boolean {
  let there = 0;
  let gone = 0;
  for (let at = 0; at < cells.length; at += 1)
    if (table.group[at] === oldGroup && !Number.isNaN(cells[at]!)) there += 1;
  eachLife(table, cells, (at, hasCome) => {
    if (hasCome && table.group[at] === oldGroup) gone += 1;
  });
  return there >= fewest.bins && there >= alwaysShare * (there + gone);
}

function isGoneFromNewTasks(table: BinTable, measure: Measure, cells: Float64Array, isGauge: boolean): boolean {
  const { bins, group, newSince } = table;
  const since = newSince.reduce((least, bin) => Math.min(least, bin), bins);
  let [old, oldThere, sum, fresh] = [0, 0, 0, 0];
  for (let at = 0; at < cells.length; at += 1) {
    if (at % bins < since) continue;
    const isThere = !Number.isNaN(cells[at]!);
    if (group[at] === newGroup) {
      if (isThere) return false;
      fresh += 1;
    } else if (group[at] === oldGroup) {
      old += 1;
      if (isThere) oldThere += 1;
      sum += isThere ? cells[at]! : 0;
    }
  }
  if (bins - since < fewest.bins || old === 0 || oldThere < alwaysShare * old) return false;
  const seconds = measure.kind === 'values' ? table.binMs / 1000 : 1;
  return isGauge || (sum / oldThere) * seconds * fresh >= fewest.expected;
}
