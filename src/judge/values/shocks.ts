import { medianInPlace } from '../../stats/index.ts';
import { type BinTable, oldGroup } from '../bin-table.ts';
import { borrow } from '../rooms.ts';

/** Regions with fewer old tasks take what all old tasks did. */
const fewestInRegion = 6;
/** From so many on, one task does not move the middle. */
const fewForMiddle = 32;

/** What the old tasks of a region did in each bin is taken from all its tasks. */
export function subtractShocks(
  table: BinTable,
  y: Float64Array,
  rows: readonly number[],
  start: number,
  scratch: Float64Array,
) {
  const { bins, group, domains } = table;
  const rowsByDomain: number[][] = Array.from({ length: domains }, () => []);
  for (const row of rows) rowsByDomain[table.domain[row]!]!.push(row);
  if (rowsByDomain.every((members) => members.length >= fewForMiddle)) {
    for (const members of rowsByDomain) subtractMiddles(table, y, members, rows, start);
    return;
  }
  /** Values of old tasks in this bin, from `scratch[at]` on; how many. */
  const gather = (members: readonly number[], bin: number, from: number): number => {
    let n = from;
    for (let i = 0; i < members.length; i += 1) {
      const at = members[i]! * bins + bin;
      if (group[at] === oldGroup && !Number.isNaN(y[at]!)) scratch[n++] = y[at]!;
    }
    return n - from;
  };
  const ofAll = new Float64Array(rows.length);
  const less = (members: readonly number[], bin: number, values: Float64Array, n: number, shock: number) => {
    const isFew = members.length < fewForMiddle;
    for (let i = 0; i < members.length; i += 1) {
      const at = members[i]! * bins + bin;
      // Of few, each pulls the middle towards itself and would look calmer than a new task can be.
      if (isFew && group[at] === oldGroup) {
        const value = y[at]!;
        y[at] = n < 2 || Number.isNaN(value) ? value : value - middleMean(values, n, rankOf(values, n, value));
      } else y[at]! -= shock;
    }
  };
  for (let bin = start; bin < bins; bin += 1) {
    if (domains === 1) {
      const n = gather(rows, bin, 0);
      less(rows, bin, scratch, n, middleOf(scratch, n));
      continue;
    }
    let common = Number.NaN;
    let nAll = -1;
    for (let domain = 0; domain < domains; domain += 1) {
      const members = rowsByDomain[domain]!;
      const n = gather(members, bin, 0);
      if (n >= fewestInRegion) continue;
      // Before any shock is taken away: what is left afterwards is no value any more.
      if (nAll < 0) {
        nAll = gather(rows, bin, 0);
        for (let i = 0; i < nAll; i += 1) ofAll[i] = scratch[i]!;
        common = middleOf(ofAll, nAll);
      }
    }
    for (let domain = 0; domain < domains; domain += 1) {
      const members = rowsByDomain[domain]!;
      const n = gather(members, bin, 0);
      if (n >= fewestInRegion) less(members, bin, scratch, n, middleOf(scratch, n));
      else if (rows.length < fewForMiddle) less(members, bin, ofAll, nAll, common);
      else for (let i = 0; i < members.length; i += 1) y[members[i]! * bins + bin]! -= common;
    }
  }
}

/** Bins whose values are gathered in one go: two lines of a cache of each row. */
const binsAtOnce = 16;
const gathered = { cells: new Float64Array(0) };

/** The same of a region that is large: what one of its tasks did does not move the middle. */
function subtractMiddles(
  { bins, group }: BinTable,
  y: Float64Array,
  members: readonly number[],
  all: readonly number[],
  start: number,
): void {
  const shocks = new Float64Array(bins);
  const room = borrow(gathered, binsAtOnce * all.length);
  const counts = new Int32Array(binsAtOnce);
  const gather = (rows: readonly number[], from: number, end: number) => {
    counts.fill(0);
    for (let i = 0; i < rows.length; i += 1) {
      const first = rows[i]! * bins;
      for (let bin = from; bin < end; bin += 1) {
        const value = y[first + bin]!;
        if (group[first + bin] !== oldGroup || Number.isNaN(value)) continue;
        const place = bin - from;
        room[place * all.length + counts[place]!] = value;
        counts[place]! += 1;
      }
    }
  };
  for (let from = start; from < bins; from += binsAtOnce) {
    const end = Math.min(bins, from + binsAtOnce);
    gather(members, from, end);
    let isTooFew = false;
    for (let bin = from; bin < end; bin += 1) {
      const n = counts[bin - from]!;
      if (n >= fewestInRegion || members.length === all.length)
        shocks[bin] = middleOf(room.subarray((bin - from) * all.length), n);
      else isTooFew = true;
    }
    if (!isTooFew) continue;
    const few = counts.map((n) => (n < fewestInRegion ? 1 : 0));
    gather(all, from, end);
    for (let bin = from; bin < end; bin += 1) {
      if (few[bin - from] === 1) shocks[bin] = middleOf(room.subarray((bin - from) * all.length), counts[bin - from]!);
    }
  }
  for (let i = 0; i < members.length; i += 1) {
    const first = members[i]! * bins;
    for (let bin = start; bin < bins; bin += 1) y[first + bin]! -= shocks[bin]!;
  }
}

/** Of old tasks in one bin; the numbers are put in another order. */
function middleOf(values: Float64Array, n: number): number {
  if (n === 0) return 0;
  if (n >= fewForMiddle) return medianInPlace(values, n);
  sortFew(values, n);
  return middleMean(values, n, -1);
}

/** By insertion: of a few numbers faster than any other way. */
function sortFew(values: Float64Array, n: number): void {
  for (let i = 1; i < n; i += 1) {
    const value = values[i]!;
    let j = i - 1;
    for (; j >= 0 && values[j]! > value; j -= 1) values[j + 1] = values[j]!;
    values[j + 1] = value;
  }
}

function rankOf(sorted: Float64Array, n: number, value: number): number {
  let rank = 0;
  while (rank < n - 1 && sorted[rank]! < value) rank += 1;
  return rank;
}

/** The mean of the middle half of a few sorted numbers, without one of them: it heeds no extremes, and is steadier than the median. */
function middleMean(sorted: Float64Array, n: number, skip: number): number {
  const m = skip < 0 ? n : n - 1;
  const from = Math.floor(m / 4);
  const to = m - from;
  let sum = 0;
  for (let i = from; i < to; i += 1) sum += sorted[skip >= 0 && i >= skip ? i + 1 : i]!;
  return sum / (to - from);
}
