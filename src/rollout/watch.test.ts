import { describe, expect, it } from 'vitest';
import { noLimits } from '../disruption/index.ts';
import type { PhaseSpec, PlanSpec, VersionId } from '../model/index.ts';
import { explainWatched } from './explain.ts';
import { planOf, smallJob, v0, v1, v2 } from './testing/small-job.ts';

const watchMs = 60_000;
const all = [v1, v1, v1, v1];

function watchedPlan(change: Partial<PhaseSpec> = {}, plan: Partial<PlanSpec> = {}): PlanSpec {
  return planOf([1, 4], change, { watchMs, ...plan });
}

type World = ReturnType<typeof smallJob>;

/** Deploys a version and lets the judge pass its phases. */
function roll(world: World, to: VersionId, change: Parameters<World['deploy']>[1] = {}, n = 0): void {
  world.deploy(to, { judged: true, plan: watchedPlan(), ...change });
  for (let phase = 0; phase < 2; phase++) {
    world.settle(() => world.rollout(n).phases[phase]?.state === 'judging');
    world.decide(10);
    world.judge({ verdict: 'pass', phase }, n);
    world.decide(2000);
  }
}

function watched(change: Parameters<World['deploy']>[1] = {}): World {
  const world = smallJob({ size: 4, budget: 1 });
  roll(world, v1, change);
  expect(world.rollout()).toMatchObject({ state: 'succeeded', watch: { state: 'watching' } });
  return world;
}

const bad = { verdict: 'fail', phase: 2, sentence: 'memory grows' } as const;

