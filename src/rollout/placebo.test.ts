import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { budgetOf, isUnderWay } from '../model/index.ts';
import { explainRollout } from './explain.ts';
import { placeboBakeMs, placeboPlan, placeboTasks } from './placebo.ts';
import { planOf, smallJob, v0, v1, v2 } from './testing/small-job.ts';

type World = ReturnType<typeof smallJob>;
const incarnations = (world: World) =>
  [...world.state.tasks.values()].sort((a, b) => a.index - b.index).map((task) => task.current?.incarnation);

/** A deployment and the placebo before it; as in the pipeline, both are there at once. */
function deployWithPlacebo(world: World, tasks: readonly number[], to = v1, overlap: 'wait' | 'supersede' = 'wait') {
  world.deploy(to, { plan: planOf([1, world.state.job.size], {}, { overlap }) });
  const placeboFor = world.state.rollouts.at(-1)!.id;
  world.deploy(v0, { kind: 'restart', plan: placeboPlan(tasks, 5000), placeboFor });
}

describe('which tasks are restarted as a placebo', () => {
  const base = { size: 12, budget: { count: 2 }, curves: 0 } as const;
  it.each([
    ['nothing was said', {}, []],
    ['off', { placebo: 'off' }, []],
    ['auto, nothing is known', { placebo: 'auto' }, [9, 10, 11]],
    ['auto, two tasks: one is left to compare with', { placebo: 'auto', size: 2 }, [1]],
    ['auto, one task: it is the service', { placebo: 'auto', size: 1 }, []],
    ['auto, three rollouts have shown it', { placebo: 'auto', curves: 3 }, []],
    ['auto, nothing may be out', { placebo: 'auto', budget: { count: 0 } }, []],
    ['so many', { placebo: { tasks: 2 } }, [10, 11]],
    ['no more than there are', { placebo: { tasks: 4 }, size: 1 }, [0]],
    ['so many, of a large job that is known', { placebo: { tasks: 2 }, curves: 3 }, []],
    ['so many, of a small one every time', { placebo: { tasks: 2 }, size: 5, curves: 20 }, [3, 4]],
  ] as const)('%s', (_, facts, tasks) => {
    expect(placeboTasks({ placebo: undefined, ...base, ...facts })).toEqual(tasks);
  });

  it('they are looked at as long as the first phase may bake, and ten minutes at most', () => {
    expect(placeboBakeMs(planOf([1, 4]))).toBe(5000);
    expect(placeboBakeMs(planOf([1, 4], { maxBakeMs: 3_600_000 }))).toBe(600_000);
  });
});

