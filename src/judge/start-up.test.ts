import { describe, expect, test } from 'vitest';
import { compileSpec } from '../spec/index.ts';
import { courseOf, mayBeFilling } from './start-up.ts';
import { type CacheWorld, watchCaches } from './testing/cache-world.ts';

const compiled = compileSpec({ name: 'shop', command: 'node server.js', metrics: '/metrics' }, 'rollway.yaml');
if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
const spec = { ...compiled.value.spec.judge, binMs: 5000 };
const watch = (world: CacheWorld) => watchCaches(world, spec);

describe('H6 a start that no history tells of', () => {
  test('caches that miss 10 % at first and half as much each minute stop no rollout, and the verdict says why', () => {
    const filling = [1, 3].map((seed) => watch({ seed, cold: 0.1, halves: 60 }));
    expect(filling.map(({ verdict }) => verdict.verdict)).toEqual(['undecided', 'undecided']);
    const sentences = filling.flatMap(({ verdict }) => verdict.perCheck.map(({ sentence }) => sentence));
    expect(sentences.some((one) => /It may be how they start.* until three rollouts/.test(one))).toBe(true);
  }, 40_000);

  test.each<[string, CacheWorld, number]>([
    ['8 % of errors, which no start excuses', { newErrors: 0.08 }, 60],
    ['2 % of errors', { newErrors: 0.02 }, 120],
    ['twice as slow', { slower: 2 }, 120],
    ['a cache that never fills', { cold: 0.2, halves: Number.POSITIVE_INFINITY }, 120],
  ])(
    '%s: found',
    (_, world, latest) => {
      const found = watch({ seed: 2, ...world });
      expect(found.verdict.verdict).toBe('fail');
      expect(found.seconds).toBeLessThanOrEqual(latest);
    },
    20_000,
  );

  const cells = (events: readonly number[]) => events.map((n) => ({ events: n, expected: 1, exposure: 100 }));
  test.each<[string, readonly number[], boolean, boolean]>([
    ['falls', [20, 18, 16, 15, 13, 12, 11, 10, 9, 8, 7, 6], false, true],
    ['stays', [10, 12, 9, 11, 10, 9, 12, 10, 11, 9, 10, 11], false, false],
    ['is too young, and a later look comes', [10, 12, 9, 11], true, true],
    ['is too young, and no later look comes', [10, 12, 9, 11], false, false],
    ['is young and rises', [0, 1, 9, 20, 22, 24], true, false],
  ])('what %s', (_, events, canWait, wanted) => {
    const course = courseOf([cells(events)]);
    expect(mayBeFilling(course, { binMs: 10_000, overdispersion: 1, canWait })).toBe(wanted);
  });
});
