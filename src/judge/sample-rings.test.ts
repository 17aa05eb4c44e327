import fc from 'fast-check';
import { expect, test } from 'vitest';
import { Buckets, makeRings } from './sample-rings.ts';
import { SlabPool } from './slabs.ts';

/** Small, then too big for 8 bits, then for 16; a few that are no whole numbers. */
const count = fc.oneof(
  { weight: 8, arbitrary: fc.constant(0) },
  { weight: 6, arbitrary: fc.nat(300) },
  { weight: 1, arbitrary: fc.nat(100_000) },
  { weight: 1, arbitrary: fc.constantFrom(0.5, 12.25) },
);
const puts = fc.array(
  fc.record({
    bin: fc.nat(60),
    back: fc.nat(3),
    counts: fc.array(count, { minLength: 6, maxLength: 6 }),
    sum: fc.integer({ min: -500, max: 500 }),
  }),
  { maxLength: 60 },
);

test('a ring of histograms equals a plain map of its newest bins, whatever comes in which order', () => {
  fc.assert(
    fc.property(puts, (all) => {
      const capacity = 8;
      const { fine } = makeRings(new SlabPool(), capacity, 4, 'histogram', 7);
      const plain = new Map<number, number[]>();
      let newest = -1;
      for (const { bin: at, back, counts, sum } of all) {
        const bin = Math.max(0, Math.max(at, newest) - back);
        const isHeld = bin > Math.max(newest, bin) - capacity;
        expect(fine.put(bin, [...counts, sum], true)).toBe(isHeld);
        newest = Math.max(newest, bin);
        const before = plain.get(bin) ?? Array(7).fill(0);
        if (isHeld)
          plain.set(
            bin,
            [...counts, sum].map((value, i) => value + before[i]!),
          );
      }
      for (let bin = Math.max(0, newest - capacity - 2); bin <= newest + 2; bin += 1) {
        const expected = bin > newest - capacity && bin <= newest ? plain.get(bin) : undefined;
        expect(fine.has(bin)).toBe(expected !== undefined);
        if (expected === undefined) expect(fine.get(bin)).toBeNaN();
        else expect([...fine.counts(bin), fine.get(bin)]).toEqual(expected);
      }
    }),
  );
});

test('fine and coarse bins of one series lie in the same cells, and do not touch each other', () => {
  const { fine, coarse } = makeRings(new SlabPool(), 3, 2, 'histogram', 3);
  for (let bin = 0; bin < 7; bin += 1) {
    fine.put(bin, [bin, 300, 1], true);
    coarse.put(Math.floor(bin / 3), [bin, 300, 1], true);
  }
  expect([4, 5, 6].map((bin) => [...fine.counts(bin), fine.get(bin)])).toEqual([
    [4, 300, 1],
    [5, 300, 1],
    [6, 300, 1],
  ]);
  expect([1, 2].map((bin) => [...coarse.counts(bin), coarse.get(bin)])).toEqual([
    [12, 900, 3],
    [6, 300, 1],
  ]);
});

test('a bucket takes as many bits as its counts need, and a few more; one that never counted anything takes none', () => {
  const buckets = new Buckets(new SlabPool(), 100, 20);
  const row = (counts: Record<number, number>) => Array.from({ length: 20 }, (_, bucket) => counts[bucket] ?? 0);
  const bytesOf = (bitsPerBin: number) => 20 + Math.ceil((100 * bitsPerBin) / 8);
  buckets.write(0, row({}));
  expect(buckets.sizeBytes).toBe(0);
  buckets.write(0, row({ 4: 7, 6: 1 }));
  expect(buckets.sizeBytes).toBe(bytesOf(6 + 4));
  buckets.write(1, row({ 4: 63, 6: 15 }));
  expect(buckets.sizeBytes).toBe(bytesOf(6 + 4));
  buckets.write(2, row({ 4: 64 }));
  expect(buckets.sizeBytes).toBe(bytesOf(8 + 4));
  const rows = [row({ 4: 7, 6: 1 }), row({ 4: 63, 6: 15 }), row({ 4: 64 })];
  expect([0, 1, 2].map((slot) => buckets.read(slot))).toEqual(rows);
  buckets.write(99, row({ 19: 2 ** 29 }));
  buckets.write(3, row({ 0: 2 ** 31 }));
  expect(buckets.sizeBytes).toBe(4 * 20 * 100);
  expect([2, 3, 99].map((slot) => buckets.read(slot))).toEqual([rows[2], row({ 0: 2 ** 31 }), row({ 19: 2 ** 29 })]);
});
