import { atAge } from '../at-age.ts';
import { type BinTable, newGroup, oldGroup } from '../bin-table.ts';
import { type AgeCurve, windowShares } from '../port.ts';
import { fitOldTasks, pastBins } from './controls.ts';
import { type Windows, windowFrom } from './windows.ts';

/** By how much one new task differs from what old ones let expect of it; positive = worse. */
export interface Residual {
  readonly row: number;
  readonly value: number;
  readonly weightVariance: number;
  /** Between harmless rollouts, at the age of the task. */
  readonly spread: number;
}

/** New tasks by the bin since which they are new, the oldest first. */
export type Cohorts = readonly (readonly [start: number, rows: readonly number[]])[];

export function cohortsOf({ newSince, bins }: BinTable, rows: readonly number[]): Cohorts {
  const cohorts = new Map<number, number[]>();
  for (const row of rows) {
    const start = newSince[row]!;
    if (start >= bins) continue;
    const members = cohorts.get(start);
    if (members) members.push(row);
    else cohorts.set(start, [row]);
  }
  return [...cohorts].sort((a, b) => a[0] - b[0]);
}

export interface Residuals {
  readonly residuals: Residual[];
  /** Degrees of freedom with which their variance is known. */
  readonly freedom: number;
  /** Of the mean of old tasks. */
  readonly oldVariance: number;
  readonly oldTasks: number;
  readonly newBins: number;
}

export interface ResidualOptions {
  readonly rows: readonly number[];
  readonly cohorts: Cohorts;
  /** The first bin in which any task is new. */
  readonly since: number;
  /** Which of `windowShares` is left out of the bins since the warm-up. */
  readonly share: number;
  readonly sign: 1 | -1;
  readonly ageCurve: AgeCurve | undefined;
  readonly priorSpread: number;
}

/** Each cohort of new tasks against the tasks that were old all the time, in the same windows. */
export function residualsOf(
  table: BinTable,
  windows: Windows,
  { rows, cohorts, since, share, sign, ageCurve, priorSpread }: ResidualOptions,
): Residuals {
  const { bins } = table;
  const variances = ageCurve?.variance[windowShares.indexOf(share as never)];
  const residuals: Residual[] = [];
  let freedom = 0;
  let oldVariance = 0;
  let oldTasks = 0;
  let newBins = 0;
  for (const [start, members] of cohorts) {
    const from = windowFrom(start, bins, share);
    const frozen = members.reduce((least, row) => Math.min(least, table.frozenAt[row]!), start);
    const fit = fitOldTasks(windows, rows, { from, to: bins, frozen, since });
    if (!fit) continue;
    const { b, centre, sigma2 } = fit;
    freedom = Math.max(freedom, fit.freedom);
    oldTasks = Math.max(oldTasks, fit.tasks);
    for (const row of members) {
      const n = windows.count(row, newGroup, from, bins);
      if (n === 0) continue;
      const hasPast = windows.count(row, oldGroup, frozen - pastBins, frozen) > 0;
      const past = hasPast ? b * windows.mean(row, oldGroup, frozen - pastBins, frozen) : 0;
      newBins += n;
      residuals.push({
        row,
        value: sign * (windows.mean(row, newGroup, from, bins) - past - centre),
        weightVariance: sigma2 * (hasPast ? 1 : 4) + (ageCurve?.jitter ?? 0),
        spread: variances ? Math.sqrt(atAge(variances, windows.lastAge(row, newGroup, bins))) : priorSpread,
      });
    }
    oldVariance = Math.max(oldVariance, sigma2 / fit.tasks);
  }
  return { residuals, freedom, oldVariance, oldTasks, newBins };
}
