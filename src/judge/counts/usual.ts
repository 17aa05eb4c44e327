import { type BinTable, oldGroup } from '../bin-table.ts';
import type { CountMeasure } from '../measures.ts';
import { capped } from './cap.ts';

/** How strongly rates of one bin, one region, one task are drawn to the common rate: in expected events. */
const binPrior = 2;
const regionPrior = 5;
export const taskPrior = 10;

/**
 * What is usual: a rate per bin and region, and each task's own factor. The rate is that of a task with factor 1: else
 * it would change merely because the tasks that are still old are others than before (measured: that alone spread
 * the error ratio of harmless rollouts by 4 %).
 */
export function findUsual(table: BinTable, measure: CountMeasure, rows: readonly number[], since: number) {
  const plain = rateOfOldTasks(table, measure, rows, undefined);
  if (!plain) return undefined;
  const first = factorsOf(table, measure, rows, since, plain, false);
  const rate = rateOfOldTasks(table, measure, rows, { factor: first.factor, plain })!;
  return { rate, ...factorsOf(table, measure, rows, since, rate, true) };
}

export type Usual = NonNullable<ReturnType<typeof findUsual>>;

/** Each task's own factor against the others, from its past as an old task, drawn to 1 as far as it is uncertain. */
function factorsOf(
  table: BinTable,
  measure: CountMeasure,
  rows: readonly number[],
  since: number,
  { rates, from }: Rates,
  isWholePast: boolean,
) {
  const { bins, group } = table;
  const { events: counted, exposure: among } = measure;
  const n = table.tasks.length;
  const factor = new Float64Array(n).fill(1);
  const factorVariance = new Float64Array(n).fill(1 / taskPrior);
  for (const row of rows) {
    let events = 0;
    let expected = 0;
    const end = isWholePast && table.newSince[row]! < bins ? Math.min(bins, table.frozenAt[row]!) : since;
    const own = from(row);
    for (let bin = 0, at = row * bins; bin < end; bin += 1, at += 1) {
      const exposure = among[at]!;
      if (group[at] !== oldGroup || Number.isNaN(exposure)) continue;
      const mu = exposure * rates[own + bin]!;
      expected += mu;
      events += capped(counted[at]!, mu);
    }
    factor[row] = (events + taskPrior) / (expected + taskPrior);
    factorVariance[row] = 1 / (expected + taskPrior);
  }
  return { factor, factorVariance };
}

/** Of a task, bin by bin from `from(row)` on: a call for each of a hundred thousand cells took half of the time. */
interface Rates {
  readonly rates: Float64Array;
  readonly from: (row: number) => number;
}

/** Events per occasion of old tasks, by bin and region, each drawn to the one above it as far as it is uncertain. */
function rateOfOldTasks(
  table: BinTable,
  measure: CountMeasure,
  rows: readonly number[],
  known: { readonly factor: Float64Array; readonly plain: Rates } | undefined,
) {
  const { bins, group, domains } = table;
  const events = new Float64Array(bins * (domains + 1));
  const exposure = new Float64Array(bins * (domains + 1));
  const { events: seen, exposure: among } = measure;
  const plain = known?.plain.rates;
  for (const row of rows) {
    const own = (1 + table.domain[row]!) * bins;
    const ofTask = known ? known.factor[row]! : 1;
    for (let bin = 0, at = row * bins; bin < bins; bin += 1, at += 1) {
      const cell = among[at]!;
      if (group[at] !== oldGroup || Number.isNaN(cell)) continue;
      const weighed = cell * ofTask;
      const counted = plain ? capped(seen[at]!, cell * (plain[own + bin]! * ofTask)) : seen[at]!;
      events[bin]! += counted;
      exposure[bin]! += weighed;
      events[own + bin]! += counted;
      exposure[own + bin]! += weighed;
    }
  }
  let allEvents = 0.5;
  let allExposure = 0;
  for (let bin = 0; bin < bins; bin += 1) {
    allEvents += events[bin]!;
    allExposure += exposure[bin]!;
  }
  if (allExposure === 0) return undefined;
  const base = allEvents / allExposure;
  const rates = new Float64Array(bins * (domains + 1));
  for (let bin = 0; bin < bins; bin += 1) {
    const common = base * ((events[bin]! + binPrior) / (base * exposure[bin]! + binPrior));
    for (let domain = 1; domain <= domains; domain += 1) {
      const at = domain * bins + bin;
      rates[at] = common * ((events[at]! + regionPrior) / (common * exposure[at]! + regionPrior));
    }
  }
  return {
    rates,
    from: (row: number) => (1 + table.domain[row]!) * bins,
    of: (row: number, bin: number) => rates[(1 + table.domain[row]!) * bins + bin]!,
    isControlled: (bin: number) => exposure[bin]! > 0,
    /** Relative variance of the rate between windows of this length: all that is known where no old task is left. */
    drift: (length: number) => {
      const windows: number[] = [];
      for (let end = bins; end - length >= 0; end -= length) {
        let e = 0;
        let x = 0;
        for (let bin = end - length; bin < end; bin += 1) {
          e += events[bin]!;
          x += exposure[bin]!;
        }
        if (base * x >= 1) windows.push(e / (base * x) - 1, 1 / (base * x));
      }
      let excess = 0;
      for (let i = 0; i < windows.length; i += 2) excess += windows[i]! * windows[i]! - windows[i + 1]!;
      return Math.max(0.05, windows.length > 0 ? (2 * excess) / windows.length : 0);
    },
  };
}
