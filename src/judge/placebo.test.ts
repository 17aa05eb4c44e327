import { describe, expect, it } from 'vitest';
import { compileSpec } from '../spec/index.ts';
import { combineCurves } from './age-curve.ts';
import { placeboCurves, watchCaches } from './testing/cache-world.ts';

const compiled = compileSpec({ name: 'shop', command: 'node server.js', metrics: '/metrics' }, 'rollway.yaml');
if (!compiled.ok) throw new Error('the smallest configuration is refused');
const spec = { ...compiled.value.spec.judge, binMs: 5000 };

describe('restarted tasks of the old version', () => {
  it('are told from those left alone by their life, and show what a cold cache does', () => {
    const cold = placeboCurves({ cold: 0.4, halves: 15, lostMisses: 0.2 }, spec, 3);
    const errors = Object.entries(cold).find(([name]) => name.includes('error'))![1];
    expect(errors.isPlacebo).toBe(true);
    // 8 % at first where 0.1 % is usual; as good as nothing at the end.
    expect(errors.mean[7]!).toBeGreaterThan(2);
    expect(errors.mean[20]!).toBeLessThan(errors.mean[7]! - 0.5);
    const warm = placeboCurves({}, spec, 3);
    const still = Object.entries(warm).find(([name]) => name.includes('error'))![1];
    expect(Math.abs(still.mean[15]!)).toBeLessThan(1);
  });

  it('one of two is enough to know something', () => {
    const curves = placeboCurves({ tasks: 2 }, spec, 1);
    expect(Object.keys(curves).length).toBeGreaterThan(1);
    const known = Object.values(curves).map(({ noise }) => noise[0]!.flatMap((one) => one ?? []));
    expect(known.every((one) => one.length > 5 && one.every(Number.isFinite))).toBe(true);
  });

  it('a single one stands for history only where it saw enough', () => {
    const [first] = Object.values(placeboCurves({ errors: 0.02 }, spec, 3));
    const of = (seen: number, noise: number) => ({
      ...first!,
      mean: first!.mean.map((one) => one && seen),
      windows: first!.windows.map((ages) => ages.map((one) => one && seen)),
      noise: first!.noise.map((ages) => ages.map((one) => one && noise)),
    });
    const { isPlacebo: _, ...learnt } = of(1, 0.01);
    expect(combineCurves([learnt], 0.2)).toBeUndefined();
    // Too little was seen to tell.
    expect(combineCurves([of(1, 0.5)], 0.2)).toBeUndefined();
    // Nothing is there, and would have been seen.
    const still = combineCurves([of(0.2, 0.01)], 0.2)!;
    expect([still.mean[10], still.variance[0]![10]]).toEqual([0, expect.closeTo(0.04, 9)]);
    // It is clearly there; by how much restarts differ is still guessed.
    const much = combineCurves([of(1, 0.01)], 0.2)!;
    expect(much.mean[10]).toBeCloseTo(0.99, 9);
    expect(much.variance[0]![10]).toBeCloseTo(0.05, 9);
  });

  it('what they showed is not held against the new version, and what is worse than that still is', () => {
    const world = { cold: 0.4, halves: 60, lostMisses: 0.1 } as const;
    const past = [placeboCurves({ ...world, seed: 77 }, spec, 3)];
    for (const seed of [1, 2, 3, 4, 5]) {
      expect(watchCaches({ ...world, seed }, spec, 120, past).verdict.verdict).not.toBe('fail');
    }
    const bad = watchCaches({ seed: 1, newErrors: 0.08 }, spec, 120, [placeboCurves({ seed: 78 }, spec, 3)]);
    expect(bad.verdict.verdict).toBe('fail');
  });
});
