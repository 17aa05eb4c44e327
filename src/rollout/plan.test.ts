import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isUnderWay, type Selector } from '../model/index.ts';
import { planOf as plannedOf } from './plan.ts';
import type { TaskPlace } from './select.ts';
import { planOf, smallJob, v1 } from './testing/small-job.ts';

const selector: fc.Arbitrary<Selector> = fc.oneof(
  fc.record({ count: fc.integer({ min: 1, max: 9 }) }),
  fc.record({ percent: fc.integer({ min: 1, max: 100 }) }),
  fc.record({ region: fc.constantFrom('north', 'south', 'nowhere') }),
  fc.record({ tasks: fc.array(fc.nat({ max: 9 }), { minLength: 1, maxLength: 3 }) }),
);

function placesOf(world: ReturnType<typeof smallJob>): TaskPlace[] {
  const labels = new Map(world.state.inventory.hosts.map((host) => [host.id, host.labels]));
  return [...world.state.tasks.values()].map(({ index, current }) => {
    return { index, host: current!.host, labels: labels.get(current!.host)! };
  });
}

describe('the plan of a rollout', () => {
  it('D1 D2 is what then happens: phases, members, how many at once', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 9 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(selector, { minLength: 0, maxLength: 3 }),
        fc.integer({ min: 1, max: 4 }),
        (size, budget, selectors, concurrency) => {
          const world = smallJob({ size, budget });
          const base = planOf([1]).phases[0]!;
          const phases = [...selectors, { percent: 100 }].map((select, at) => ({
            ...base,
            name: `phase-${at}`,
            select,
            concurrency: { count: concurrency },
          }));
          const plan = { ...planOf([1]), phases };
          const planned = plannedOf({ plan, places: placesOf(world), budget: { count: budget }, isFirst: false });
          world.deploy(v1, { plan });
          const most = new Map<string, number>();
          for (let turn = 0; turn < 400 && world.rollout().endedAtMs === undefined; turn++) {
            world.decide(700);
            const { phases: now, currentPhase } = world.rollout();
            const underWay = world.state.operations.filter((one) => isUnderWay(one.state)).length;
            const name = now[currentPhase]!.name;
            most.set(name, Math.max(most.get(name) ?? 0, underWay));
            world.obey();
          }
          expect(world.rollout().state).toBe('succeeded');
          const real = world.rollout().phases.filter((phase) => phase.passedBy?.note !== 'it adds nobody');
          const started = real.filter((phase) => phase.members.length > 0);
          expect(started.map((phase) => [phase.name, phase.members])).toEqual(
            planned.phases.map((phase) => [phase.spec.name, phase.members]),
          );
          for (const phase of planned.phases) expect(most.get(phase.spec.name)).toBe(phase.atOnce);
        },
      ),
      { numRuns: 60 },
    );
  });

  it('its hash changes with the members, the limits and the plan, and with nothing else', () => {
    const world = smallJob({ size: 6, budget: 2 });
    const facts = { plan: planOf([1, 6]), places: placesOf(world), budget: { count: 2 }, isFirst: false };
    const { hash } = plannedOf(facts);
    expect(plannedOf(facts).hash).toBe(hash);
    expect(plannedOf({ ...facts, budget: { count: 3 } }).hash).not.toBe(hash);
    expect(plannedOf({ ...facts, plan: planOf([2, 6]) }).hash).not.toBe(hash);
    expect(plannedOf({ ...facts, places: facts.places.slice(1) }).hash).not.toBe(hash);
  });
});
