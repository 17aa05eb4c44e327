import { describe, expect, it } from 'vitest';
import type { TaskIndex } from '../../model/index.ts';
import type { ChosenStrategy } from './book.ts';
import { checkedDown, checkedOrder, checkedStep } from './checked.ts';
import type { Strategy, StrategyFacts, StrategyMember } from './port.ts';

const places = [0, 1, 2].map((index) => ({ index, host: `host-${index}`, labels: {} }));
const members = places.map((place): StrategyMember => {
  return { ...place, isThere: false, runs: 'other', isUnderWay: false };
});
const facts: StrategyFacts = { phase: 'all', isGoingBack: false, members, concurrency: 1, nowMs: 0 };
const chosen = (strategy: Omit<Strategy, 'name'>): ChosenStrategy => ({
  strategy: { name: 'odd', ...strategy },
  settings: {},
});

describe('what a strategy says', () => {
  it('I3 counts as it was checked: lists that it changes afterwards change nothing', () => {
    const order: TaskIndex[] = [2, 1, 0];
    const next: TaskIndex[] = [0];
    const down: TaskIndex[] = [1];
    const odd = chosen({ order: () => order, next: () => ({ next }), down: () => down });
    const said = [checkedOrder(odd, places), checkedStep(odd, facts), checkedDown(odd, facts)];
    for (const list of [order, next, down]) list.push(99);
    expect(said).toMatchObject([
      { ok: true, value: [2, 1, 0] },
      { ok: true, value: { next: [0] } },
      { ok: true, value: [1] },
    ]);
  });

  it.each([
    ['an error that cannot be read', () => Object.defineProperty(new Error('x'), 'message', { get: fails })],
    ['an object that cannot be named', () => Object.defineProperty({}, Symbol.toStringTag, { get: fails })],
  ])('is refused in words when it throws %s', (_, make) => {
    const odd = chosen({
      next() {
        throw make();
      },
    });
    expect(checkedStep(odd, facts)).toMatchObject({ ok: false, error: expect.stringContaining('odd is not followed') });
  });
});

function fails(): never {
  throw new Error('not even this');
}
