import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { firstExtra, isExtra, servesClients } from '../disruption/index.ts';
import type { PlanSpec, VersionId } from '../model/index.ts';
import { planOf as plannedOf } from './plan.ts';
import { planOf, smallJob, v0, v1, v2 } from './testing/small-job.ts';

type World = ReturnType<typeof smallJob>;

/** As the configuration assembles it. */
function blueGreen(size: number, keepOldMs = 20_000, plan: Partial<PlanSpec> = {}): PlanSpec {
  const base = planOf([size], {}, { strategy: { blueGreen: { checkMs: 3000, keepOldMs } }, ...plan });
  const [all] = base.phases;
  const second = { ...all!, name: 'second-set', select: { secondSet: true as const } };
  return { ...base, phases: [{ ...second, minBakeMs: keepOldMs, maxBakeMs: keepOldMs }, all!] };
}

/** What clients are told of: version by index. */
function told({ state }: World, traffic = state.job.traffic): Map<number, VersionId> {
  const up = () => 'up' as const;
  const serving = [...state.tasks.values()].filter((task) => servesClients(task, up, traffic));
  return new Map(serving.map(({ index, current }) => [index, current!.version]));
}

const versionsOf = (world: World): VersionId[] => [...new Set(told(world).values())].sort();
const isSwitched = (world: World) => world.state.job.traffic?.side === 'only';

/** Until this holds, or it is at rest; each step sees what clients are told. */
function go(world: World, until: () => boolean = () => false, see: () => void = () => undefined): void {
  world.settle(() => {
    see();
    return until();
  });
}