describe('the watch after the last phase', () => {
  it('H10 H11 D8 a late failure takes the version off the list, asks for a mark and goes back within the budget', () => {
    const world = watched();
    expect(world.state.job.goodVersions).toEqual([v1, v0]);
    world.judge(bad);
    const { markWishes, events } = world.decide(10);
    expect(events.map(({ type }) => type)).toEqual(
      expect.arrayContaining(['watch.failed', 'rollout.failed', 'rollout.reverting']),
    );
    expect(markWishes).toMatchObject([{ rollout: { to: v1, from: [v0], failure: { sentence: 'memory grows' } } }]);
    expect(world.state.job.goodVersions).toEqual([v0]);
    expect(world.last.dispatches).toHaveLength(1);
    world.settle();
    expect(world.rollout()).toMatchObject({ state: 'reverted', watch: { state: 'failed' } });
    expect(world.assigned()).toEqual([v0, v0, v0, v0]);
    const { startedAtMs, createdAtMs, endedAtMs, time } = world.rollout();
    expect(startedAtMs).toBeGreaterThanOrEqual(createdAtMs);
    const spent = Object.values(time.spentMs).reduce((sum, ms) => sum + (ms ?? 0), 0);
    expect(spent).toBe(endedAtMs! - createdAtMs);
    expect(time.spentMs.watching).toBeGreaterThan(0);
  });

  it('is over in time when nothing is found, and says what was seen', () => {
    const world = watched();
    expect(explainWatched(world.rollout(), world.nowMs)).toMatchObject({ unblocker: { kind: 'time' } });
    world.decide(watchMs);
    expect(world.rollout().watch?.state).toBe('watching');
    world.judge({ verdict: 'undecided', phase: 2, sentence: 'no worse by more than 5 %' });
    world.decide(10);
    expect(world.rollout().watch).toMatchObject({ state: 'quiet', note: 'no worse by more than 5 %' });
    expect(world.state.watched).toEqual([]);
    expect(explainWatched(world.rollout(), world.nowMs)).toBeUndefined();
    world.judge(bad);
    world.decide(10);
    expect(world.assigned()).toEqual(all);
  });

  it('a judge that never looked is waited for, not for ever', () => {
    const world = watched();
    world.decide(watchMs + 10);
    expect(world.rollout().watch?.state).toBe('watching');
    expect(world.last.wakeAtMs).toBeGreaterThan(world.nowMs);
    world.decide(15_000);
    expect(world.rollout().watch).toMatchObject({ state: 'quiet', note: 'Nothing was measured after the last phase.' });
  });

  it('goes by the rollout’s own onFail, and never makes the next release wait', () => {
    const world = watched({ plan: watchedPlan({ onFail: 'hold' }) });
    world.judge(bad);
    world.decide(10);
    expect(world.rollout()).toMatchObject({ state: 'held', hold: { by: 'watch', resumesTo: 'running' } });
    expect(world.assigned()).toEqual(all);
    world.deploy(v2);
    world.decide(10);
    expect(world.rollout(0).state).toBe('superseded');
    expect(world.rollout(1)).toMatchObject({ state: 'running', from: expect.arrayContaining([v1]) });
  });

  it('after the stated time a held one goes back by itself', () => {
    const world = watched({ plan: watchedPlan({ onFail: { holdThenRevertAfterMs: 5000 } }) });
    world.judge(bad);
    world.decide(10);
    expect(world.rollout().state).toBe('held');
    world.decide(5000);
    world.settle();
    expect(world.rollout().state).toBe('reverted');
  });

  it('a check that may only hold makes an alarm: nothing is struck or marked, and a person may let it through', () => {
    const world = watched();
    world.judge({ phase: 2, holds: ['queue is longer'], sentence: 'so so' });
    const { markWishes } = world.decide(10);
    expect(markWishes).toEqual([]);
    expect(world.state.job.goodVersions).toEqual([v1, v0]);
    expect(world.rollout()).toMatchObject({ state: 'held', hold: { by: 'watch' } });
    world.command('resume');
    world.settle();
    expect(world.rollout()).toMatchObject({ state: 'succeeded', watch: { state: 'ended' } });
    expect(world.rollout().approved).toContain('ada');
    expect(world.assigned()).toEqual(all);
  });

  it('a change that cannot be undone holds and stays on the list', () => {
    const world = watched({ forwardOnly: 'it drops a column' });
    world.judge(bad);
    const { markWishes } = world.decide(10);
    expect(markWishes).toHaveLength(1);
    expect(world.rollout()).toMatchObject({ state: 'held', hold: { by: 'forward-only' } });
    expect(world.state.job.goodVersions).toEqual([v1]);
  });

  it('first deployments, rollbacks and what nobody compares are not watched', () => {
    const first = smallJob({ running: null });
    first.deploy(v1, { judged: true, plan: watchedPlan() });
    first.settle();
    expect(first.rollout()).toMatchObject({ state: 'succeeded' });
    expect(first.rollout().watch).toBeUndefined();
    const plain = smallJob();
    plain.deploy(v1, { plan: watchedPlan() });
    plain.settle();
    expect(plain.rollout().watch).toBeUndefined();
  });

  it('H11 a newer release that succeeds watches both; what is found is tied to whom the judge names', () => {
    for (const [named, candidates] of [
      [[1], { to: v2, from: [v1] }],
      [[0], { to: v1, from: [v0] }],
      [[0, 1], { to: v2, from: [v0] }],
      [[], { to: v2, from: [v0] }],
    ] as const) {
      const world = watched();
      roll(world, v2, {}, 1);
      expect(world.rollout(0).watch?.state).toBe('handed-over');
      expect(world.rollout(1).watch?.earlier).toMatchObject([{ rollout: world.rollout(0).id, version: v1 }]);
      const ids = named.map((n) => world.rollout(n).id);
      world.judge({ ...bad, named: ids }, 1);
      const { markWishes } = world.decide(10);
      expect(markWishes).toMatchObject([{ rollout: { id: world.rollout(1).id, ...candidates } }]);
      world.settle();
      expect(world.rollout(1).state).toBe('reverted');
      expect(world.assigned()[0]).toBe(named.length === 1 && named[0] === 1 ? v1 : v0);
    }
  });

  it('a newer release that fails gives the job back to the watch of the one before', () => {
    const world = watched();
    world.deploy(v2, { judged: true, plan: watchedPlan() });
    world.settle(() => world.rollout(1).phases[0]?.state === 'judging');
    expect(world.rollout(0).watch?.state).toBe('watching');
    world.judge({ verdict: 'fail', phase: 0 }, 1);
    world.settle(() => world.rollout(1).state === 'reverted');
    expect(world.last.watches).toEqual([world.rollout(0).id]);
    world.judge(bad, 0);
    world.settle();
    expect(world.assigned()).toEqual([v0, v0, v0, v0]);
  });

  it('what is found while a newer release has the job counts at once; the tasks go back when it has ended', () => {
    const world = watched();
    world.deploy(v2, { judged: true, plan: watchedPlan() });
    world.settle(() => world.rollout(1).phases[0]?.state === 'judging');
    world.judge(bad, 0);
    const { markWishes } = world.decide(10);
    expect(markWishes).toMatchObject([{ rollout: { to: v1, from: [v0] } }]);
    expect(world.rollout(0)).toMatchObject({ state: 'succeeded', watch: { state: 'failing' } });
    expect(explainWatched(world.rollout(0), world.nowMs)).toMatchObject({
      sentence: 'After the last phase it was found bad: memory grows',
      unblocker: { kind: 'rollout' },
    });
    expect(world.state.job.goodVersions).toEqual([v0]);
    world.mark(v1);
    world.mark(v2);
    world.settle();
    expect(world.rollout(1).state).toBe('reverted');
    expect(world.rollout(0).state).toBe('reverted');
    expect(world.assigned()).toEqual([v0, v0, v0, v0]);
  });

  it('a round in the watch takes nothing away from it', () => {
    const world = watched();
    world.change({ job: { ...world.state.job, limits: noLimits } });
    world.deploy(v1, { kind: 'restart', plan: planOf([4]) });
    world.settle(() => world.rollout(1).state === 'succeeded');
    world.judge(bad, 0);
    world.settle();
    expect(world.rollout(0).state).toBe('reverted');
    expect(world.assigned()).toEqual([v0, v0, v0, v0]);
  });

  it('after a rollback there is nothing left to watch', () => {
    const world = watched();
    roll(world, v0, { kind: 'rollback' }, 1);
    expect(world.rollout(0).watch?.state).toBe('ended');
    expect(world.rollout(1).watch).toBeUndefined();
  });
});
