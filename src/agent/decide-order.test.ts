import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { ExecuteOrder } from '../api/index.ts';
import { decideBegin, type HeldTask, whyTooOld } from './decide-order.ts';
import type { IndexMemory } from './memory.ts';

const memory = (highestIncarnation: number, highestEpoch = 0): IndexMemory => ({
  job: 'web@test',
  index: 0,
  highestIncarnation,
  highestEpoch,
  ports: {},
});
const order = (change: Partial<ExecuteOrder> & { starts?: boolean }): ExecuteOrder => {
  const { starts = true, ...rest } = change;
  return {
    ...{ type: 'execute', id: 'op_1', job: 'web@test', index: 0, kind: 'update', env: {}, epoch: 1, stillOut: null },
    ...{ incarnation: 0, nextIncarnation: 1 },
    version: starts ? ({ id: 'v_1' } as ExecuteOrder['version']) : null,
    ...rest,
  };
};
const serving = (incarnation: number): HeldTask => ({ incarnation, state: 'serving', isWanted: true });
const failed = (incarnation: number): HeldTask => ({ incarnation, state: 'failed', isWanted: true });
const stopped = (incarnation: number): HeldTask => ({ incarnation, state: 'stopped', isWanted: false });

describe('what an order does when its turn comes', () => {
  test.each([
    ['a first start', order({}), memory(0), [], { do: 'replace', ends: [] }],
    [
      'an update of what is there',
      order({ incarnation: 1, nextIncarnation: 2 }),
      memory(1),
      [serving(1)],
      { do: 'replace', ends: [1] },
    ],
    [
      'a start where the one before was stopped',
      order({ incarnation: 1, nextIncarnation: 2 }),
      memory(1),
      [stopped(1)],
      { do: 'replace', ends: [] },
    ],
    [
      'a move to a host that never had it',
      order({ incarnation: 4, nextIncarnation: 5 }),
      memory(0),
      [],
      { do: 'replace', ends: [] },
    ],
    [
      'a start over a leftover of long ago',
      order({ incarnation: 4, nextIncarnation: 5 }),
      memory(2),
      [serving(2)],
      { do: 'replace', ends: [2] },
    ],
    [
      'a stop',
      order({ starts: false, incarnation: 1, nextIncarnation: 1 }),
      memory(1),
      [serving(1)],
      { do: 'end', ends: [1] },
    ],
    [
      'a stop of what is gone',
      order({ starts: false, incarnation: 1, nextIncarnation: 1 }),
      memory(1),
      [stopped(1)],
      { do: 'end', ends: [] },
    ],
    [
      'still out, and it is',
      order({ incarnation: 1, nextIncarnation: 2, stillOut: 1 }),
      memory(1),
      [failed(1)],
      { do: 'replace', ends: [1] },
    ],
    [
      'still out, but it recovered',
      order({ incarnation: 1, nextIncarnation: 2, stillOut: 1 }),
      memory(1),
      [serving(1)],
      { do: 'nothing', outcome: 'cancelled', reason: 'recovered' },
    ],
  ] as const)('%s', (_, given, known, held, expected) => {
    expect(decideBegin(given, known, held)).toEqual(expected);
  });

  test.each([
    [
      'TWG-1 stop(4) must not stop 5',
      order({ starts: false, incarnation: 4, nextIncarnation: 4 }),
      memory(5),
      [serving(5)],
    ],
    ['an incarnation is never used twice', order({ incarnation: 0, nextIncarnation: 3 }), memory(3), [stopped(3)]],
    ['none expected, one is here', order({ incarnation: 0, nextIncarnation: 9 }), memory(3), [serving(3)]],
    ['decided for an older one than was here', order({ incarnation: 2, nextIncarnation: 4 }), memory(3), [stopped(3)]],
  ] as const)('refused: %s', (_, given, known, held) => {
    expect(decideBegin(given, known, held)).toMatchObject({ do: 'nothing', outcome: 'refused' });
  });

  test('nothing newer than what an order was decided for is ever ended, and nothing living is left beside a start', () => {
    const held = fc.uniqueArray(
      fc.record({
        incarnation: fc.integer({ min: 1, max: 6 }),
        state: fc.constantFrom('serving' as const, 'failed' as const, 'stopped' as const),
        isWanted: fc.boolean(),
      }),
      { selector: ({ incarnation }) => incarnation, maxLength: 4 },
    );
    fc.assert(
      fc.property(held, fc.nat(6), fc.integer({ min: 1, max: 7 }), fc.boolean(), (tasks, incarnation, step, starts) => {
        const highest = Math.max(0, ...tasks.map((task) => task.incarnation));
        const nextIncarnation = starts ? incarnation + step : incarnation;
        const begin = decideBegin(order({ starts, incarnation, nextIncarnation }), memory(highest), tasks);
        if (begin.do === 'nothing') return;
        const wanted = tasks.filter(({ isWanted }) => isWanted).map((task) => task.incarnation);
        expect(begin.ends.every((one) => one <= incarnation)).toBe(true);
        if (begin.do === 'replace') expect([...begin.ends].sort()).toEqual(wanted.sort());
        if (begin.do === 'replace') expect(nextIncarnation).toBeGreaterThan(highest);
      }),
    );
  });
});

test('an epoch older than the newest seen is too old, the same is not', () => {
  expect(whyTooOld(order({ epoch: 4 }), memory(1, 5))).toContain('epoch 4');
  expect(whyTooOld(order({ epoch: 5 }), memory(1, 5))).toBeUndefined();
});