describe('blue/green', () => {
  it('D1 D7 a second set comes up out of traffic, traffic is switched at once, the first follows, the second goes', () => {
    const world = smallJob({ size: 4, budget: 0, hosts: 4 });
    world.deploy(v1, { plan: blueGreen(4) });
    world.decide();
    expect(world.last.dispatches.map(({ operation: { kind, index, to } }) => [kind, index, to])).toEqual(
      [0, 1, 2, 3].map((at) => ['start', firstExtra + at, v1]),
    );
    const seen: string[] = [];
    go(
      world,
      () => world.rollout().endedAtMs !== undefined,
      () => {
        const now = told(world);
        expect(now.size).toBeGreaterThanOrEqual(4);
        const versions = [...new Set(now.values())].join(' ');
        if (seen.at(-1) !== versions) seen.push(versions);
      },
    );
    // Never both: all of the old ones, then all of the new ones.
    expect(seen).toEqual([v0, v1]);
    world.settle();
    expect(world.rollout().state).toBe('succeeded');
    expect([...told(world)].sort(([a], [b]) => a - b)).toEqual([0, 1, 2, 3].map((index) => [index, v1]));
    expect(world.state.job.traffic).toBeUndefined();
    expect([...world.state.assignment.keys()].some(isExtra)).toBe(false);
    expect(world.state.job.goodVersions).toEqual([v1, v0]);
  });

  it('it is switched to when all have served for as long as they are checked, and the first set stays as long as said', () => {
    const world = smallJob({ size: 3 });
    world.deploy(v1, { plan: blueGreen(3) });
    go(world, () => isSwitched(world));
    const since = [0, 1, 2].map((at) => world.state.tasks.get(firstExtra + at)!.current!.servingSinceMs!);
    expect(world.nowMs - Math.max(...since)).toBeGreaterThanOrEqual(3000);
    const switchedAtMs = world.nowMs;
    go(world, () => world.rollout().currentPhase === 1);
    expect(world.nowMs - switchedAtMs).toBeGreaterThanOrEqual(20_000);
  });

  it('H2 a version whose tasks fail before the switch never serves anybody, and nothing of the first set is touched', () => {
    const world = smallJob({ size: 3 });
    world.deploy(v1, { plan: blueGreen(3) });
    world.decide();
    world.obey();
    world.decide(100);
    world.report(firstExtra, 'failed', { failure: { reason: 'exited', summary: 'exit 1', lastLogLines: [] } });
    const touched = new Set<number>();
    go(
      world,
      () => false,
      () => {
        expect(versionsOf(world)).toEqual([v0]);
        for (const { operation } of world.last.dispatches) touched.add(operation.index);
      },
    );
    expect(world.rollout().state).toBe('reverted');
    expect([...touched].every(isExtra)).toBe(true);
    expect(world.state.job.traffic).toBeUndefined();
    expect([...world.state.tasks.values()].filter(({ index, current }) => isExtra(index) && current)).toEqual([]);
  });

  it('D6 going back after the switch is a switch: no task of the first set is started', () => {
    const world = smallJob({ size: 3, budget: 1 });
    world.deploy(v1, { plan: blueGreen(3), judged: true });
    go(world, () => isSwitched(world));
    expect(versionsOf(world)).toEqual([v1]);
    world.judge({ verdict: 'fail', sentence: 'errors doubled' });
    world.decide(100);
    // In the very decision that finds it.
    expect([...told(world).entries()]).toEqual([0, 1, 2].map((index) => [index, v0]));
    const started: number[] = [];
    go(
      world,
      () => false,
      () => {
        expect(versionsOf(world)).toEqual([v0]);
        for (const { operation } of world.last.dispatches)
          if (operation.kind !== 'resize-down') started.push(operation.index);
      },
    );
    expect(started).toEqual([]);
    expect(world.rollout()).toMatchObject({ state: 'reverted', failure: { by: 'judge' } });
  });

  it('D7 paused it stays as it is, before and after the switch; aborted it goes back to the first set', () => {
    for (const isAfter of [false, true]) {
      const world = smallJob({ size: 3 });
      world.deploy(v1, { plan: blueGreen(3) });
      if (isAfter) go(world, () => isSwitched(world));
      else world.decide();
      world.command('pause');
      world.settle();
      expect(world.rollout().state).toBe('held');
      expect(versionsOf(world)).toEqual([isAfter ? v1 : v0]);
      world.command('abort');
      world.settle();
      expect(versionsOf(world)).toEqual([v0]);
      expect(told(world).size).toBe(3);
      expect(world.state.job.traffic).toBeUndefined();
    }
  });

  it('D7 promoted before the switch, it is switched first, then the first set follows', () => {
    const world = smallJob({ size: 3, budget: 0 });
    world.deploy(v1, { plan: blueGreen(3, 600_000) });
    world.decide();
    world.command('promote');
    go(
      world,
      () => world.rollout().endedAtMs !== undefined,
      () => expect(told(world).size).toBeGreaterThanOrEqual(3),
    );
    expect(world.rollout().state).toBe('succeeded');
  });

  it('a newer release that takes over makes a second set of its own when the other one is gone', () => {
    const world = smallJob({ size: 3 });
    world.deploy(v1, { plan: blueGreen(3) });
    go(world, () => isSwitched(world));
    world.deploy(v2, { plan: blueGreen(3, 20_000, { overlap: 'supersede' }) });
    go(
      world,
      () => world.rollout(1).endedAtMs !== undefined,
      () => expect(told(world).size).toBeGreaterThanOrEqual(3),
    );
    expect(world.rollout(0).state).toBe('superseded');
    expect(world.rollout(1).state).toBe('succeeded');
    expect(versionsOf(world)).toEqual([v2]);
  });

  it('a resize waits until the second set is gone, and a second set until a resize is through', () => {
    const world = smallJob({ size: 3 });
    world.deploy(v1, { plan: blueGreen(3) });
    go(world, () => isSwitched(world));
    world.change({ job: { ...world.state.job, wantedSize: 5 } });
    world.decide(100);
    expect(world.state.job.size).toBe(3);
    world.settle();
    expect(world.rollout().state).toBe('succeeded');
    expect(world.state.job.size).toBe(5);
    expect([...told(world).keys()].sort((a, b) => a - b)).toEqual([0, 1, 2, 3, 4]);
  });

  it('a host that is lost takes members of both sets with it: they come up elsewhere', () => {
    const world = smallJob({ size: 4, budget: 1, hosts: 4 });
    world.deploy(v1, { plan: blueGreen(4) });
    world.decide();
    world.obey();
    world.decide(100);
    world.host('host-1', 'lost');
    go(world, () => world.rollout().endedAtMs !== undefined);
    expect(world.rollout().state).toBe('succeeded');
  });

  it('a first deployment, and a version that runs in the job already, need no second set', () => {
    const first = smallJob({ size: 2, running: null });
    first.deploy(v1, { plan: blueGreen(2) });
    first.settle();
    expect(first.rollout().state).toBe('succeeded');
    expect([...first.state.tasks.keys()].some(isExtra)).toBe(false);
    first.deploy(v1, { plan: blueGreen(2) });
    first.settle();
    expect(first.rollout(1).state).toBe('succeeded');
    expect([...first.state.tasks.keys()].some(isExtra)).toBe(false);
  });

  it('the plan has both phases: as many more as the job has, then all at once in their place', () => {
    const places = Array.from({ length: 4 }, (_, index) => ({ index, host: `host-${index}`, labels: {} }));
    const planned = plannedOf({ places, budget: { count: 1 }, isFirst: false, plan: blueGreen(4) });
    expect(
      planned.phases.map(({ spec, adds, atOnce, servingAtLeast }) => [spec.name, adds, atOnce, servingAtLeast]),
    ).toEqual([
      ['second-set', 4, 4, 4],
      ['phase-1', 4, 4, 4],
    ]);
    const first = plannedOf({ places, budget: { count: 1 }, isFirst: true, plan: blueGreen(4) });
    expect(first.dropped).toEqual(['second-set']);
  });

  it('I1 I3 whatever fails, and whatever persons say: clients lose no more than the budget by what was ordered', () => {
    const command = fc.constantFrom(
      'pause',
      'resume',
      'abort',
      'revert',
      'promote',
      'skip-bake',
      'none',
      'none',
      'none',
    );
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 0, max: 2 }),
        fc.array(fc.tuple(fc.nat({ max: 10 }), fc.boolean(), command), { maxLength: 14 }),
        fc.boolean(),
        (size, budget, happenings, isBad) => {
          const world = smallJob({ size, budget, hosts: 5 });
          world.deploy(v1, { plan: blueGreen(size, 4000), judged: isBad });
          for (let turn = 0; turn < 90 && world.rollout().endedAtMs === undefined; turn++) {
            const [index, isDown, said] = happenings[turn] ?? [99, false, 'none'];
            const hit = index < size ? index : firstExtra + (index - size);
            if (isDown && world.state.tasks.get(hit)?.current?.state === 'serving') world.report(hit, 'starting');
            if (said !== 'none') world.command(said);
            if (isBad && isSwitched(world)) world.judge({ verdict: 'fail' });
            const { traffic } = world.state.job;
            const wasBusy = new Set(
              world.state.operations.filter((one) => one.admittedAtMs !== undefined).map((one) => one.index),
            );
            world.decide(700);
            // What served as far as this decision knows, told by the traffic before it.
            const before = [...told(world, traffic).keys()].filter((one) => !wasBusy.has(one)).length;
            // What this decision did, by a switch or by what it ordered, leaves as many as the budget asks for – or as there were.
            const busy = new Set(
              world.state.operations
                .filter((one) => one.admittedAtMs !== undefined && one.kind !== 'start')
                .map((one) => one.index),
            );
            const left = [...told(world).keys()].filter((one) => !busy.has(one)).length;
            const isDone = world.last.dispatches.some((one) => one.operation.exemption === undefined);
            const isTurned = world.last.events.some(({ type }) => type === 'job.traffic');
            if (isDone || isTurned) expect(left).toBeGreaterThanOrEqual(Math.min(size - budget, before));
            // Unproven, and before the switch: nobody is told of it.
            if (world.state.job.traffic?.side === 'without') expect(versionsOf(world)).not.toContain(v1);
            world.obey();
            for (const task of world.state.tasks.values()) {
              if (task.current?.state === 'starting') world.report(task.index, 'serving');
            }
          }
          if (world.rollout().state === 'held') world.command('abort');
          for (let turn = 0; turn < 40; turn++) {
            for (const task of world.state.tasks.values()) {
              if (task.current?.state === 'starting') world.report(task.index, 'serving');
            }
            world.decide(1500);
            world.obey();
          }
          if (world.rollout().endedAtMs === undefined) return;
          expect(world.state.job.traffic).toBeUndefined();
          expect([...told(world).keys()].sort((a, b) => a - b)).toEqual([...Array(size).keys()]);
        },
      ),
      { numRuns: 150 },
    );
  });
});
