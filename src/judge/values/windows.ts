import { type BinTable, newGroup, oldGroup } from '../bin-table.ts';
import { borrow } from '../rooms.ts';

/** Sums over windows of bins, of each group, from running sums. */
export interface Windows {
  /** Bins of the group in the window that have a value. */
  readonly count: (row: number, wanted: number, from: number, to: number) => number;
  readonly mean: (row: number, wanted: number, from: number, to: number) => number;
  readonly lastAge: (row: number, wanted: number, to: number) => number;
}

const runningRooms = Array.from({ length: 4 }, () => ({ cells: new Float64Array(0) }));

/** `y`: the differences of all cells; NaN = missing. */
export function openWindows(table: BinTable, y: Float64Array, rows: readonly number[]): Windows {
  const { bins, group } = table;
  const width = bins + 1;
  const [oldSum, oldCount, newSum, newCount] = runningRooms.map((room) => borrow(room, table.tasks.length * width));
  for (let i = 0; i < rows.length; i += 1) {
    const row = rows[i]!;
    let to = row * width;
    oldSum![to] = 0;
    oldCount![to] = 0;
    for (let at = row * bins; at < (row + 1) * bins; at += 1, to += 1) {
      const value = y[at]!;
      const isOld = group[at] === oldGroup && !Number.isNaN(value);
      oldSum![to + 1] = isOld ? oldSum![to]! + value : oldSum![to]!;
      oldCount![to + 1] = isOld ? oldCount![to]! + 1 : oldCount![to]!;
    }
    // Of who is never new nobody asks.
    if (table.newSince[row]! >= bins) continue;
    to = row * width;
    newSum![to] = 0;
    newCount![to] = 0;
    for (let at = row * bins; at < (row + 1) * bins; at += 1, to += 1) {
      const value = y[at]!;
      const isNew = group[at] === newGroup && !Number.isNaN(value);
      newSum![to + 1] = isNew ? newSum![to]! + value : newSum![to]!;
      newCount![to + 1] = isNew ? newCount![to]! + 1 : newCount![to]!;
    }
  }
  const over = (sums: Float64Array, row: number, from: number, to: number) =>
    to <= from ? 0 : sums[row * width + to]! - sums[row * width + Math.max(0, from)]!;
  const count: Windows['count'] = (row, wanted, from, to) =>
    over(wanted === oldGroup ? oldCount! : newCount!, row, from, to);
  return {
    count,
    mean: (row, wanted, from, to) =>
      over(wanted === oldGroup ? oldSum! : newSum!, row, from, to) / count(row, wanted, from, to),
    lastAge(row, wanted, to) {
      for (let bin = to - 1; bin >= 0; bin -= 1) {
        const at = row * bins + bin;
        if (group[at] === wanted && !Number.isNaN(y[at]!)) return table.age[at]!;
      }
      return 0;
    },
  };
}

/** Q is the mean from here to the last bin. */
export function windowFrom(start: number, end: number, share: number): number {
  return start + Math.floor((end - start) * share + 1e-9);
}
