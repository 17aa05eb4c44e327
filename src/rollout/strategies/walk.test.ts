import { expect, it } from 'vitest';
import type { PhaseSpec } from '../../model/index.ts';
import { recreate } from './recreate.ts';
import { walkPhase } from './walk.ts';

const spec: PhaseSpec = {
  ...{ name: 'all', select: { percent: 100 }, concurrency: { count: 1 }, minBakeMs: 0, maxBakeMs: 0 },
  onFail: 'revert',
  onUndecided: null,
};
const phaseOf = (size: number, atOnce: number) => {
  const places = Array.from({ length: size }, (_, index) => ({ index, host: `host-${index % 50}`, labels: {} }));
  return { spec, members: places.map(({ index }) => index), adds: size, places, atOnce };
};

it('a large job is walked with what stops first, one lot after the other', () => {
  const walk = walkPhase({ strategy: recreate, settings: {} }, phaseOf(1000, 100));
  expect(walk).toEqual({ atOnce: 1000, batches: 10, mostOut: 1000, stopsAll: true });
});

it('a walk that would take seconds is given up: whoever asks for a plan keeps nobody waiting', () => {
  let asked = 0;
  const slow = {
    name: 'one-by-one',
    next(
      _: unknown,
      { members }: { readonly members: readonly { readonly index: number; readonly isThere: boolean }[] },
    ) {
      asked += 1;
      const first = members.find(({ isThere }) => !isThere);
      return { next: first === undefined ? [] : [first.index] };
    },
  };
  expect(walkPhase({ strategy: slow, settings: {} }, phaseOf(50_000, 1))).toBeUndefined();
  expect(asked).toBe(40);
});
