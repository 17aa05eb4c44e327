import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededChance } from '../kit/index.ts';
import { type Target, Targets } from './targets.ts';

const at = (...ports: number[]) => ports.map((port) => ({ name: String(port), address: 'a', port }));
const portsOf = (targets: Targets) => targets.list().map(({ port }) => port);

describe('which task gets a request', () => {
  test('the less busy of the two that chance picked: the busiest one never, while there are others', () => {
    const targets = new Targets(seededChance(1));
    targets.update(at(1, 2, 3));
    const [busy] = targets.list() as [Target, Target, Target];
    for (let i = 0; i < 5; i++) targets.begin(busy);
    for (let i = 0; i < 100; i++) expect(targets.pick(new Set(), 0)).not.toBe(busy);
  });

  test('one that refused is left out for a second, unless there is no other', () => {
    const targets = new Targets(seededChance(1));
    targets.update(at(1, 2));
    const [first, second] = targets.list() as [Target, Target];
    targets.begin(first);
    targets.end(first, 'refused', 0);
    for (let i = 0; i < 20; i++) expect(targets.pick(new Set(), 500)).toBe(second);
    expect(targets.pick(new Set([second]), 500)).toBe(first);
    expect(new Set(Array.from({ length: 50 }, () => targets.pick(new Set(), 1000))).size).toBe(2);
  });

  test('a leaving one is kept until its last request, then forgotten; one that comes back is used again', () => {
    const gone: number[] = [];
    const targets = new Targets(seededChance(1), ({ port }) => gone.push(port));
    targets.update(at(1, 2));
    const [first] = targets.list() as [Target];
    targets.begin(first);
    targets.update(at(2));
    expect([portsOf(targets), targets.pick(new Set(), 0)?.port, gone]).toEqual([[1, 2], 2, []]);
    targets.update(at(1, 2));
    expect(first.isLeaving).toBe(false);
    targets.update(at(2));
    targets.end(first, 'served', 0);
    expect([portsOf(targets), gone]).toEqual([[2], [1]]);
  });

  test('whatever comes and goes: what is picked is in the newest list, and nothing in flight is forgotten', () => {
    const step = fc.oneof(
      fc.uniqueArray(fc.integer({ min: 1, max: 5 }), { maxLength: 5 }).map((ports) => ({ ports })),
      fc.constant('begin' as const),
      fc.constant('end' as const),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 40 }), (steps) => {
        const targets = new Targets(seededChance(3));
        const flying: Target[] = [];
        let wanted: number[] = [];
        for (const one of steps) {
          if (one === 'begin') {
            const target = targets.pick(new Set(), 0);
            expect(target === undefined).toBe(wanted.length === 0);
            if (target === undefined) continue;
            expect(wanted).toContain(target.port);
            targets.begin(target);
            flying.push(target);
          } else if (one === 'end') {
            const target = flying.shift();
            if (target) targets.end(target, 'served', 0);
          } else {
            wanted = one.ports;
            targets.update(at(...one.ports));
          }
          const expected = new Set([...wanted, ...flying.map(({ port }) => port)]);
          expect(new Set(portsOf(targets))).toEqual(expected);
        }
      }),
    );
  });
});
