import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import type { WindowSpec } from '../model/index.ts';
import { buildKey } from './build-key.ts';
import { comesAfter, sortActions } from './graph.ts';
import { compareReleases } from './order.ts';
import { askWindows } from './windows.ts';

describe('P1 the graph of actions', () => {
  const vertices = fc
    .array(fc.array(fc.nat(9), { maxLength: 3 }), { minLength: 1, maxLength: 8 })
    .map((all) =>
      all.map((needs, n) => ({ name: `a${n}`, needs: [...new Set(needs.map((m) => `a${m % all.length}`))] })),
    );

  test('is sorted so that each comes after its needs, or its cycle is named', () => {
    fc.assert(
      fc.property(vertices, (actions) => {
        const sorted = sortActions(actions);
        if (sorted.ok) {
          const names = sorted.value.map(({ name }) => name);
          expect([...names].sort()).toEqual(actions.map(({ name }) => name).sort());
          for (const { name, needs } of actions)
            for (const need of needs) {
              expect(names.indexOf(need)).toBeLessThan(names.indexOf(name));
              expect(comesAfter(actions, name, need)).toBe(true);
            }
          return;
        }
        expect(sorted.error.code).toBe('spec/cycle');
        const cycle = sorted.error.facts.cycle as string[];
        expect(cycle[0]).toBe(cycle.at(-1));
        for (const [n, name] of cycle.slice(0, -1).entries())
          expect(actions.find((action) => action.name === name)!.needs).toContain(cycle[n + 1]);
      }),
    );
  });

  test('an unknown need is named', () => {
    expect(sortActions([{ name: 'a', needs: ['b'] }])).toMatchObject({ ok: false, error: { detail: '"a" needs "b"' } });
  });
});

describe('windows', () => {
  const at = (text: string) => Date.parse(text);
  const office: WindowSpec = { from: '09:00', to: '17:00', days: ['mon', 'tue'], timeZone: 'Europe/Berlin' };
  const night: WindowSpec = { from: '22:00', to: '02:00', days: ['fri'], timeZone: 'UTC' };
  // 2026-11-23 is a Monday; Berlin is at +01:00 then.
  test.each<[now: string, window: WindowSpec, opens: string | 'open']>([
    ['2026-11-23T08:00:00Z', office, 'open'],
    ['2026-11-23T07:59:30Z', office, '2026-11-23T08:00:00Z'],
    ['2026-11-23T16:00:00Z', office, '2026-11-24T08:00:00Z'],
    ['2026-11-24T16:00:00Z', office, '2026-11-30T08:00:00Z'],
    ['2026-11-27T23:00:00Z', night, 'open'],
    ['2026-11-28T01:59:00Z', night, 'open'],
    ['2026-11-28T02:00:00Z', night, '2026-12-04T22:00:00Z'],
    ['2026-11-27T01:00:00Z', night, '2026-11-27T22:00:00Z'],
  ])('at %s', (now, window, opens) => {
    const expected = opens === 'open' ? { isOpen: true } : { isOpen: false, opensAtMs: at(opens) };
    expect(askWindows([window], at(now))).toEqual(expected);
  });

  test('none: always open; one that never opens says so', () => {
    expect(askWindows([], 0)).toEqual({ isOpen: true });
    expect(askWindows([{ ...office, days: [] }], 0)).toEqual({ isOpen: false, opensAtMs: undefined });
  });
});

describe('the order of releases', () => {
  test('is total: position, then creation, then name', () => {
    const release = fc.record({
      id: fc.integer({ min: 0, max: 5 }).map((n) => `rel_${n}` as const),
      position: fc.nat(3),
      createdAtMs: fc.nat(3),
    });
    fc.assert(
      fc.property(release, release, release, (a, b, c) => {
        expect(Math.sign(compareReleases(a, b)) + Math.sign(compareReleases(b, a))).toBe(0);
        if (compareReleases(a, b) <= 0 && compareReleases(b, c) <= 0)
          expect(compareReleases(a, c)).toBeLessThanOrEqual(0);
      }),
    );
    expect(
      compareReleases({ id: 'rel_b', position: 1.5, createdAtMs: 9 }, { id: 'rel_a', position: 2, createdAtMs: 1 }),
    ).toBeLessThan(0);
  });
});

describe('the build cache', () => {
  const build = {
    type: 'build',
    name: 'b',
    needs: [],
    timeoutMs: 1,
    retries: 0,
    picker: 'every',
    inputs: [],
    commands: [['make']],
    include: ['.'],
    exclude: [],
    output: 'p',
  } as const;
  const base = buildKey({ ...build } as never, 'tree', {});
  test.each([
    [
      'its name, timeout and picker do not matter',
      { ...build, name: 'c', timeoutMs: 2, picker: 'newest' },
      'tree',
      {},
      true,
    ],
    ['another tree', build, 'other', {}, false],
    ['other commands', { ...build, commands: [['make', 'all']] }, 'tree', {}, false],
    ['other files', { ...build, exclude: ['x'] }, 'tree', {}, false],
    ['another input', build, 'tree', { site: 'd' }, false],
  ] as [string, object, string, Record<string, string>, boolean][])('%s', (_name, action, tree, inputs, same) => {
    expect(buildKey(action as never, tree, inputs) === base).toBe(same);
  });
});
