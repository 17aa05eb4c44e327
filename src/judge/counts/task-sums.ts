import { atAge } from '../at-age.ts';
import { type BinTable, newGroup, oldGroup } from '../bin-table.ts';
import type { CountMeasure } from '../measures.ts';
import type { AgeCurve, SeasonalChange } from '../port.ts';
import { capped } from './cap.ts';
import { taskPrior, type Usual } from './usual.ts';

/** What one task had in some bins, as old or as new, against what is usual. */
export interface TaskSum {
  readonly row: number;
  /** With extremes cut. */
  readonly events: number;
  readonly expected: number;
  readonly exposure: number;
  /** Events as seen. */
  readonly raw: number;
  /** Expected before it is lowered by what cutting takes off. */
  readonly plain: number;
  /** Expected of bins in which no old task says what is usual. */
  readonly uncontrolled: number;
  /** Between harmless rollouts, at the age of the last bin. */
  readonly spread: number;
  readonly bins: number;
}

export type SumOf = (row: number, wanted: number, from: number, to: number) => TaskSum;

/** Sums over the bins that a task spent in a group. */
export function openTaskSums(
  table: BinTable,
  measure: CountMeasure,
  rows: readonly number[],
  usual: Usual,
  { ageCurve, season }: { readonly ageCurve: AgeCurve | undefined; readonly season?: SeasonalChange | undefined },
): SumOf {
  const { bins, group } = table;
  const { events: counted, exposure: among } = measure;
  const { rate, factor } = usual;
  const { rates } = rate;
  const centre = lostByCutting(table, measure, rows, usual);
  const ofSeason = season ? Math.exp(season.change) : 1;
  // In variables of its own: fields of an object that change are slow.
  return (row, wanted, from, to) => {
    let [events, expected, exposure, raw, plain, uncontrolled, spread] = [0, 0, 0, 0, 0, 0, 0];
    let counts = 0;
    const own = rate.from(row);
    const ofTask = factor[row]!;
    for (let bin = from, at = row * bins + from; bin < to; bin += 1, at += 1) {
      const cell = among[at]!;
      if (group[at] !== wanted || Number.isNaN(cell)) continue;
      let mu = cell * rates[own + bin]! * ofTask * centre;
      if (wanted === newGroup && ageCurve) mu *= Math.exp(atAge(ageCurve.mean, table.age[at]!));
      if (season && !rate.isControlled(bin)) mu *= ofSeason;
      counts += 1;
      events += capped(counted[at]!, mu);
      expected += mu;
      plain += mu / centre;
      exposure += cell;
      raw += counted[at]!;
      if (!rate.isControlled(bin)) uncontrolled += mu;
      if (ageCurve) spread = Math.sqrt(atAge(ageCurve.variance[0]!, table.age[at]!));
    }
    return { row, events, expected, exposure, raw, plain, uncontrolled, spread, bins: counts };
  };
}

/** Cutting extremes lowers the sums a little: old tasks say by how much. */
function lostByCutting(
  { bins, group }: BinTable,
  { events: counted, exposure: among }: CountMeasure,
  rows: readonly number[],
  { rate, factor }: Usual,
): number {
  const { rates } = rate;
  let oldCut = 0;
  let oldExpected = 0;
  for (const row of rows) {
    const own = rate.from(row);
    const ofTask = factor[row]!;
    for (let bin = 0, at = row * bins; bin < bins; bin += 1, at += 1) {
      const exposure = among[at]!;
      if (group[at] !== oldGroup || Number.isNaN(exposure)) continue;
      const mu = exposure * rates[own + bin]! * ofTask;
      oldCut += capped(counted[at]!, mu);
      oldExpected += mu;
    }
  }
  return (oldCut + taskPrior) / (oldExpected + taskPrior);
}

/** The same tasks in earlier windows of the same length: tells how much they vary where few old tasks are left. */
export function pastWindows({ bins }: BinTable, rows: readonly number[], since: number, sumOf: SumOf): TaskSum[] {
  const length = bins - since;
  const found: TaskSum[] = [];
  for (let end = since, n = 0; end - length >= 0 && n < 3; end -= length, n += 1) {
    for (const row of rows) {
      const sum = sumOf(row, oldGroup, end - length, end);
      if (sum.exposure > 0) found.push(sum);
    }
  }
  return found;
}

export function total(sums: readonly TaskSum[], key: Exclude<keyof TaskSum, 'row'>): number {
  return sums.reduce((sum, item) => sum + item[key], 0);
}
