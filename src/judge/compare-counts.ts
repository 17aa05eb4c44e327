import { expectedMaximum } from '../stats/index.ts';
import { type BinTable, firstNew, newGroup, oldGroup, rowsOf } from './bin-table.ts';
import { dispersionOf, leastDispersionOf, typicalLength } from './counts/dispersion.ts';
import type { CountEvidence } from './counts/evidence.ts';
import { openTaskSums, pastWindows, type TaskSum, total } from './counts/task-sums.ts';
import { findUsual, type Usual } from './counts/usual.ts';
import type { CountMeasure } from './measures.ts';
import { isWorstAlwaysOut, outliersAmong } from './outliers.ts';
import type { AgeCurve, SeasonalChange } from './port.ts';
import { courseOf } from './start-up.ts';

export interface CountOptions {
  readonly ageCurve: AgeCurve | undefined;
  /** Spread of the log ratio between harmless rollouts, where no age curve says it. */
  readonly priorSpread: number;
  /** Only tasks of this domain. */
  readonly domain?: number | undefined;
  readonly leaveOneOut?: boolean;
  /** By what the rate changes by itself in bins in which no old task is left. */
  readonly season?: SeasonalChange | undefined;
}

/** Steps 2–7 of the method for counts (docs/judge.md); undefined: nothing to compare. */
export function compareCounts(
  table: BinTable,
  measure: CountMeasure,
  options: CountOptions,
): CountEvidence | undefined {
  const { bins } = table;
  const rows = rowsOf(table, options.domain);
  const since = firstNew(table, rows);
  if (since >= bins) return undefined;
  const usual = findUsual(table, measure, rows, since);
  if (!usual) return undefined;
  const sumOf = openTaskSums(table, measure, rows, usual, options);
  const sumsOf = (of: readonly number[], wanted: number, from: number) =>
    of.map((row) => sumOf(row, wanted, from, bins)).filter(({ exposure }) => exposure > 0);

  const fresh = rows.filter((row) => table.newSince[row]! < bins);
  const seen = sumsOf(fresh, newGroup, since);
  if (seen.length === 0) return undefined;
  const still = sumsOf(rows, oldGroup, since);
  const past = still.length < 8 ? pastWindows(table, rows, since, sumOf) : [];
  const least = leastDispersionOf([...still, ...past]);
  const recent = sumsOf(rows, oldGroup, bins - typicalLength(seen));
  const { overdispersion, freedom } = dispersionOf([...recent, ...past], least);

  const excess = ({ events, expected }: TaskSum) => (events - expected) / Math.sqrt(overdispersion * expected + 0.25);
  seen.sort((a, b) => excess(b) - excess(a) || a.row - b.row);
  const leftOut = options.leaveOneOut === false ? 0 : outliersAmong(seen.map(excess));
  const tested = seen.slice(leftOut);
  const most = seen.reduce((of, one) => (one.expected > of.expected ? one : of));
  const without = options.leaveOneOut !== false && isWorstAlwaysOut(seen.length) ? most : undefined;
  const expected = Math.max(1e-12, total(tested, 'expected'));
  const alone = total(tested, 'uncontrolled') / expected;
  const known = { alone, tested, expected, usual, still, past, length: Math.max(1, bins - since) };
  return {
    kind: 'counts',
    newEvents: total(seen, 'raw'),
    newExposure: total(seen, 'exposure'),
    oldEvents: total(still.length > 0 ? still : past, 'raw'),
    oldExposure: total(still.length > 0 ? still : past, 'exposure'),
    expected: total(seen, 'plain'),
    tested: { events: total(tested, 'events'), expected, exposure: total(tested, 'exposure') },
    ifWorse: {
      expected: Math.max(1e-12, total(seen, 'expected') - (without?.expected ?? 0)),
      exposure: total(seen, 'exposure') - (without?.exposure ?? 0),
      bins: total(seen, 'bins') - (without?.bins ?? 0),
    },
    overdispersion,
    leastDispersion: least,
    ...shapesOf(known, options),
    freedom,
    newTasks: seen.length,
    oldTasks: still.length,
    outlier: leftOut > 0 ? seen[0]!.row : undefined,
    lostToOutlier: without ? expectedMaximum(seen.length) : 0,
    drivers: seen
      .filter((item) => item.events > item.expected)
      .map(({ row }) => row)
      .slice(0, 5),
    uncut: total(tested, 'raw'),
    season: alone > 0 ? options.season : undefined,
    course: courseOf(tested.map(({ row }) => cellsSince(table, measure, row, usual))),
  };
}

interface Known {
  readonly tested: readonly TaskSum[];
  readonly expected: number;
  /** Part of it that is of bins in which no old task says what is usual. */
  readonly alone: number;
  readonly usual: Usual;
  readonly still: readonly TaskSum[];
  readonly past: readonly TaskSum[];
  /** Bins since the first task is new. */
  readonly length: number;
}

/** Relative variance of what is expected, from four sources: the rate, the baselines, rollouts, and time. */
function shapesOf(
  { tested, expected, alone, usual, still, past, length }: Known,
  { ageCurve, priorSpread, season }: CountOptions,
) {
  const ofRate = 1 / (total(still, 'raw') + total(past, 'raw') + 1);
  const ofBaselines =
    tested.reduce((sum, item) => sum + item.expected * item.expected * usual.factorVariance[item.row]!, 0) /
    (expected * expected);
  const spread = ageCurve ? tested.reduce((sum, item) => sum + item.spread * item.expected, 0) / expected : priorSpread;
  const rollouts = ageCurve?.rollouts ?? 20;
  const ofRollouts = spread * spread * (1 + 1 / rollouts);
  const ofTime = alone * alone * (season ? season.deviation * season.deviation : usual.rate.drift(length));
  return {
    shape: 1 / (ofRate + ofBaselines + ofRollouts + ofTime),
    passShape: 1 / (ofRate + ofBaselines + (ageCurve ? ofRollouts : ofRollouts / 4) + ofTime),
  };
}

/** What is new of one task, bin by bin: events, and how many old tasks let expect. */
function cellsSince({ bins, group, newSince }: BinTable, measure: CountMeasure, row: number, { rate, factor }: Usual) {
  const cells: { events: number; expected: number; exposure: number }[] = [];
  for (let bin = newSince[row]!; bin < bins; bin += 1) {
    const at = row * bins + bin;
    const exposure = measure.exposure[at]!;
    if (group[at] !== newGroup || Number.isNaN(exposure)) continue;
    cells.push({ events: measure.events[at]!, expected: exposure * rate.of(row, bin) * factor[row]!, exposure });
  }
  return cells;
}
