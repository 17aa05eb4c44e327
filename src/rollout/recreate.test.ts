import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUnderWay } from '../model/index.ts';
import { explainRollout } from './explain.ts';
import { planOf, smallJob, v0, v1 } from './testing/small-job.ts';

const recreate = { strategy: 'recreate' } as const;
type World = ReturnType<typeof smallJob>;

/** Per task: the version whose process lives, or nothing. */
function lives(world: World): string[] {
  return [...world.state.tasks.values()].map(({ current }) =>
    current === undefined || ['stopped', 'failed'].includes(current.state) ? '-' : current.version,
  );
}

const orders = (world: World) =>
  world.last.dispatches.flatMap((one) =>
    one.kind === 'execute' ? [`${one.operation.kind} ${one.operation.index}`] : [],
  );

/** Lets it go on, and sees at each step that no two versions live in the job. */
function watched(world: World, until: () => boolean = () => false): void {
  world.settle(() => {
    const versions = new Set(lives(world).filter((version) => version !== '-'));
    expect([...versions].length, [...versions].join()).toBeLessThan(2);
    return until();
  });
}

describe('recreate', () => {
  it('D2 all stop, then all start where they were; nothing of two versions at any time', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.deploy(v1, { plan: planOf([4], {}, recreate) });
    world.decide();
    expect(orders(world)).toEqual(['stop 0', 'stop 1', 'stop 2', 'stop 3']);
    world.obey();
    world.decide(100);
    expect(orders(world)).toEqual(['update 0', 'update 1', 'update 2', 'update 3']);
    expect(world.last.dispatches.map(({ operation }) => operation.host)).toEqual([
      'host-0',
      'host-1',
      'host-2',
      'host-3',
    ]);
    watched(world);
    expect(world.rollout().state).toBe('succeeded');
    expect(lives(world)).toEqual([v1, v1, v1, v1]);
  });

  it('whoever is slow to stop is waited for, and explain names it', () => {
    const world = smallJob({ size: 3, budget: 3 });
    world.deploy(v1, { plan: planOf([3], {}, recreate) });
    world.decide();
    for (const index of [0, 2]) {
      const { id } = world.state.operations.find((one) => one.index === index)!;
      world.report(index, 'stopped', { operation: { id, outcome: 'done' } });
    }
    world.decide(100);
    expect(orders(world)).toEqual([]);
    expect(explainRollout(world.state, world.rollout(), world.nowMs).sentence).toMatch(/^The stop of task 1 on host-1/);
    watched(world);
    expect(world.rollout().state).toBe('succeeded');
  });

  it('one on a silent host keeps the others down until it is lost; explain says so', () => {
    const world = smallJob({ size: 3, budget: 3 });
    world.host('host-1', 'suspected');
    world.deploy(v1, { plan: planOf([3], {}, recreate) });
    world.decide();
    world.obey();
    world.decide(100);
    expect(lives(world)).toEqual(['-', v0, '-']);
    expect(explainRollout(world.state, world.rollout(), world.nowMs)).toMatchObject({
      sentence: 'Task 0 has stopped, and starts when task 1 on host-1 (suspected) has stopped too.',
      unblocker: { kind: 'host', host: 'host-1' },
    });
    world.host('host-1', 'lost');
    world.settle(() => world.rollout().endedAtMs !== undefined);
    expect(world.rollout().state).toBe('succeeded');
  });

  it('a stop that is lost with its host does not hold the pace: the others go on, and all come up', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.deploy(v1, { plan: planOf([4], { concurrency: { count: 1 } }, recreate) });
    world.decide();
    const [lost] = world.last.dispatches.map(({ operation }) => operation);
    world.change({
      operations: world.state.operations.map((one) => (one.id === lost!.id ? { ...one, state: 'executing' } : one)),
    });
    world.host(lost!.host!, 'lost');
    world.decide(100);
    expect(orders(world)).toEqual(['stop 1']);
    for (let turn = 0; turn < 60 && world.rollout().phases[0]?.state === 'updating'; turn++) {
      for (const { id, index, kind, state, nextIncarnation, host } of world.state.operations) {
        const isStop = kind === 'stop';
        if (!isUnderWay(state) || (isStop && index === lost!.index)) continue;
        const where = { incarnation: nextIncarnation, host: host!, version: isStop ? v0 : v1 };
        world.report(index, isStop ? 'stopped' : 'serving', { ...where, operation: { id, outcome: 'done' } });
      }
      world.decide(100);
    }
    expect(lives(world)).toEqual([v1, v1, v1, v1]);
  });

  it('D7 a bad version goes back the same way: all of it stops before anything of before starts', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.deploy(v1, { plan: planOf([4], { minBakeMs: 3000 }, recreate), judged: true });
    watched(world, () => world.rollout().phases[0]?.state === 'judging');
    world.judge({ verdict: 'fail', sentence: 'errors rose' });
    watched(world);
    expect(world.rollout().state).toBe('reverted');
    expect(lives(world)).toEqual([v0, v0, v0, v0]);
  });

  it('D9 paused half way: what has stopped comes back as it was, what was to stop goes on; resumed it begins again', () => {
    const world = smallJob({ size: 3, budget: 3 });
    world.deploy(v1, { plan: planOf([3], { concurrency: { count: 1 } }, recreate) });
    world.decide();
    world.obey();
    world.decide(100);
    expect(lives(world)).toEqual(['-', v0, v0]);
    world.command('pause');
    world.decide(100);
    expect(world.last.dispatches.map(({ kind, operation }) => `${kind} ${operation.kind} ${operation.index}`)).toEqual([
      'cancel stop 1',
      'execute restart 0',
    ]);
    watched(world);
    expect(lives(world)).toEqual([v0, v0, v0]);
    world.command('resume');
    watched(world);
    expect(lives(world)).toEqual([v1, v1, v1]);
  });

  it('C1 it does not begin in the middle of a resize, says so, and a person can have it begin', () => {
    const world = smallJob({ size: 2, budget: 2 });
    world.change({ job: { ...world.state.job, budget: { percent: 100 }, wantedSize: 4 } });
    world.decide();
    world.deploy(v1, { plan: planOf([4], {}, recreate) });
    world.decide();
    expect(world.rollout().phases[0]?.state).toBe('waiting');
    const { sentence, next } = explainRollout({ ...world.state, operations: [] }, world.rollout(), world.nowMs);
    expect(sentence).toBe('The job is being resized from 2 to 4 tasks (2 are there).');
    expect(next).toMatch(/raises the budget/);
    world.command('raise-budget', 0, 4);
    world.decide(10);
    expect(world.rollout().phases[0]?.state).toBe('updating');
    watched(world);
    expect(lives(world)).toEqual([v1, v1, v1, v1]);
  });

  it('D5 a task that is born meanwhile waits, and is born with the new version', () => {
    const world = smallJob({ size: 2, budget: 2 });
    world.change({ job: { ...world.state.job, budget: { percent: 100 } } });
    world.deploy(v1, { plan: planOf([2], {}, recreate) });
    world.decide();
    world.change({ job: { ...world.state.job, wantedSize: 3 } });
    watched(world);
    expect(world.rollout().state).toBe('succeeded');
    expect(lives(world)).toEqual([v1, v1, v1]);
  });

  it('in cells: with two phases each stops and starts by itself', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.deploy(v1, { plan: planOf([2, 4], {}, recreate) });
    const down: number[] = [];
    world.settle(() => {
      down.push(lives(world).filter((version) => version === '-').length);
      return false;
    });
    expect(Math.max(...down)).toBe(2);
    expect(lives(world)).toEqual([v1, v1, v1, v1]);
  });

  it('I1 whatever else fails meanwhile, it ends, and nothing of two versions lives in between', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 6 }),
        fc.array(fc.record({ turn: fc.nat({ max: 12 }), index: fc.nat({ max: 5 }) }), { maxLength: 4 }),
        fc.boolean(),
        (size, crashes, isBad) => {
          const world = smallJob({ size, budget: size });
          world.deploy(v1, { plan: planOf([size], { concurrency: { count: 2 } }, recreate), judged: isBad });
          let turn = 0;
          watched(world, () => {
            turn += 1;
            for (const crash of crashes) {
              const task = world.state.tasks.get(crash.index % size);
              const isBusy = world.state.operations.some((one) => one.index === task?.index && isUnderWay(one.state));
              if (crash.turn === turn && task?.current?.state === 'serving' && !isBusy)
                world.report(task.index, 'failed');
            }
            if (isBad && world.rollout().phases[0]?.state === 'judging') world.judge({ verdict: 'fail' });
            return false;
          });
          // A new task that fails while old ones were well has failed its basic checks.
          const { state } = world.rollout();
          expect(isBad ? ['reverted'] : ['succeeded', 'reverted']).toContain(state);
          expect(new Set(lives(world))).toEqual(new Set([state === 'reverted' ? v0 : v1]));
        },
      ),
      { numRuns: 150 },
    );
  });
});
