import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { assumedReleases, backtest, type PastRelease, pastReleaseOf, replay } from './backtest.ts';
import { planOf as plannedOf } from './plan.ts';
import { planOf, smallJob, v1 } from './testing/small-job.ts';

const places = Array.from({ length: 10 }, (_, index) => ({ index, host: `host-${index}`, labels: {} }));
const phasesOf = (counts: readonly number[], budget: number, change = {}) =>
  plannedOf({ plan: planOf(counts, change), places, budget: { count: budget }, isFirst: false }).phases;
const release = (change: Partial<PastRelease>): PastRelease => ({
  ...{ id: 'ro_1', was: 'good', taskMs: 1000, bakeMs: 2000, evidenceMs: 0 },
  ...change,
});

describe('a replay', () => {
  it('of a good release takes its batches and its bakes', () => {
    // 1 task, then 9 in fives: three batches of a second; two bakes of two seconds.
    expect(replay(phasesOf([1, 10], 5), release({}))).toMatchObject({ endsMs: 3000 + 4000, exposed: 0, isFound: true });
  });

  it('of a bad one ends when its tasks have run long enough together', () => {
    // One task runs from 1 s on: four task seconds are reached at 5 s, in its bake of five.
    const bad = release({ was: 'bad', evidenceMs: 4000 });
    expect(replay(phasesOf([1, 10], 5), bad)).toMatchObject({ endsMs: 5000, exposed: 1, exposedTaskMs: 4000 });
    // With everybody at once ten are exposed, for a shorter time.
    expect(replay(phasesOf([10], 10), bad)).toMatchObject({ endsMs: 1400, exposed: 10, exposedTaskMs: 4000 });
  });

  it('of one that does not start ends with its first batch; what is never found is said to be missed', () => {
    expect(replay(phasesOf([1, 10], 5), release({ was: 'bad-start' }))).toMatchObject({ endsMs: 1000, exposed: 1 });
    const faint = release({ was: 'bad', evidenceMs: 1e9 });
    expect(replay(phasesOf([1, 10], 5), faint)).toMatchObject({ exposed: 10, isFound: false });
    // Who holds when it cannot tell stops there.
    expect(replay(phasesOf([1, 10], 5, { onUndecided: 'hold' }), faint)).toMatchObject({ exposed: 1, isFound: true });
  });

  it('evidence found is evidence needed, and a smaller first phase never exposes more at the moment it is found there', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 10 }),
        fc.integer({ min: 1, max: 60_000 }),
        (first, budget, evidenceMs) => {
          const one = replay(phasesOf([first, 10], budget), release({ was: 'bad', evidenceMs }));
          if (one.isFound) expect(one.exposedTaskMs).toBeCloseTo(evidenceMs, 3);
          else expect(one.exposedTaskMs).toBeLessThan(evidenceMs);
          const all = replay(phasesOf([10], budget), release({ was: 'bad', evidenceMs }));
          if (one.isFound && all.isFound) expect(one.exposed).toBeLessThanOrEqual(all.exposed + first);
        },
      ),
    );
  });
});

describe('a backtest', () => {
  it('shows what speed costs: time to done against tasks exposed', () => {
    const releases = [...assumedReleases(1000, 'good'), ...assumedReleases(1000, 'bad')];
    const facts = { places, budget: { count: 10 }, releases };
    const careful = backtest(planOf([1, 3, 10], { minBakeMs: 60_000, maxBakeMs: 600_000 }), facts);
    const atOnce = backtest(planOf([10], { minBakeMs: 0, maxBakeMs: 60_000 }), facts);
    expect(careful.doneMs).toBeGreaterThan(atOnce.doneMs);
    expect(careful.meanExposed).toBeLessThan(atOnce.meanExposed);
    expect(atOnce).toMatchObject({ mostExposed: 10, missed: 1 });
  });

  it('reads from a rollout of the past how long a task took and how much evidence was needed', () => {
    const world = smallJob({ size: 4, budget: 1 });
    const history = new Map<string, (typeof world.last.after.operations)[number]>();
    world.deploy(v1, { judged: true });
    world.settle(() => {
      for (const one of world.last.changed.operations.values()) history.set(one.id, one);
      return world.rollout().phases[0]?.state === 'judging';
    });
    world.decide(2000);
    world.judge({ verdict: 'fail', sentence: 'errors' });
    world.settle(() => {
      for (const one of world.last.changed.operations.values()) history.set(one.id, one);
      return false;
    });
    const past = pastReleaseOf(world.rollout(), [...history.values()]);
    const served = [...history.values()].find(({ to, state }) => to === v1 && state === 'done')!;
    expect(past).toMatchObject({ was: 'bad', taskMs: served.endedAtMs! - served.admittedAtMs! });
    expect(past?.evidenceMs).toBe(world.rollout().failure!.atMs - served.endedAtMs!);
    expect(pastReleaseOf({ ...world.rollout(), firstDeployment: true }, [])).toBeUndefined();
  });
});
