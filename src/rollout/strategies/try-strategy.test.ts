import { describe, expect, it } from 'vitest';
import { planOf as plannedOf } from '../plan.ts';
import { planOf, smallJob, v0, v1 } from '../testing/small-job.ts';
import { ownStrategies } from './book.ts';
import type { Strategy } from './port.ts';
import { tryStrategy } from './try-strategy.ts';

const brokenRules = (strategy: Strategy): string[] =>
  tryStrategy(strategy, { times: 60 }).flatMap(({ rule, failure }) =>
    failure === undefined ? [] : [`${rule}: ${failure}`],
  );

describe('strategy conformance', () => {
  it.each([
    ['in-place', {}],
    ['surge', { surge: { count: 1 } }],
    ['recreate', {}],
  ])('D2 %s keeps every rule', (name, settings) => {
    const tried = tryStrategy(ownStrategies.get(name)!, { settings });
    expect(tried.filter(({ failure }) => failure !== undefined)).toEqual([]);
    expect(tried.length).toBeGreaterThan(5);
  });

  it('one that goes its own way, and is right, keeps them too', () => {
    const backwards: Strategy = {
      name: 'backwards',
      order: (_, tasks) => tasks.map(({ index }) => index).sort((a, b) => b - a),
      next(_, { members }) {
        const [first] = members.filter(({ isThere }) => !isThere).sort((a, b) => b.index - a.index);
        return { next: first === undefined ? [] : [first.index], reason: 'One after the other, the last one first.' };
      },
    };
    expect(brokenRules(backwards)).toEqual([]);
  });
});

/** Each is wrong in one way of its own. */
let calls = 0;
const wrong: Record<string, Strategy> = {
  'names tasks of nobody': { name: 'wrong', next: () => ({ next: [99] }) },
  'names a task twice': { name: 'wrong', next: (_, { members }) => ({ next: [members[0]!.index, members[0]!.index] }) },
  'names who is there already': {
    name: 'wrong',
    next: (_, { members }) => ({ next: members.map(({ index }) => index) }),
  },
  'forgets the last one': {
    name: 'wrong',
    next: (_, { members }) => ({
      next: members.filter(({ isThere, index }) => !isThere && index !== members.length - 1).map(({ index }) => index),
    }),
  },
  'waits for a moment that it puts off for ever': {
    name: 'wrong',
    next: (_, { nowMs }) => ({ next: [], untilMs: nowMs + 1000 }),
  },
  'remembers how often it was asked': {
    name: 'wrong',
    next(_, { members }) {
      const left = members.filter(({ isThere }) => !isThere).map(({ index }) => index);
      calls += 1;
      return { next: calls % 2 === 0 ? left : left.toReversed() };
    },
  },
  'changes what it is handed': {
    name: 'wrong',
    order: (_, tasks) =>
      (tasks as unknown as { index: number }[]).sort((a, b) => a.index - b.index).map(({ index }) => index),
  },
  'leaves tasks out of its order': { name: 'wrong', order: (_, tasks) => tasks.slice(1).map(({ index }) => index) },
  'borrows less than nobody': { name: 'wrong', extras: () => -1 },
  'never lets anybody up again': {
    name: 'wrong',
    down: (_, { members }) => members.filter(({ runs }) => runs !== 'wanted').map(({ index }) => index),
  },
  'forgets that nothing may have run before': {
    name: 'wrong',
    down(_, { members }) {
      const rack = members.find(({ runs }) => runs === 'other')?.labels.rack;
      return members.filter(({ runs, labels }) => runs !== 'wanted' && labels.rack === rack).map(({ index }) => index);
    },
  },
  'takes down who is there': { name: 'wrong', down: (_, { members }) => members.map(({ index }) => index) },
  throws: {
    name: 'wrong',
    next() {
      throw new Error('no idea');
    },
  },
  'has a name that no configuration can say': { name: 'Wrong!' },
};

describe('a wrong strategy', () => {
  it.each(Object.entries(wrong))('that %s is found out', (_, strategy) => {
    expect(brokenRules(strategy)).not.toEqual([]);
  });

  it.each([
    'names tasks of nobody',
    'names a task twice',
    'names who is there already',
    'forgets the last one',
    'leaves tasks out of its order',
    'never lets anybody up again',
    'throws',
  ])('that %s holds its rollout, with why, and takes nothing further', (what) => {
    const world = smallJob({ size: 4, budget: 4 });
    world.rules = { ...world.rules, strategies: new Map(ownStrategies).set('wrong', wrong[what]!) };
    world.deploy(v1, { plan: planOf([1, 4], {}, { strategy: { plugin: 'wrong', settings: {} } }) });
    const said: unknown[] = [];
    world.settle(() => {
      said.push(...world.last.events.filter(({ type }) => type === 'rollout.strategy-refused'));
      return false;
    });
    const { state, hold } = world.rollout();
    expect({ state, by: hold?.by }).toEqual({ state: 'held', by: 'strategy' });
    expect(hold!.reason).toContain('The strategy wrong');
    expect(said).toHaveLength(1);
    // Each task serves: one version or the other, as it is assigned.
    for (const { index, current } of world.state.tasks.values()) {
      expect(current).toMatchObject({ state: 'serving', version: world.state.assignment.get(index)?.version });
    }
    // A person can undo it, and the next release does not wait for anybody.
    world.command('revert');
    world.settle();
    expect(world.rollout().state).toBe('reverted');
    expect(new Set(world.assigned())).toEqual(new Set([v0]));
  });

  it.each<[string, Strategy]>([
    ['does not take its settings: no rack is named.', { name: 'wrong', check: () => 'no rack is named' }],
    ['borrows -1 extra tasks', { name: 'wrong', extras: () => -1 }],
  ])('is held before its first phase, as the plan says beforehand: it %s', (why, strategy) => {
    const world = smallJob({ size: 3, budget: 1 });
    const strategies = new Map(ownStrategies).set('wrong', strategy);
    world.rules = { ...world.rules, strategies };
    const plan = planOf([3], {}, { strategy: { plugin: 'wrong', settings: {} } });
    world.deploy(v1, { plan });
    world.settle();
    expect(world.rollout().hold).toMatchObject({ by: 'strategy', reason: expect.stringContaining(why) });
    expect(world.assigned()).toEqual([v0, v0, v0]);
    const places = [0, 1, 2].map((index) => ({ index, host: `host-${index}`, labels: {} }));
    const planned = plannedOf({ plan, places, budget: { count: 1 }, isFirst: false, strategies });
    expect(planned.refusal).toBe(world.rollout().hold?.reason);
  });

  it('that the server does not have holds its rollout too; a release with another strategy takes over', () => {
    const world = smallJob({ size: 3, budget: 1 });
    world.deploy(v1, { plan: planOf([3], {}, { strategy: { plugin: 'gone', settings: {} } }) });
    world.settle();
    expect(world.rollout().hold).toMatchObject({ by: 'strategy', reason: expect.stringContaining('no strategy gone') });
    world.deploy(v1, { plan: planOf([3]) });
    world.settle();
    expect(world.rollout(0).state).toBe('superseded');
    expect(world.rollout(1).state).toBe('succeeded');
  });
});
