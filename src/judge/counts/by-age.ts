import { median } from '../../stats/index.ts';
import { type BinTable, firstNew, newGroup, rowsOf } from '../bin-table.ts';
import type { CountMeasure } from '../measures.ts';
import { capped } from './cap.ts';
import { dispersionOf } from './dispersion.ts';
import { findUsual } from './usual.ts';

/** Events and expected events of new tasks at each age, all of them together: what an age curve is made of. */
export function countsByAge(table: BinTable, measure: CountMeasure, ages: number, isCut = true) {
  const rows = rowsOf(table);
  const since = firstNew(table, rows);
  const usual = since < table.bins ? findUsual(table, measure, rows, since) : undefined;
  if (!usual) return undefined;
  const { rate, factor } = usual;
  const events = new Float64Array(ages);
  const expected = new Float64Array(ages);
  const tasks = rows.map((row) => {
    const cells: { age: number; seen: number; mu: number }[] = [];
    let excess = 0;
    let all = 0;
    for (let bin = since; bin < table.bins; bin += 1) {
      const at = row * table.bins + bin;
      const age = table.age[at]!;
      if (table.group[at] !== newGroup || age >= ages || Number.isNaN(measure.exposure[at]!)) continue;
      const mu = measure.exposure[at]! * rate.of(row, bin) * factor[row]!;
      const seen = isCut ? capped(measure.events[at]!, mu) : measure.events[at]!;
      cells.push({ age, seen, mu });
      excess += seen - mu;
      all += mu;
    }
    return { cells, seen: excess + all, mu: all, far: excess / Math.sqrt(2 * all + 1) };
  });
  const fresh = tasks.filter(({ cells }) => cells.length > 0);
  // A task whose host had trouble says nothing about restarts: one far above its peers. What all do is the restart.
  const limit = median(fresh.map(({ far }) => far)) + 6;
  const totals = fresh.filter(({ far }) => fresh.length < 3 || far <= limit);
  for (const { cells } of totals) {
    for (const { age, seen, mu } of cells) {
      events[age]! += seen;
      expected[age]! += mu;
    }
  }
  const ratio = totals.reduce((sum, { seen }) => sum + seen, 0) / totals.reduce((sum, { mu }) => sum + mu, 1e-9);
  const { overdispersion } = dispersionOf(
    totals.map(({ seen, mu }) => ({ events: seen, expected: mu * ratio })),
    1,
  );
  return { events, expected, overdispersion };
}
