import fc from 'fast-check';
import { expect, test } from 'vitest';
import { makeRings } from './sample-rings.ts';
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