describe('a deployment with a placebo', () => {
  it('waits until old tasks were restarted and looked at, within the budget, and says so', () => {
    fc.assert(
      fc.property(fc.integer({ min: 2, max: 8 }), fc.integer({ min: 1, max: 3 }), fc.nat(3), (size, budget, more) => {
        const count = Math.min(size, 1 + more);
        const tasks = Array.from({ length: count }, (_, at) => size - count + at);
        const world = smallJob({ size, budget, hosts: 3 });
        deployWithPlacebo(world, tasks);
        world.decide();
        const deployment = world.state.rollouts.find(({ kind }) => kind === 'deploy')!;
        const why = explainRollout(world.state, deployment, world.nowMs);
        expect(why.sentence).toContain('Some old tasks are restarted before it');
        for (let turn = 0; turn < 300 && world.rollout(1).endedAtMs === undefined; turn++) {
          expect(world.rollout(0).state).toBe('waiting');
          expect(world.assigned()).toEqual(Array(size).fill(v0));
          world.obey();
          world.decide(1000);
          const underWay = world.state.operations.filter((one) => isUnderWay(one.state)).length;
          expect(underWay).toBeLessThanOrEqual(budgetOf({ count: budget }, size));
        }
        expect(world.rollout(1)).toMatchObject({ state: 'succeeded', placeboFor: deployment.id });
        // In the same turn.
        expect(world.rollout(0).state).toBe('running');
        expect(incarnations(world)).toEqual(Array.from({ length: size }, (_, at) => (tasks.includes(at) ? 2 : 1)));
        world.settle();
        expect(world.assigned()).toEqual(Array(size).fill(v1));
      }),
      { numRuns: 40 },
    );
  });

  it('an old task that does not come back holds before anything new is touched, whatever the overlap', () => {
    for (const overlap of ['wait', 'supersede'] as const) {
      const world = smallJob({ size: 4, budget: 2 });
      deployWithPlacebo(world, [2, 3], v1, overlap);
      world.decide();
      world.obey('failed');
      world.decide(10);
      world.settle();
      world.decide(60_000);
      expect(world.rollout(1)).toMatchObject({ state: 'held', hold: { by: 'onFail' } });
      expect(world.rollout(0).state).toBe('waiting');
      expect(world.assigned()).toEqual([v0, v0, v0, v0]);
      expect(world.last.markWishes).toEqual([]);
      const [deployment] = world.state.rollouts;
      const why = explainRollout(world.state, deployment!, world.nowMs);
      expect(why.sentence).toContain('nothing new was touched');
      // A person goes on without it.
      world.command('abort', 1);
      world.settle();
      expect(world.rollout(0).state).toBe('succeeded');
    }
  });

  it('that is aborted takes its placebo with it; what is under way ends, and the job is free', () => {
    const world = smallJob({ size: 4, budget: 1 });
    deployWithPlacebo(world, [2, 3]);
    world.decide();
    world.command('abort', 0);
    world.settle();
    expect([world.rollout(0).state, world.rollout(1).state]).toEqual(['aborted', 'superseded']);
    expect(incarnations(world).filter((one) => one === 2)).toHaveLength(1);
    expect([...world.state.assignment.values()].every((row) => row.version === v0)).toBe(true);
    world.deploy(v2);
    world.settle();
    expect(world.rollout(2).state).toBe('succeeded');
  });

  it('that is overtaken hands a placebo under way on: tasks are not restarted for each release', () => {
    const world = smallJob({ size: 4, budget: 2 });
    deployWithPlacebo(world, [2, 3]);
    world.decide();
    deployWithPlacebo(world, [2, 3], v2);
    world.settle();
    expect(world.rollout(0).state).toBe('superseded');
    expect(world.rollout(1)).toMatchObject({ state: 'succeeded', placeboFor: world.rollout(2).id });
    expect(world.rollout(3).state).toBe('superseded');
    expect(world.rollout(2).state).toBe('succeeded');
    // Once as a placebo, once for the new version.
    expect(incarnations(world)).toEqual([2, 2, 3, 3]);
  });

  it('a rollback waits for no placebo', () => {
    const world = smallJob({ size: 4, budget: 1 });
    deployWithPlacebo(world, [2, 3]);
    world.decide();
    world.deploy(v0, { kind: 'rollback' });
    world.decide(10);
    expect(world.rollout(1).state).toBe('superseded');
    expect(world.rollout(0).state).toBe('superseded');
    world.settle();
    expect(world.rollout(2).state).toBe('succeeded');
  });

  it('paused, its placebo gives back what has not begun; resumed, both go on', () => {
    const world = smallJob({ size: 4, budget: 1 });
    deployWithPlacebo(world, [2, 3]);
    world.decide();
    world.command('pause', 1);
    world.settle();
    expect([world.rollout(0).state, world.rollout(1).state]).toEqual(['waiting', 'held']);
    world.command('resume', 1);
    world.settle();
    expect([world.rollout(0).state, world.rollout(1).state]).toEqual(['succeeded', 'succeeded']);
  });

  it('paused itself before anything began, it restarts nobody; resumed, the placebo comes first', () => {
    const world = smallJob({ size: 4, budget: 1 });
    deployWithPlacebo(world, [3]);
    world.command('pause', 0);
    world.settle();
    expect(world.rollout(1).state).toBe('waiting');
    expect(incarnations(world)).toEqual([1, 1, 1, 1]);
    world.command('resume', 0);
    world.settle();
    expect([world.rollout(0).state, world.rollout(1).state]).toEqual(['succeeded', 'succeeded']);
    expect(incarnations(world)).toEqual([2, 2, 2, 3]);
  });

  it('a host that is lost in the middle is replaced, and the deployment goes on', () => {
    const world = smallJob({ size: 4, budget: 2 });
    deployWithPlacebo(world, [2, 3]);
    world.decide();
    world.obey();
    world.host('host-3', 'fenced');
    world.settle();
    expect(world.rollout(0).endedAtMs ?? world.rollout(1).hold).toBeDefined();
  });

  it('a job that shrinks below its tasks in the middle goes on with those that are left', () => {
    const world = smallJob({ size: 4, budget: 2 });
    deployWithPlacebo(world, [2, 3]);
    world.decide();
    world.change({ job: { ...world.state.job, wantedSize: 2 } });
    world.settle();
    expect([world.rollout(0).state, world.rollout(1).state]).toEqual(['succeeded', 'succeeded']);
    expect(world.assigned().filter((version) => version === v1)).toHaveLength(2);
  });
});
