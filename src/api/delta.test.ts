import fc from 'fast-check';
import { expect, test } from 'vitest';
import { applyDelta, deltaBetween } from './delta.ts';

const dot = fc.record({
  index: fc.nat(20),
  dot: fc.constantFrom('old', 'new'),
  ports: fc.dictionary(fc.constantFrom('http'), fc.nat(9)),
});
const state = fc.record({
  headline: fc.string(),
  verdict: fc.option(fc.record({ verdict: fc.constantFrom('pass', 'fail') })),
  tasks: fc.uniqueArray(dot, { selector: (entry) => entry.index, maxLength: 12 }),
  commands: fc.array(fc.constantFrom('pause', 'resume'), { maxLength: 3 }),
});

test('applying the delta between two states gives the second', () => {
  fc.assert(
    fc.property(state, state, (before, after) => {
      const delta = deltaBetween(before, after);
      expect(delta === undefined ? before : applyDelta(before, JSON.parse(JSON.stringify(delta)))).toEqual(after);
    }),
  );
});

test('applying a delta twice is applying it once', () => {
  fc.assert(
    fc.property(state, state, (before, after) => {
      const delta = deltaBetween(before, after);
      if (delta) expect(applyDelta(applyDelta(before, delta), delta)).toEqual(after);
    }),
  );
});

test('one dot of 2,000 that changes is one entry on the wire, and the others keep their identity', () => {
  const tasks = Array.from({ length: 2000 }, (_, index) => ({ index, dot: 'old' }));
  const after = { tasks: tasks.map((task) => (task.index === 7 ? { index: 7, dot: 'new' } : { ...task })) };
  const delta = deltaBetween({ tasks }, after);
  expect(delta).toEqual({ lists: { tasks: { put: [{ index: 7, dot: 'new' }] } } });
  expect(applyDelta({ tasks }, delta!).tasks[8]).toBe(tasks[8]);
});

test('nothing changed: no delta', () => {
  fc.assert(fc.property(state, (same) => deltaBetween(same, structuredClone(same)) === undefined));
});
