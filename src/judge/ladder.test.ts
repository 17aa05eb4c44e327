import fc from 'fast-check';
import { expect, test } from 'vitest';
import { ladderOf, ontoLadder } from './index.ts';

test('the ladder of seconds goes from 1 ms to 64 s', () => {
  const { bounds } = ladderOf('http_server_request_duration_seconds');
  expect([bounds[0], bounds[20], bounds.at(-2), bounds.at(-1)]).toEqual([2 ** -10, 1, 64, Number.POSITIVE_INFINITY]);
  expect(bounds[1]! / bounds[0]!).toBeCloseTo(Math.SQRT2, 12);
});

test('nothing is lost, and nothing comes to lie below where it was', () => {
  const histogram = fc.record({
    scale: fc.integer({ min: -4, max: 12 }),
    zeroCount: fc.nat({ max: 9 }),
    negativeCount: fc.nat({ max: 9 }),
    offset: fc.integer({ min: -200, max: 200 }),
    counts: fc.array(fc.nat({ max: 50 }), { maxLength: 60 }),
  });
  fc.assert(
    fc.property(histogram, fc.constantFrom('a_seconds', 'a_milliseconds', 'a_bytes'), (given, metric) => {
      const ladder = ladderOf(metric);
      const laid = ontoLadder(given, ladder);
      const all = given.counts.reduce((sum, n) => sum + n, 0) + given.zeroCount + given.negativeCount;
      expect(laid.reduce((sum, n) => sum + n, 0)).toBe(all);
      // Of each value: how many lie above it, before and after.
      for (const [at, bound] of ladder.bounds.slice(0, -1).entries()) {
        const after = laid.slice(at + 1).reduce((sum, n) => sum + n, 0);
        const above = given.counts.reduce((sum, n, i) => {
          const lower = 2 ** ((given.offset + i) / 2 ** given.scale);
          return sum + (lower >= bound * (1 - 1e-12) ? n : 0);
        }, 0);
        expect(after).toBeGreaterThanOrEqual(above);
      }
    }),
  );
});

test('at a scale as fine as the ladder each bucket keeps its exact end', () => {
  const ladder = ladderOf('a_seconds');
  // Scale 3: eight buckets per doubling; those that end at 0.5, 0.5·2^(1/8) … 1 all lie above 0.5.
  const laid = ontoLadder({ scale: 3, zeroCount: 0, negativeCount: 0, offset: -8, counts: Array(8).fill(1) }, ladder);
  const at = (bound: number) => laid[ladder.bounds.indexOf(bound)];
  expect([at(0.5), laid[ladder.bounds.indexOf(0.5) + 1], at(1)]).toEqual([0, 4, 4]);
});
