import { describe, expect, it } from 'vitest';
import type { DriverPlugin } from '../drivers/index.ts';
import { planOf, smallJob, v0, v1 } from './testing/small-job.ts';

const right: DriverPlugin = {
  name: 'own',
  capabilities: { surge: false, move: false },
  check: ({ zone }) => (zone === undefined ? 'no zone is named' : undefined),
  open: () => {
    throw new Error('a decision opens nothing');
  },
};

/** The job gets this driver, which has its hosts. */
function give(world: ReturnType<typeof smallJob>, driver: string, driverSettings?: Record<string, string>): void {
  const { job, inventory } = world.state;
  const hosts = inventory.hosts.map((host) => ({ ...host, driver }));
  world.change({ job: { ...job, driver, driverSettings }, inventory: { ...inventory, hosts } });
}

/** A job that runs, and is given another driver: with it come the settings. */
function jobOf(driver: string, driverSettings: Record<string, never> | { zone: string }, plan = planOf([3])) {
  const world = smallJob({ size: 3, budget: 1 });
  world.rules = { ...world.rules, drivers: new Map([['own', right]]) };
  give(world, driver, driverSettings);
  world.deploy(v1, { plan });
  world.settle();
  return world;
}

describe('D2 a job whose driver is a plug-in', () => {
  it.each([
    ['that is not here', 'gone:a@b', {}, planOf([3]), 'This server has no driver gone'],
    ['that does not take its settings', 'own:a@b', {}, planOf([3]), 'does not take its settings: no zone is named.'],
    [
      'that lends nothing',
      'own:a@b',
      { zone: 'x' },
      planOf([3], {}, { strategy: { surge: { count: 1 } } }),
      'cannot run extra tasks',
    ],
  ])(
    'has its rollout held when it is one %s, and the next release takes over',
    (_, driver, settings, plan, sentence) => {
      const world = jobOf(driver, settings, plan);
      expect(world.rollout().hold).toMatchObject({ by: 'driver', reason: expect.stringContaining(sentence) });
      expect(world.assigned()).toEqual([v0, v0, v0]);
      give(world, 'fleet');
      world.deploy(v1, { plan: planOf([3]) });
      world.settle();
      expect(world.rollout(0).state).toBe('superseded');
      expect(world.rollout(1).state).toBe('succeeded');
    },
  );

  it('says since when its driver does not answer, and nothing moves', () => {
    const world = smallJob({ size: 3, budget: 1 });
    const inventory = { ...world.state.inventory, massSilence: true, silentSinceMs: Date.UTC(2026, 0, 1) };
    const hosts = inventory.hosts.map((host) => ({ ...host, driver: 'own:a@b' }));
    world.rules = { ...world.rules, drivers: new Map([['own', right]]) };
    const job = { ...world.state.job, driver: 'own:a@b', driverSettings: { zone: 'x' } };
    world.change({ job, inventory: { ...inventory, hosts } });
    world.deploy(v1, { plan: planOf([3]) });
    world.decide();
    const waiting = [...world.state.operations.values()].map(({ blockedBy }) => blockedBy);
    expect(waiting).toContain('The driver own does not answer since 2026-01-01T00:00:00.000Z: nothing moves.');
  });
});
