import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstExtra, isExtra } from '../disruption/index.ts';
import { planOf as plannedOf } from './plan.ts';
import { planOf, smallJob, v0, v1 } from './testing/small-job.ts';

const surge = (count: number) => ({ strategy: { surge: { count } } }) as const;

function serving(world: ReturnType<typeof smallJob>): { own: number; extra: number } {
  const up = [...world.state.tasks.values()].filter(({ current }) => current?.state === 'serving');
  const busy = new Set(world.state.operations.filter((one) => one.admittedAtMs !== undefined).map((one) => one.index));
  const free = up.filter(({ index }) => !busy.has(index));
  return {
    own: free.filter(({ index }) => !isExtra(index)).length,
    extra: free.filter(({ index }) => isExtra(index)).length,
  };
}

describe('surge', () => {
  it('budget 0 and two extra tasks: never fewer serve than the job has, and the extra ones stop at the end', () => {
    const world = smallJob({ size: 4, budget: 0, hosts: 6 });
    world.deploy(v1, { plan: planOf([1, 4], {}, surge(2)) });
    world.decide();
    expect(world.last.dispatches.map(({ operation }) => [operation.kind, operation.index, operation.to])).toEqual([
      ['start', firstExtra, v0],
      ['start', firstExtra + 1, v0],
    ]);
    for (let turn = 0; turn < 60 && world.rollout().endedAtMs === undefined; turn++) {
      world.obey();
      world.decide(700);
      const { own, extra } = serving(world);
      if (turn > 1) expect(own + extra).toBeGreaterThanOrEqual(4);
    }
    world.settle();
    expect(world.rollout().state).toBe('succeeded');
    expect(serving(world)).toEqual({ own: 4, extra: 0 });
    expect([...world.state.assignment.keys()].filter(isExtra)).toEqual([]);
    expect(world.state.job.size).toBe(4);
  });

  it('I1 I3 whatever fails meanwhile: own tasks out ≤ budget + extra tasks that serve, at every admission', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 2, max: 8 }),
        fc.integer({ min: 0, max: 2 }),
        fc.integer({ min: 1, max: 3 }),
        fc.array(fc.tuple(fc.nat({ max: 10 }), fc.boolean()), { maxLength: 8 }),
        fc.boolean(),
        (size, budget, extras, crashes, isBad) => {
          const world = smallJob({ size, budget, hosts: 5 });
          world.deploy(v1, { plan: planOf([1, size], {}, surge(extras)), judged: isBad });
          for (let turn = 0; turn < 80 && world.rollout().endedAtMs === undefined; turn++) {
            const [index, isDown] = crashes[turn % Math.max(1, crashes.length)] ?? [99, false];
            const hit = index < size ? index : firstExtra + (index - size);
            if (isDown && turn < 12 && world.state.tasks.get(hit)?.current?.state === 'serving')
              world.report(hit, 'starting');
            if (!isDown)
              for (const task of world.state.tasks.values()) {
                if (task.current?.state === 'starting') world.report(task.index, 'serving');
              }
            if (isBad && world.rollout().phases[0]?.state === 'judging') world.judge({ verdict: 'fail' });
            world.decide(700);
            const fresh = world.last.dispatches.flatMap((one) => (one.kind === 'execute' ? [one.operation] : []));
            const costly = fresh.filter((one) => one.exemption === undefined && !isExtra(one.index));
            if (costly.length > 0) {
              const out = [...Array(size).keys()].filter((at) => {
                const isBusy = world.state.operations.some((one) => one.index === at && one.admittedAtMs !== undefined);
                return isBusy || world.state.tasks.get(at)?.current?.state !== 'serving';
              });
              expect(out.length).toBeLessThanOrEqual(budget + serving(world).extra);
            }
            world.obey();
          }
          // What is down comes back, and everything comes to rest without what was borrowed.
          for (let turn = 0; turn < 40; turn++) {
            for (const task of world.state.tasks.values()) {
              if (task.current?.state === 'starting') world.report(task.index, 'serving');
            }
            world.decide(1000);
            world.obey();
          }
          if (world.rollout().endedAtMs === undefined) return;
          expect(serving(world)).toEqual({ own: size, extra: 0 });
        },
      ),
      { numRuns: 80 },
    );
  });

  it('a first deployment borrows nobody; an aborted one gives everybody back', () => {
    const first = smallJob({ size: 2, running: null });
    first.deploy(v1, { plan: planOf([1, 2], {}, surge(1)) });
    first.settle();
    expect([...first.state.tasks.keys()].some(isExtra)).toBe(false);
    const world = smallJob({ size: 3, budget: 1 });
    world.deploy(v1, { plan: planOf([1, 3], {}, surge(1)), holdAfter: 'phase-1' });
    world.settle();
    expect(serving(world).extra).toBe(1);
    world.command('abort');
    world.settle();
    expect(serving(world)).toEqual({ own: 3, extra: 0 });
  });

  it('the plan says how many are borrowed and how many go at once with them', () => {
    const places = Array.from({ length: 4 }, (_, index) => ({ index, host: `host-${index}`, labels: {} }));
    const facts = { places, budget: { count: 0 }, isFirst: false };
    const planned = plannedOf({ ...facts, plan: planOf([4], {}, { strategy: { surge: { percent: 50 } } }) });
    expect(planned.extras).toBe(2);
    expect(planned.phases[0]).toMatchObject({ atOnce: 2, batches: 2, servingAtLeast: 4 });
  });
});
