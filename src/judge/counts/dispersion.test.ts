import { expect, test } from 'vitest';
import { seededChance } from '../../kit/index.ts';
import { type BinTable, newGroup, oldGroup } from '../bin-table.ts';
import { compareCounts } from '../compare-counts.ts';

/** Tasks with so many requests a bin, of which a share are events, each by its own dice; the first three are new. */
function counted(share: number, tasks = 24, bins = 60) {
  const chance = seededChance(5, 'counts');
  const size = tasks * bins;
  const [events, exposure] = [new Float64Array(size), new Float64Array(size).fill(40)];
  const group = new Int8Array(size).fill(oldGroup);
  const [newSince, frozenAt] = [new Int32Array(tasks).fill(bins), new Int32Array(tasks).fill(bins)];
  for (let at = 0; at < size; at += 1) {
    for (let i = 0; i < 40; i += 1) if (chance.next() < share) events[at]! += 1;
    if (at < 3 * bins && at % bins >= 30) group[at] = newGroup;
  }
  newSince.fill(30, 0, 3);
  frozenAt.fill(30, 0, 3);
  const table: BinTable = {
    ...{ binMs: 1000, firstBin: 0, bins, tasks: Array.from({ length: tasks }, (_, i) => i), group },
    ...{ age: new Int16Array(size).fill(30_000), newSince, frozenAt, domain: new Int32Array(tasks), domains: 1 },
  };
  return compareCounts(table, { kind: 'counts', events, exposure }, { ageCurve: undefined, priorSpread: 0.01 })!;
}

test('rare events vary as much as their number; half of all requests vary half as much', () => {
  const rare = counted(0.01);
  expect(rare.leastDispersion).toBe(1);
  expect(rare.overdispersion).toBeGreaterThanOrEqual(1);
  const half = counted(0.5);
  expect(half.leastDispersion).toBeCloseTo(0.5, 1);
  // Twice that: each task's own factor is known from as many bins as are judged, and errs as much.
  expect(half.overdispersion).toBeGreaterThan(0.6);
  expect(half.overdispersion).toBeLessThan(1.4);
});
