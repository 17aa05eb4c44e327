import { expect, test } from 'vitest';
import type { RolloutId } from '../model/index.ts';
import { momentInBin } from './moment-in-bin.ts';

test('a thousand rollouts are looked at spread over the middle half of a bin, each always at its own moment', () => {
  const moments = Array.from({ length: 1000 }, (_, n) => momentInBin(`ro_${n}` as RolloutId, 10_000));
  expect(Math.min(...moments)).toBeGreaterThanOrEqual(2500);
  expect(Math.max(...moments)).toBeLessThan(7500);
  const inTenth = Map.groupBy(moments, (moment) => Math.floor((moment - 2500) / 500));
  for (let tenth = 0; tenth < 10; tenth++) expect(inTenth.get(tenth)!.length).toBeGreaterThan(60);
  expect(momentInBin('ro_7' as RolloutId, 10_000)).toBe(moments[7]);
});
