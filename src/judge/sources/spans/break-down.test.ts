import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { breakDown, type TimedSpan } from './break-down.ts';

const span = (id: string, parentId: string, startUs: number, endUs: number, component = id): TimedSpan => {
  return { id, parentId, isEntry: parentId === '', startUs, endUs, component };
};
const broken = (spans: readonly TimedSpan[], isOnly = true) => {
  const { components, selfUs } = breakDown(spans[0]!, new Map(spans.map((one) => [one.id, one])), isOnly);
  return { self: selfUs, ...Object.fromEntries(components) };
};

describe('ML-13 where the time of a request goes', () => {
  test.for([
    ['nothing below', [span('r', '', 0, 10)], { self: 10 }],
    [
      'two calls that overlap',
      [span('r', '', 0, 10), span('db', 'r', 2, 6), span('http', 'r', 5, 9)],
      { self: 3, db: 4, http: 4 },
    ],
    [
      'a call within a call',
      [span('r', '', 0, 10), span('f', 'r', 1, 9), span('db', 'f', 3, 6)],
      { self: 2, f: 5, db: 3 },
    ],
    [
      'calls of one component at once count once',
      [span('r', '', 0, 10), span('a', 'r', 1, 5, 'db'), span('b', 'r', 3, 8, 'db')],
      { self: 3, db: 7 },
    ],
    ['what outlives the request', [span('r', '', 0, 10), span('mail', 'r', 8, 90)], { self: 8, mail: 2 }],
    [
      'what lies before it, by a clock that is off',
      [span('r', '', 100, 110), span('db', 'r', 0, 50)],
      { self: 10, db: 0 },
    ],
    [
      'what outlives its parent is not the request itself',
      [span('r', '', 0, 10), span('f', 'r', 0, 2), span('db', 'f', 1, 6)],
      { self: 4, f: 1, db: 5 },
    ],
    ['a stray, its parent lost', [span('r', '', 0, 10), span('db', 'lost', 3, 6)], { self: 7, db: 3 }],
    ['a stray of another time', [span('r', '', 0, 10), span('db', 'lost', 30, 60)], { self: 10 }],
    ['a circle beside it', [span('r', '', 0, 10), span('a', 'b', 1, 2), span('b', 'a', 1, 2)], { self: 10 }],
    ['its own parent', [span('r', '', 0, 10), span('a', 'a', 1, 2)], { self: 10 }],
  ] as const)('%s', ([, spans, expected]) => {
    expect(broken(spans)).toEqual(expected);
  });

  test('with two requests of one trace a stray is nobody’s', () => {
    expect(broken([span('r', '', 0, 10), span('db', 'lost', 3, 6)], false)).toEqual({ self: 10 });
  });

  test('whatever the spans are, each microsecond is counted as somebody with eyes would', () => {
    const made = fc
      .array(
        fc.record({
          parent: fc.nat({ max: 11 }),
          start: fc.nat({ max: 24 }),
          length: fc.nat({ max: 24 }),
          component: fc.constantFrom('a', 'b', 'c'),
        }),
        { maxLength: 10 },
      )
      .map((list) => [
        span('0', '', 4, 20),
        ...list.map(({ parent, start, length, component }, at) =>
          span(String(at + 1), String(parent), start, start + length, component),
        ),
      ]);
    fc.assert(
      fc.property(made, (spans) => {
        const { selfUs, components } = breakDown(spans[0]!, new Map(spans.map((one) => [one.id, one])), false);
        const seen = byEye(spans);
        expect(selfUs).toBe(seen.get('self') ?? 0);
        for (const name of ['a', 'b', 'c']) expect(components.get(name) ?? 0, name).toBe(seen.get(name) ?? 0);
      }),
    );
  });
});

/** Microsecond by microsecond: who is open, and has nobody open below it. */
function byEye(spans: readonly TimedSpan[]): Map<string, number> {
  const byId = new Map(spans.map((one) => [one.id, one]));
  const ancestors = (one: TimedSpan): string[] => {
    const found: string[] = [];
    for (let at = one; at.parentId !== '' && byId.has(at.parentId); at = byId.get(at.parentId)!) {
      if (found.includes(at.parentId)) return [];
      found.push(at.parentId);
    }
    return found;
  };
  const [entry] = spans as [TimedSpan];
  const below = spans.filter((one) => ancestors(one).includes(entry.id));
  const counted = new Map<string, number>();
  for (let us = entry.startUs; us < entry.endUs; us += 1) {
    const open = [entry, ...below].filter(({ startUs, endUs }) => startUs <= us && us < endUs);
    const busy = open.filter((one) => !open.some((other) => ancestors(other).includes(one.id)));
    for (const name of new Set(busy.map((one) => (one === entry ? 'self' : one.component)))) {
      counted.set(name, (counted.get(name) ?? 0) + 1);
    }
  }
  return counted;
}
