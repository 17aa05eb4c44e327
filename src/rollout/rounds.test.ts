import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budgetOf, isUnderWay } from '../model/index.ts';
import { roundPlan } from './rounds.ts';
import { planOf, smallJob, v0, v1 } from './testing/small-job.ts';
import { legalCommands } from './transitions.ts';

const incarnations = (world: ReturnType<typeof smallJob>) =>
  [...world.state.tasks.values()].sort((a, b) => a.index - b.index).map((task) => task.current?.incarnation);

function round(world: ReturnType<typeof smallJob>, kind: 'restart' | 'move', tasks?: readonly number[]): void {
  world.deploy(v0, { kind, plan: roundPlan(tasks, { percent: 100 }), reason: 'a leak' });
}

describe('a round', () => {
  it('restarts exactly the tasks that were asked for, each once, on what it runs, within the budget', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 8 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.nat({ max: 7 }), { minLength: 1, maxLength: 5 }),
        (size, budget, some) => {
          const world = smallJob({ size, budget, hosts: 3 });
          // Half of the job is in the middle of an aborted deployment: a restart changes no version.
          world.deploy(v1, { plan: planOf([Math.ceil(size / 2), size]), holdAfter: 'phase-1' });
          world.settle();
          world.command('abort');
          world.settle();
          const before = incarnations(world);
          const assigned = world.assigned();
          const tasks = [...new Set(some.filter((index) => index < size))];
          if (tasks.length === 0) return;
          round(world, 'restart', tasks);
          for (let turn = 0; turn < 300 && world.rollout(1).endedAtMs === undefined; turn++) {
            world.decide(1000);
            const underWay = world.state.operations.filter((one) => isUnderWay(one.state)).length;
            expect(underWay).toBeLessThanOrEqual(budgetOf({ count: budget }, size));
            world.obey();
          }
          expect(world.rollout(1).state).toBe('succeeded');
          expect(world.assigned()).toEqual(assigned);
          const after = incarnations(world);
          for (let index = 0; index < size; index++) {
            if (tasks.includes(index)) expect(after[index]).toBeGreaterThan(before[index]!);
            else expect(after[index]).toBe(before[index]);
          }
          expect([...world.state.assignment.values()].every((row) => row.renewAbove === undefined)).toBe(true);
          world.decide(1000);
          expect(world.last.dispatches).toEqual([]);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('the first task shows whether the others follow: a failure holds, and there is nothing to take back', () => {
    const world = smallJob({ size: 4, budget: 2 });
    round(world, 'restart');
    world.decide();
    expect(world.last.dispatches).toHaveLength(1);
    world.obey('failed');
    world.decide(10);
    expect(world.rollout()).toMatchObject({ state: 'held', hold: { by: 'onFail' }, failure: { by: 'basic-checks' } });
    expect(legalCommands(world.rollout())).not.toContain('revert');
    expect(world.last.markWishes).toEqual([]);
    const { failure: _, ...rest } = world.rollout();
    expect(rest.kind).toBe('restart');
    // What was begun is repaired all the same; nobody else is touched.
    world.settle();
    expect(incarnations(world).filter((incarnation) => incarnation === 1)).toHaveLength(3);
  });

  it('D7 pause gives back what has not begun, resume goes on with the rest only', () => {
    const world = smallJob({ size: 4, budget: 1 });
    round(world, 'restart');
    world.settle(() => world.rollout().currentPhase === 1);
    world.decide(10);
    world.obey();
    world.command('pause');
    world.settle();
    const paused = incarnations(world);
    world.decide(60_000);
    world.obey();
    expect(incarnations(world)).toEqual(paused);
    world.command('resume');
    world.settle();
    expect(world.rollout().state).toBe('succeeded');
    expect(incarnations(world)).toEqual([2, 2, 2, 2]);
  });

  it('a move starts each task on another host before the old one stops', () => {
    const world = smallJob({ size: 2, budget: 1, hosts: 3 });
    round(world, 'move', [0]);
    world.decide();
    const [first] = world.last.dispatches;
    expect(first?.operation).toMatchObject({ kind: 'move', index: 0, to: v0 });
    expect(first?.operation.host).not.toBe('host-0');
    world.settle();
    expect(world.rollout().state).toBe('succeeded');
    const moved = world.state.tasks.get(0)!;
    expect(moved.current).toMatchObject({ incarnation: 2, state: 'serving' });
    expect(moved.others.every((one) => one.state === 'stopped')).toBe(true);
    expect(world.state.tasks.get(1)?.current?.incarnation).toBe(1);
  });

  it('waits for a release that has or wants the job, and overtakes nobody', () => {
    const world = smallJob({ size: 3, budget: 1 });
    world.deploy(v1, { holdAfter: 'phase-1' });
    world.settle();
    round(world, 'restart');
    world.decide(10);
    expect(world.rollout(1).state).toBe('waiting');
    world.command('resume');
    world.settle();
    expect([world.rollout(0).state, world.rollout(1).state]).toEqual(['succeeded', 'succeeded']);
    expect(world.assigned()).toEqual([v1, v1, v1]);
  });

  it('I4 what carries a mark may be started again as it is', () => {
    const world = smallJob({ size: 2, budget: 1 });
    world.mark(v0);
    round(world, 'restart');
    world.settle(() => world.rollout().currentPhase === 1);
    world.command('pause');
    world.settle();
    world.command('resume');
    world.settle();
    expect(world.rollout().state).toBe('succeeded');
    expect(world.assigned()).toEqual([v0, v0]);
  });
});
