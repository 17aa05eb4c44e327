import { expectedMaximum } from '../stats/index.ts';
import { type BinTable, firstNew, newGroup, oldGroup, rowsOf } from './bin-table.ts';
import type { ValueMeasure } from './measures.ts';
import { isWorstAlwaysOut, outliersAmong } from './outliers.ts';
import { type AgeCurve, type SeasonalChange, windowShares } from './port.ts';
import type { ValueEvidence } from './values/evidence.ts';
import { withoutLevelsAndShocks } from './values/levels-and-shocks.ts';
import { cohortsOf, type Residual, type Residuals, residualsOf } from './values/residuals.ts';
import { openWindows } from './values/windows.ts';

export interface ValueOptions {
  readonly ageCurve: AgeCurve | undefined;
  readonly priorSpread: number;
  /** +1: higher is worse; -1: lower is. Estimates are positive when worse. */
  readonly sign: 1 | -1;
  readonly domain?: number | undefined;
  readonly leaveOneOut?: boolean;
  /** Heeded only where tasks are compared with themselves before. */
  readonly season?: SeasonalChange | undefined;
}

/** Steps 2–7 of the method for numbers (docs/judge.md); undefined: nothing to compare. */
export function compareValues(
  table: BinTable,
  measure: ValueMeasure,
  options: ValueOptions,
): ValueEvidence | undefined {
  const rows = rowsOf(table, options.domain);
  const since = firstNew(table, rows);
  if (since >= table.bins) return undefined;
  const prepared = withoutLevelsAndShocks(table, measure, rows, since, options.ageCurve);
  if (!prepared) return undefined;
  const { y, isLog } = prepared;
  const { sign, ageCurve, priorSpread } = options;
  const cohorts = cohortsOf(table, rows);
  const windows = openWindows(table, y, rows);
  const levels = levelsOf(table, measure, rows, since);
  // Which bins tell most depends on how long restarts are felt: the history of old tasks and rollouts says it.
  let best: ValueEvidence | undefined;
  for (const share of ageCurve ? windowShares : windowShares.slice(1, 2)) {
    const found = residualsOf(table, windows, { rows, cohorts, since, share, sign, ageCurve, priorSpread });
    if (found.residuals.length === 0) continue;
    const evidence = { ...evidenceOf(found, options), isLog, ...levels };
    if (!best || evidence.deviation < best.deviation) best = evidence;
  }
  return best;
}

/** Step 7: the mean of the new tasks, each weighed by what is known of it, and how far it may be off. */
function evidenceOf(
  { residuals, freedom, oldVariance, oldTasks, newBins }: Residuals,
  { leaveOneOut, ageCurve }: ValueOptions,
): Omit<ValueEvidence, 'isLog' | 'newLevel' | 'oldLevel'> {
  const excess = ({ value, weightVariance }: Residual) => value / Math.sqrt(weightVariance + 1e-18);
  residuals.sort((a, b) => excess(b) - excess(a) || a.row - b.row);
  const leftOut = leaveOneOut === false ? 0 : outliersAmong(residuals.map(excess));
  const isAlwaysOut = leaveOneOut !== false && isWorstAlwaysOut(residuals.length);
  const tested = residuals.slice(leftOut);
  const n = tested.length;
  const rollouts = ageCurve?.rollouts ?? 20;
  const weights = tested.map(({ weightVariance, spread }) => 1 / (weightVariance + n * spread * spread + 1e-18));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let estimate = 0;
  let own = oldVariance;
  let shared = 0;
  for (const [i, { value, weightVariance, spread }] of tested.entries()) {
    const w = weights[i]! / total;
    estimate += w * value;
    own += w * w * weightVariance;
    shared += w * spread;
  }
  const ofRollouts = shared * shared * (1 + 1 / rollouts);
  const variance = own + ofRollouts;
  const df =
    (variance * variance) /
    ((own * own) / Math.max(1, freedom) + (ofRollouts * ofRollouts) / Math.max(1, rollouts - 1) + 1e-300);
  const ownSd = Math.sqrt(tested.reduce((sum, { weightVariance }) => sum + weightVariance, 0) / n);
  return {
    kind: 'values',
    estimate,
    deviation: Math.sqrt(variance),
    freedom: df,
    lostToOutlier: isAlwaysOut ? (expectedMaximum(residuals.length) * ownSd) / n : 0,
    newTasks: residuals.length,
    oldTasks,
    newBins,
    outlier: leftOut > 0 ? residuals[0]!.row : undefined,
    drivers: residuals
      .filter(({ value }) => value > 0)
      .map(({ row }) => row)
      .slice(0, 5),
  };
}

/** As they are told to people. */
function levelsOf(table: BinTable, measure: ValueMeasure, rows: readonly number[], since: number) {
  const told = measure.shown ?? measure.values;
  const sums = [0, 0, 0, 0];
  for (const row of rows) {
    for (let bin = since; bin < table.bins; bin += 1) {
      const at = row * table.bins + bin;
      const value = told[at]!;
      if (Number.isNaN(value)) continue;
      if (table.group[at] === newGroup) {
        sums[0]! += value;
        sums[1]! += 1;
      } else if (table.group[at] === oldGroup) {
        sums[2]! += value;
        sums[3]! += 1;
      }
    }
  }
  return { newLevel: sums[0]! / sums[1]!, oldLevel: sums[2]! / sums[3]! };
}
