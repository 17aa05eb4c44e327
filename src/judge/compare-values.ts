import { median, robustDeviation, studentAbove, studentUpper } from '../stats/index.ts';
import { type BinTable, newGroup, oldGroup } from './bin-table.ts';
import { atAge } from './compare-counts.ts';
import type { ValueMeasure } from './measures.ts';
import type { AgeCurve } from './port.ts';

/** Difference of new tasks from old ones, on the scale of the measure (logarithms: relative). */
export interface ValueEvidence {
  readonly kind: 'values';
  readonly estimate: number;
  readonly deviation: number;
  readonly freedom: number;
  /** Differences are of logarithms. */
  readonly isLog: boolean;
  readonly newLevel: number;
  readonly oldLevel: number;
  readonly newTasks: number;
  readonly oldTasks: number;
  readonly newBins: number;
  readonly outlier: number | undefined;
  readonly drivers: readonly number[];
}

export interface ValueOptions {
  readonly ageCurve: AgeCurve | undefined;
  readonly priorSpread: number;
  /** +1: higher is worse; -1: lower is. Estimates are positive when worse. */
  readonly sign: 1 | -1;
  readonly domain?: number | undefined;
  readonly leaveOneOut?: boolean;
}

/** Bins before the update that a task is compared with (step 5), and at most for its own level (step 3). */
const pastBins = 15;
const levelBins = 60;

interface Residual {
  readonly row: number;
  readonly value: number;
  readonly weightVariance: number;
  readonly spread: number;
}

/** Steps 2–7 of the method for numbers (docs/judge.md); undefined: nothing to compare. */
export function compareValues(
  table: BinTable,
  measure: ValueMeasure,
  options: ValueOptions,
): ValueEvidence | undefined {
  const { bins, group } = table;
  const rows: number[] = [];
  for (let row = 0; row < table.tasks.length; row += 1) {
    if (options.domain === undefined || table.domain[row] === options.domain) rows.push(row);
  }
  const since = rows.reduce((least, row) => Math.min(least, table.newSince[row]!), bins);
  if (since >= bins) return undefined;
  const prepared = withoutLevelsAndShocks(table, measure, rows, since);
  if (!prepared) return undefined;
  const { y, isLog } = prepared;

  // Cohorts: new tasks by the bin since which they are new.
  const cohorts = new Map<number, number[]>();
  for (const row of rows) {
    const start = table.newSince[row]!;
    if (start < bins) cohorts.set(start, [...(cohorts.get(start) ?? []), row]);
  }
  const residuals: Residual[] = [];
  let freedom = 0;
  let oldVarianceSum = 0;
  let oldTasks = 0;
  let newBins = 0;
  for (const [start, members] of [...cohorts].sort((a, b) => a[0] - b[0])) {
    const middle = start + Math.floor((bins - start) / 2);
    const frozen = Math.min(...members.map((row) => table.frozenAt[row]!), start);
    const meanOf = (row: number, wanted: number, from: number, to: number) => {
      let sum = 0;
      let n = 0;
      let expectedSum = 0;
      let spread = 0;
      for (let bin = Math.max(0, from); bin < to; bin += 1) {
        const at = row * bins + bin;
        if (group[at] !== wanted || Number.isNaN(y[at]!)) continue;
        sum += y[at]!;
        n += 1;
        if (wanted === newGroup && options.ageCurve) {
          expectedSum += atAge(options.ageCurve.mean, table.age[at]!);
          spread += Math.sqrt(Math.max(0, atAge(options.ageCurve.variance, table.age[at]!)));
        }
      }
      return { mean: n > 0 ? (sum - expectedSum) / n : Number.NaN, n, spread: n > 0 ? spread / n : 0 };
    };
    const controls: { q: number; p: number }[] = [];
    for (const row of rows) {
      const q = meanOf(row, oldGroup, middle, bins);
      const p = meanOf(row, oldGroup, frozen - pastBins, frozen);
      // A task that stopped being old in the middle of the window is not like one that stayed.
      if (q.n >= Math.max(1, (bins - middle) * 0.6) && p.n > 0) controls.push({ q: q.mean, p: p.mean });
    }
    if (controls.length < 3) continue;
    const b = slopeOf(controls);
    const rest = controls.map(({ q, p }) => q - b * p);
    const centre = rest.reduce((sum, value) => sum + value, 0) / rest.length;
    const sigma2 = rest.reduce((sum, value) => sum + (value - centre) * (value - centre), 0) / (rest.length - 1);
    freedom = Math.max(freedom, rest.length - 1);
    oldTasks = Math.max(oldTasks, rest.length);
    for (const row of members) {
      const q = meanOf(row, newGroup, middle, bins);
      if (q.n === 0) continue;
      const p = meanOf(row, oldGroup, frozen - pastBins, frozen);
      const hasPast = p.n > 0;
      newBins += q.n;
      residuals.push({
        row,
        value: options.sign * (q.mean - (hasPast ? b * p.mean : 0) - centre),
        weightVariance: sigma2 * (hasPast ? 1 : 4),
        spread: options.ageCurve ? q.spread : options.priorSpread,
      });
    }
    oldVarianceSum = Math.max(oldVarianceSum, sigma2 / rest.length);
  }
  if (residuals.length === 0) return undefined;

  residuals.sort(
    (a, b) => b.value / Math.sqrt(b.weightVariance) - a.value / Math.sqrt(a.weightVariance) || a.row - b.row,
  );
  const isLeftOut = options.leaveOneOut !== false && residuals.length >= 3;
  const tested = isLeftOut ? residuals.slice(1) : residuals;
  const n = tested.length;
  const rollouts = options.ageCurve?.rollouts ?? 20;
  const weights = tested.map(({ weightVariance, spread }) => 1 / (weightVariance + n * spread * spread + 1e-18));
  const total = weights.reduce((sum, weight) => sum + weight, 0);
  let estimate = 0;
  let own = oldVarianceSum;
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
  const levels = levelsOf(table, measure, rows, since);
  return {
    kind: 'values',
    estimate,
    deviation: Math.sqrt(variance),
    freedom: df,
    isLog,
    ...levels,
    newTasks: residuals.length,
    oldTasks,
    newBins,
    outlier: isLeftOut ? residuals[0]!.row : undefined,
    drivers: residuals
      .filter(({ value }) => value > 0)
      .map(({ row }) => row)
      .slice(0, 5),
  };
}

