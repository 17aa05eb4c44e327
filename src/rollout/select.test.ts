import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { phaseCountOf, type Selector } from '../model/index.ts';
import { domainsOf, inSpread, selectMembers, type TaskPlace } from './select.ts';

/** 12 tasks on six hosts in three racks of two regions. */
const places: TaskPlace[] = Array.from({ length: 12 }, (_, index) => ({
  index,
  host: `host-${index % 6}`,
  labels: { region: index % 2 === 0 ? 'north' : 'south', rack: `rack-${index % 3}`, disk: index < 4 ? 'ssd' : 'hdd' },
}));

describe('selectors', () => {
  it.each([
    ['count', { count: 3 }, [], 3],
    ['percent rounds up', { percent: 10 }, [], 2],
    ['percent counts who was there before', { percent: 25 }, [5], 3],
    ['count larger than the job', { count: 40 }, [], 12],
    ['region', { region: 'north' }, [], 6],
    ['rack', { rack: 'rack-1' }, [], 4],
    ['label', { label: { key: 'disk', value: 'ssd' } }, [], 4],
    ['named tasks, also such as there are none', { tasks: [1, 3, 99] }, [], 2],
    ['union', { union: [{ rack: 'rack-0' }, { tasks: [1] }] }, [], 5],
    ['difference', { difference: [{ percent: 100 }, { region: 'north' }] }, [], 6],
    ['a phase that selects fewer keeps all before', { count: 1 }, [7, 8], 2],
  ] as const)('D1 %s', (_, selector, before, expected) => {
    expect(selectMembers(selector as Selector, places, before)).toHaveLength(expected);
  });

  it('D1 membership is nested: later phases keep all members of earlier ones, first', () => {
    const atom = fc.oneof(
      fc.record({ count: fc.integer({ min: 1, max: 14 }) }),
      fc.record({ percent: fc.integer({ min: 1, max: 100 }) }),
      fc.record({ rack: fc.constantFrom('rack-0', 'rack-1', 'rack-9') }),
      fc.record({ tasks: fc.array(fc.nat({ max: 14 }), { minLength: 1, maxLength: 4 }) }),
    );
    const selector: fc.Arbitrary<Selector> = fc.oneof(
      atom,
      fc.record({ union: fc.array(atom, { minLength: 2, maxLength: 3 }) }),
      fc.record({ difference: fc.tuple(atom, atom) }),
    );
    fc.assert(
      fc.property(fc.array(selector, { minLength: 1, maxLength: 4 }), (selectors) => {
        let before: readonly number[] = [];
        for (const one of selectors) {
          const members = selectMembers(one, places, before);
          expect(members.slice(0, before.length)).toEqual(before);
          expect(new Set(members).size).toBe(members.length);
          if ('percent' in one) expect(members.length).toBe(Math.max(before.length, phaseCountOf(one, 12)));
          before = members;
        }
      }),
    );
  });
});

describe('spread', () => {
  it('alternates between racks', () => {
    const two = [0, 1, 2, 3, 4].map((index) => ({ index, host: undefined, labels: { rack: index < 3 ? 'a' : 'b' } }));
    expect(inSpread(two)).toEqual([0, 3, 1, 4, 2]);
  });

  it('every beginning is as even over regions as the tasks allow', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 20 }), (regions) => {
        const list = regions.map((region, index) => ({ index, host: undefined, labels: { region } }));
        const order = inSpread(list);
        expect([...order].sort((a, b) => a - b)).toEqual(list.map((place) => place.index));
        const left = new Map<string, number>();
        for (const region of regions) left.set(region, (left.get(region) ?? 0) + 1);
        const taken = new Map<string, number>();
        for (const index of order) {
          const region = regions[index]!;
          for (const [other, count] of left) {
            if (count > (taken.get(other) ?? 0))
              expect(taken.get(region) ?? 0).toBeLessThanOrEqual(taken.get(other) ?? 0);
          }
          taken.set(region, (taken.get(region) ?? 0) + 1);
        }
      }),
    );
  });

  it('is the order of looking at every host each time, which takes too long for thousands of hosts', () => {
    const place = fc.record({
      host: fc.constantFrom('h1', 'h2', 'h3', undefined),
      labels: fc.record({ region: fc.constantFrom('a', 'b'), rack: fc.constantFrom('r1', 'r2', '') }),
      isTaken: fc.boolean(),
    });
    fc.assert(
      fc.property(fc.array(place, { maxLength: 25 }), (wishes) => {
        const list = wishes.map(({ host, labels }, index) => ({ index, host, labels }));
        const taken = wishes.flatMap(({ isTaken }, index) => (isTaken ? [index] : []));
        expect(inSpread(list, taken)).toEqual(byLookingAtAll(list, taken));
      }),
    );
  });
});

function byLookingAtAll(list: readonly TaskPlace[], taken: readonly number[]): number[] {
  const counts = new Map<string, number>();
  const take = (place: TaskPlace) => {
    for (const key of domainsOf(place)) counts.set(key, (counts.get(key) ?? 0) + 1);
  };
  for (const place of list) if (taken.includes(place.index)) take(place);
  const waiting = list.filter((place) => !taken.includes(place.index));
  const order: number[] = [];
  while (waiting.length > 0) {
    const rank = (place: TaskPlace) => [...domainsOf(place).map((key) => counts.get(key) ?? 0), place.index];
    waiting.sort(
      (a, b) =>
        rank(a)
          .map((value, at) => value - rank(b)[at]!)
          .find((value) => value !== 0) ?? 0,
    );
    const next = waiting.shift()!;
    take(next);
    order.push(next.index);
  }
  return order;
}
