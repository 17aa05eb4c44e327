import { describe, expect, it } from 'vitest';
import { planOf, smallJob, v0, v1, v2 } from './testing/small-job.ts';

const hourMs = 3_600_000;
const onOne = { holdAfter: 'phase-1', holdFor: { ms: 2 * hourMs, next: 'revert' } } as const;

/** A canary of one task, held; somebody has two hours to look. */
function canary(change: Parameters<ReturnType<typeof smallJob>['deploy']>[1] = {}) {
  const world = smallJob();
  world.deploy(v1, { ...onOne, ...change });
  world.settle(() => world.rollout().state === 'held');
  expect(world.assigned().filter((version) => version === v1)).toHaveLength(1);
  return world;
}

describe('TWR-3 a canary of a few tasks has an owner and an end', () => {
  it('TWR-3 nobody lets it go on: it goes back by itself, blames nobody, and says why', () => {
    const world = canary();
    expect(world.rollout().hold?.by).toBe('hold-after');
    expect(world.rollout().hold?.then?.do).toBe('revert');
    world.decide(2 * hourMs - 5000);
    expect(world.rollout().state).toBe('held');
    world.decide(5001);
    expect(world.rollout().state).toBe('reverting');
    world.settle();
    expect(world.rollout().state).toBe('reverted');
    expect(world.rollout().failure).toMatchObject({ by: 'person', markAskedAtMs: undefined });
    expect(world.rollout().failure?.sentence).toContain('until the time that was set for it');
    expect(world.last.markWishes).toEqual([]);
    expect(world.assigned().every((version) => version === v0)).toBe(true);
  });

  it('somebody lets it go on before: it goes through and has no end any more', () => {
    const world = canary();
    world.command('resume');
    world.settle();
    expect(world.rollout().state).toBe('succeeded');
    world.decide(3 * hourMs);
    expect(world.rollout().state).toBe('succeeded');
  });

  it('it may also go on by itself', () => {
    const world = canary({ holdFor: { ms: hourMs, next: 'resume' } });
    world.decide(hourMs + 1);
    world.settle();
    expect(world.rollout().state).toBe('succeeded');
  });

  it('what cannot be undone stays held, however long', () => {
    const world = canary({ forwardOnly: 'a migration' });
    world.decide(100 * hourMs);
    expect(world.rollout().state).toBe('held');
    expect(world.rollout().hold?.then).toBeUndefined();
  });

  it('a rollout that is asked on its way to hold for a time does', () => {
    const world = smallJob();
    world.deploy(v1);
    world.command('hold-after', 0, undefined, 'phase-1', onOne.holdFor);
    world.settle(() => world.rollout().state === 'held');
    expect(world.rollout().hold?.then?.do).toBe('revert');
  });

  it('TWR-3 a newer release waits until its end, or absorbs it where its plan says so', () => {
    const waiting = canary();
    waiting.deploy(v2);
    waiting.decide(1000);
    expect(waiting.rollout(1).state).toBe('waiting');
    waiting.decide(2 * hourMs);
    waiting.settle();
    expect([waiting.rollout(0).state, waiting.rollout(1).state]).toEqual(['reverted', 'succeeded']);
    const absorbed = canary();
    absorbed.deploy(v2, { plan: planOf([1, 4], {}, { overlap: 'supersede' }) });
    absorbed.settle();
    expect([absorbed.rollout(0).state, absorbed.rollout(1).state]).toEqual(['superseded', 'succeeded']);
  });
});
