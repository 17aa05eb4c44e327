import { expect, test } from 'vitest';
import { firstExtra } from '../../disruption/index.ts';
import type { Phase, PlanSpec } from '../../model/index.ts';
import { unservedOf } from './switched.ts';

const blueGreen = { strategy: { blueGreen: { checkMs: 1000, keepOldMs: 5000 } } } as unknown as PlanSpec;
const second = [firstExtra, firstExtra + 1];
const phase = (members: readonly number[], updatedAtMs: number | undefined) => ({ members, updatedAtMs }) as Phase;
const tasks = [0, 1, ...second].map((index) => ({ index }));

test('from the switch on the first set belongs to nobody, and the second one does until it is warm under traffic', () => {
  const found = unservedOf(blueGreen, phase(second, 60_000), tasks, 2000)!;
  expect(found.map(({ fromMs, toMs, indices }) => ({ fromMs, toMs, indices }))).toEqual([
    { fromMs: 60_000, toMs: undefined, indices: [0, 1] },
    { fromMs: 0, toMs: 62_000, indices: second },
  ]);
});

test('before the switch, in the phase of the own tasks, and of other strategies nobody is left out', () => {
  expect(unservedOf(blueGreen, phase(second, undefined), tasks, 0)).toBeUndefined();
  expect(unservedOf(blueGreen, phase([0, 1], 60_000), tasks, 0)).toBeUndefined();
  const inPlace = { strategy: 'in-place' } as PlanSpec;
  expect(unservedOf(inPlace, phase([0, 1], 60_000), tasks, 0)).toBeUndefined();
});