/** Step 3 and 4: less each task's own level, less what all old tasks of its region did in that bin, extremes cut. */
function withoutLevelsAndShocks(table: BinTable, measure: ValueMeasure, rows: readonly number[], since: number) {
  const { bins, group, domains } = table;
  let isLog = true;
  for (const row of rows) {
    for (let at = row * bins; at < (row + 1) * bins; at += 1) {
      if (group[at] !== 0 && measure.values[at]! <= 0) isLog = false;
    }
  }
  const y = new Float64Array(measure.values.length).fill(Number.NaN);
  const scratch: number[] = [];
  const levels = new Float64Array(table.tasks.length).fill(Number.NaN);
  for (const row of rows) {
    scratch.length = 0;
    const end = table.newSince[row]! < bins ? Math.min(bins, table.frozenAt[row]!) : since;
    for (let bin = Math.max(0, end - levelBins); bin < end; bin += 1) {
      const at = row * bins + bin;
      const value = measure.values[at]!;
      if (group[at] === oldGroup && !Number.isNaN(value)) scratch.push(isLog ? Math.log(value) : value);
    }
    levels[row] = median(scratch);
  }
  const known = [...levels].filter((level) => !Number.isNaN(level));
  if (known.length === 0) return undefined;
  const typical = median(known);
  // Without logarithms: differences relative to the usual level.
  const scale = isLog ? 1 : Math.max(Math.abs(typical), 1e-9);
  for (const row of rows) {
    const level = Number.isNaN(levels[row]!) ? typical : levels[row]!;
    for (let bin = 0; bin < bins; bin += 1) {
      const at = row * bins + bin;
      const value = measure.values[at]!;
      if (group[at] !== 0 && !Number.isNaN(value)) y[at] = ((isLog ? Math.log(value) : value) - level) / scale;
    }
  }
  for (let bin = 0; bin < bins; bin += 1) {
    const all: number[] = [];
    const byDomain: number[][] = Array.from({ length: domains }, () => []);
    for (const row of rows) {
      const at = row * bins + bin;
      if (group[at] !== oldGroup || Number.isNaN(y[at]!)) continue;
      all.push(y[at]!);
      byDomain[table.domain[row]!]!.push(y[at]!);
    }
    const common = all.length > 0 ? median(all) : 0;
    const shocks = byDomain.map((values) => (values.length >= 3 ? median(values) : common));
    for (const row of rows) y[row * bins + bin]! -= shocks[table.domain[row]!]!;
  }
  scratch.length = 0;
  for (const row of rows) {
    for (let bin = Math.max(0, since - levelBins); bin < bins; bin += 1) {
      const at = row * bins + bin;
      if (group[at] === oldGroup && !Number.isNaN(y[at]!)) scratch.push(y[at]!);
    }
  }
  const limit = 5 * robustDeviation(scratch, 0);
  if (limit > 0) {
    for (const row of rows) {
      for (let at = row * bins; at < (row + 1) * bins; at += 1) {
        if (group[at] === oldGroup) y[at] = Math.max(-limit, Math.min(limit, y[at]!));
        else if (group[at] === newGroup) y[at] = Math.max(-2 * limit, Math.min(2 * limit, y[at]!));
      }
    }
  }
  return { y, isLog };
}

/** How much of a task's past difference goes on: fitted on old tasks, between 0 and 1.2. */
function slopeOf(controls: readonly { readonly q: number; readonly p: number }[]): number {
  const meanP = controls.reduce((sum, { p }) => sum + p, 0) / controls.length;
  const meanQ = controls.reduce((sum, { q }) => sum + q, 0) / controls.length;
  let above = 0;
  let below = 0;
  for (const { q, p } of controls) {
    above += (p - meanP) * (q - meanQ);
    below += (p - meanP) * (p - meanP);
  }
  return below > 0 ? Math.max(0, Math.min(1.2, above / below)) : 0;
}

function levelsOf(table: BinTable, measure: ValueMeasure, rows: readonly number[], since: number) {
  const sums = [0, 0, 0, 0];
  for (const row of rows) {
    for (let bin = since; bin < table.bins; bin += 1) {
      const at = row * table.bins + bin;
      const value = measure.values[at]!;
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

/** Chance of a difference this large or larger, if the true one were `difference`. */
export function chanceOfValue({ estimate, deviation, freedom }: ValueEvidence, difference: number): number {
  return studentAbove((estimate - difference) / deviation, freedom);
}

/** The interval of the difference, each side missed with chance `tail`. */
export function intervalOfValue(
  { estimate, deviation, freedom }: ValueEvidence,
  tail: number,
): readonly [number, number] {
  const reach = deviation * studentUpper(tail, freedom);
  return [estimate - reach, estimate + reach];
}
