import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import * as stats from './index.ts';

type Table = [...number[], number][];
const oracle = JSON.parse(readFileSync(new URL('./oracle.json', import.meta.url), 'utf8')) as Record<string, Table> & {
  rankTest: { x: number[]; y: number[]; u: number; pGreater: number; pLess: number; medianDifference: number }[];
};
const functions = stats as unknown as Record<string, (...numbers: number[]) => number>;

function expectClose(actual: number, expected: number, digits = 1e-9): void {
  expect(
    Math.abs(actual - expected) <= digits * Math.max(Math.abs(expected), expected === 0 ? 1e-5 : 1e-290),
    `${actual} is not ${expected}`,
  ).toBe(true);
}

describe('numbers agree with SciPy', () => {
  const names = Object.keys(oracle).filter((name) => name !== 'rankTest' && name !== 'binomialInterval');
  test.each(names)('%s', (name) => {
    for (const row of oracle[name]!) expectClose(functions[name]!(...row.slice(0, -1)), row.at(-1)!);
  });
  test('binomialInterval', () => {
    for (const [k, n, low, high] of oracle.binomialInterval as [number, number, number, number][]) {
      const interval = stats.binomialInterval(k, n);
      expectClose(interval[0], low);
      expectClose(interval[1], high);
    }
  });
  test('Mann–Whitney with ties, and the shift near the median of all differences', () => {
    for (const { x, y, u, pGreater, pLess, medianDifference } of oracle.rankTest) {
      const found = stats.rankTest(x, y);
      expect(found.u).toBe(u);
      expectClose(found.pGreater, pGreater);
      expectClose(found.pLess, pLess);
      expect(Math.abs(found.shift - medianDifference)).toBeLessThan(0.12);
      expect(found.interval[0]).toBeLessThanOrEqual(found.shift);
      expect(found.interval[1]).toBeGreaterThanOrEqual(found.shift);
    }
  });
});

describe('closed forms', () => {
  test('Cauchy is t with one degree of freedom; the exponential is gamma with shape one', () => {
    for (const t of [0.1, 1, 3, 40]) expectClose(stats.studentAbove(t, 1), 0.5 - Math.atan(t) / Math.PI, 1e-12);
    for (const x of [0.1, 1, 30]) expectClose(stats.upperGamma(1, x), Math.exp(-x), 1e-12);
  });
  test('quantiles invert', () => {
    fc.assert(
      fc.property(
        fc.double({ min: 1e-12, max: 1 - 1e-9, noNaN: true }),
        fc.double({ min: 1, max: 500, noNaN: true }),
        (p, df) => {
          expectClose(stats.normalBelow(stats.normalQuantile(p)), p, 1e-8);
          expectClose(stats.studentAbove(stats.studentUpper(p, df), df), p, 1e-7);
        },
      ),
    );
  });
});

describe('against counting', () => {
  /** All ways to choose which of the values are x. */
  function* choices(n: number, k: number, from = 0): Generator<number[]> {
    if (k === 0) yield [];
    else for (let i = from; i <= n - k; i += 1) for (const rest of choices(n, k - 1, i + 1)) yield [i, ...rest];
  }
  test('the approximate p of the rank test is near that of all permutations', () => {
    const x = [1.1, 2.7, 3.9, 5.2, 4.4];
    const y = [0.3, 1.9, 2.2, 3.1, 0.7, 2.9];
    const all = [...x, ...y];
    const u = stats.rankTest(x, y).u;
    let asLarge = 0;
    let count = 0;
    for (const chosen of choices(all.length, x.length)) {
      const others = all.filter((_, i) => !chosen.includes(i));
      count += 1;
      if (
        stats.rankTest(
          chosen.map((i) => all[i]!),
          others,
        ).u >= u
      )
        asLarge += 1;
    }
    expect(Math.abs(stats.rankTest(x, y).pGreater - asLarge / count)).toBeLessThan(0.01);
  });
  test('the shift and its interval are those of all differences, sorted', () => {
    const number = fc.oneof(fc.double({ min: -1e3, max: 1e3, noNaN: true }), fc.integer({ min: 0, max: 5 }));
    const group = fc.array(number, { minLength: 1, maxLength: 90 });
    fc.assert(
      fc.property(group, group, (x, y) => {
        const all = Float64Array.from(x.flatMap((a) => y.map((b) => a - b)))
          .sort()
          .reverse();
        const found = stats.rankTest(x, y, 0.98);
        const middle = all.length / 2;
        const half = Number.isInteger(middle) ? (all[middle - 1]! + all[middle]!) / 2 : all[Math.floor(middle)]!;
        expect(found.shift + 0).toBe(half + 0);
        const total = x.length + y.length;
        const ties = [x, y].map((values) =>
          [...new Set(values.map((value) => value + 0))].reduce((sum, value) => {
            const n = values.filter((other) => other === value).length;
            return sum + n * (n * n - 1);
          }, 0),
        );
        const sigma = Math.sqrt((all.length / 12) * (total + 1 - (ties[0]! + ties[1]!) / (total * (total - 1))));
        // In from either end by as many differences as the normal approximation says, the correction included.
        const out = middle - stats.normalQuantile(0.99) * sigma - 0.5;
        const place = Math.max(1, Math.floor(out) + 1);
        if (Math.abs(out - Math.round(out)) < 1e-6) return;
        expect(found.interval[0] + 0).toBe(all[all.length - place]! + 0);
        expect(found.interval[1] + 0).toBe(all[place - 1]! + 0);
      }),
      { numRuns: 300 },
    );
  });
  test('a million pairs with few different differences', () => {
    const lattice = (g: number) => Array.from({ length: 1000 }, (_, i) => ((i * 7919 + g * 17) % 101) / 101);
    const all = Float64Array.from(lattice(0).flatMap((a) => lattice(1).map((b) => a - b))).sort();
    expect(stats.rankTest(lattice(0), lattice(1)).shift).toBe((all[499_999]! + all[500_000]!) / 2);
  });
  test('medians and quantiles', () => {
    expect(stats.median([3, 1, 2])).toBe(2);
    expect(stats.median([4, 1, 2, 3])).toBe(2.5);
    expect(stats.quantile([0, 10], 0.25)).toBe(2.5);
    expect(stats.robustDeviation([1, 2, 3, 4, 1000])).toBeCloseTo(1.4826, 3);
    expect(stats.variance([1, 2, 3, 4])).toBeCloseTo(5 / 3, 12);
  });
});
