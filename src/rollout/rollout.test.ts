import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { bucketsOf, noLimits, noSharedLimits } from '../disruption/index.ts';
import { isUnderWay } from '../model/index.ts';
import { explainRollout } from './explain.ts';
import { planOf, smallJob, v0, v1, v2 } from './testing/small-job.ts';
import { mayCommand } from './transitions.ts';

const outNow = (world: ReturnType<typeof smallJob>): number =>
  new Set(world.state.operations.filter((one) => isUnderWay(one.state)).map((one) => one.index)).size;

describe('a rollout', () => {
  it('D1 D2 moves through nested phases within concurrency and budget, and its version becomes good', () => {
    const world = smallJob({ size: 6, budget: 2 });
    world.deploy(v1, { plan: planOf([1, 3, 6], { concurrency: { count: 1 } }) });
    const most = new Map<number, number>();
    for (let turn = 0; turn < 100 && world.rollout().endedAtMs === undefined; turn++) {
      world.decide(600);
      const phase = world.rollout().currentPhase;
      most.set(phase, Math.max(most.get(phase) ?? 0, world.assigned().filter((version) => version === v1).length));
      expect(outNow(world)).toBeLessThanOrEqual(1);
      world.obey();
    }
    expect(world.rollout().state).toBe('succeeded');
    expect([...most.values()]).toEqual([1, 3, 6]);
    expect(world.rollout().phases.map((phase) => phase.members.length)).toEqual([1, 3, 6]);
    expect(world.state.job.goodVersions).toEqual([v1, v0]);
  });

  it('records how a phase passed when nothing can be measured', () => {
    const world = smallJob();
    world.deploy(v1);
    world.settle(() => world.rollout().currentPhase === 1);
    expect(world.rollout().phases[0]?.passedBy).toEqual({
      by: 'basic-checks',
      note: 'basic checks only: 1 task, 1 s, no restarts',
    });
  });

  it('D5 D8 stops at the first failing new task and gives back exactly what it touched', () => {
    const world = smallJob({ size: 6, budget: 3 });
    world.deploy(v1, { plan: planOf([2, 6]) });
    world.decide();
    world.obey('failed');
    world.decide(10);
    expect(world.rollout().state).toBe('reverting');
    expect(world.rollout().failure).toMatchObject({ by: 'basic-checks', indices: [0, 1] });
    expect(world.assigned()).toEqual(Array(6).fill(v0));
    world.obey();
    world.settle();
    expect(world.rollout().state).toBe('reverted');
    expect(world.state.job.goodVersions).toEqual([v0]);
  });

  it('says nothing of the version when old tasks fail as often', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.deploy(v1, { plan: planOf([1, 4]) });
    world.decide();
    world.obey('failed');
    for (const index of [1, 2, 3]) world.report(index, 'failed');
    world.decide(10);
    expect(world.rollout().state).toBe('running');
  });

  it('D6 H11 a verdict in the last phase still reverts everything', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.deploy(v1, { judged: true });
    world.settle(() => world.rollout().phases[0]?.state === 'judging');
    world.judge({ verdict: 'pass' });
    world.settle(() => world.rollout().phases[1]?.state === 'judging');
    expect(world.assigned()).toEqual(Array(4).fill(v1));
    world.judge({ verdict: 'fail', sentence: 'errors doubled', drivers: [2] });
    world.decide(10);
    expect(world.rollout()).toMatchObject({ state: 'reverting', failure: { by: 'judge', indices: [2] } });
    expect(world.assigned()).toEqual(Array(4).fill(v0));
    expect(world.last.markWishes).toHaveLength(1);
  });

  it('holds when its plan says so, and reverts by itself after the stated time', () => {
    const world = smallJob();
    world.deploy(v1, { plan: planOf([1, 4], { onFail: { holdThenRevertAfterMs: 5000 } }) });
    world.decide();
    world.obey('failed');
    world.decide(10);
    expect(world.rollout()).toMatchObject({ state: 'held', hold: { by: 'onFail' } });
    expect(world.last.wakeAtMs).toBeDefined();
    world.decide(5001);
    expect(world.rollout().state).toBe('reverting');
  });

  it('holds after the phase a person named, and goes on when told', () => {
    const world = smallJob();
    world.deploy(v1, { holdAfter: 'phase-1' });
    world.settle();
    expect(world.rollout()).toMatchObject({ state: 'held', hold: { by: 'hold-after' } });
    expect(world.assigned().filter((version) => version === v1)).toHaveLength(1);
    world.command('resume');
    world.settle();
    expect(world.rollout().state).toBe('succeeded');
  });

  it('a first deployment starts everybody of its phase at once, and holds when it fails', () => {
    const world = smallJob({ running: null });
    world.deploy(v1, { plan: planOf([2, 4]) });
    world.decide();
    expect(outNow(world)).toBe(2);
    world.obey('failed');
    world.decide(10);
    expect(world.rollout()).toMatchObject({ state: 'held', hold: { by: 'first-deployment' } });
    world.deploy(v2);
    world.decide();
    expect(world.rollout(0).state).toBe('superseded');
    expect(world.rollout(1)).toMatchObject({ state: 'running', firstDeployment: true });
  });

  it('D1 I3 tasks that run the version already take the place of those whom a phase selects, and an event says so', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.deploy(v1, { holdAfter: 'phase-1' });
    world.settle();
    world.command('abort');
    world.decide(10);
    expect(world.assigned()).toEqual([v1, v0, v0, v0]);
    const [first, last] = planOf([1, 4]).phases;
    const plan = { ...planOf([1, 4]), phases: [{ ...first!, select: { rack: 'rack-2' } }, last!] };
    world.deploy(v1, { plan });
    world.decide(10);
    expect(world.rollout(1).phases[0]?.members).toEqual([0]);
    expect(world.last.events.find(({ type }) => type === 'rollout.deviated')?.data).toEqual({
      cause: 'they run the version already',
      taken: [0],
      left: [2],
    });
  });
});

describe('overlap', () => {
  it('newer releases wait, and the newest waiting wins', () => {
    const world = smallJob();
    world.deploy(v1);
    world.decide();
    world.deploy(v2);
    world.deploy(v2);
    world.decide();
    expect([world.rollout(0).state, world.rollout(1).state, world.rollout(2).state]).toEqual([
      'running',
      'superseded',
      'waiting',
    ]);
    world.obey();
    world.settle();
    expect(world.rollout(2).state).toBe('succeeded');
  });

  it('supersede takes over all indices with their lastGood; a revert then goes back behind both', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.deploy(v1, { plan: planOf([2, 4]), holdAfter: 'phase-1' });
    world.settle();
    world.deploy(v2, { plan: planOf([1, 4], {}, { overlap: 'supersede' }) });
    world.decide();
    expect(world.rollout(0).state).toBe('superseded');
    expect(world.assigned().filter((version) => version === v1).length).toBeLessThan(2);
    world.obey('failed');
    world.settle();
    expect(world.rollout(1).state).toBe('reverted');
    expect(world.assigned()).toEqual(Array(4).fill(v0));
  });
});

describe('assignment', () => {
  it('D3 I2 a replacement after machine loss runs what its phase prescribes', () => {
    const world = smallJob({ size: 4, budget: 1 });
    world.deploy(v1, { holdAfter: 'phase-1' });
    world.settle();
    const [updated] = [...world.state.tasks.values()].filter((task) => task.current?.version === v1);
    const [old] = [...world.state.tasks.values()].filter((task) => task.current?.version === v0);
    world.host(updated!.current!.host, 'lost');
    world.host(old!.current!.host, 'lost');
    world.decide(10);
    const starts = world.last.dispatches.map((one) => [one.operation.index, one.operation.kind, one.operation.to]);
    expect(starts).toContainEqual([updated!.index, 'start', v1]);
    expect(starts).toContainEqual([old!.index, 'start', v0]);
  });

  it.each([
    ['last-good', v0],
    ['new', v1],
  ] as const)('D4 newcomers get what the policy says: %s', (newcomers, expected) => {
    const world = smallJob({ size: 4, budget: 1 });
    world.deploy(v1, { plan: planOf([2, 4], { select: { count: 3 } }, { newcomers }), holdAfter: 'phase-1' });
    world.decide();
    world.change({ job: { ...world.state.job, wantedSize: 5 } });
    world.decide(10);
    // The phase has room for three, and three are taken: only last-good is left to give.
    expect(world.assigned()[4]).toBe(newcomers === 'new' ? v0 : expected);
  });

  it('I3 a smaller job computes the allowance again and gives the surplus back', () => {
    const world = smallJob({ size: 8, budget: 8 });
    const half = planOf([1, 8]);
    world.deploy(v1, {
      plan: { ...half, phases: [{ ...half.phases[0]!, select: { percent: 50 } }, half.phases[1]!] },
      holdAfter: 'phase-1',
    });
    world.settle();
    expect(world.assigned().filter((version) => version === v1)).toHaveLength(4);
    world.change({ job: { ...world.state.job, wantedSize: 4 } });
    world.decide(10);
    expect(world.assigned().filter((version) => version === v1).length).toBeLessThanOrEqual(2);
    expect(world.last.events.map((event) => event.type)).toContain('rollout.deviated');
  });

  it('I4 a rollout whose version is marked has failed; the revert passes over marked versions too', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.change({ job: { ...world.state.job, goodVersions: [v0, v2] } });
    world.deploy(v1, { holdAfter: 'phase-1' });
    world.settle();
    world.mark(v1);
    world.mark(v0);
    world.command('resume');
    world.decide(10);
    expect(world.last.outcomes[0]).toMatchObject({ ok: false });
    world.command('revert');
    world.decide(10);
    expect(world.assigned().filter((version) => version === v2)).toHaveLength(1);
  });

  it('holds and pages when there is no good version to go back to', () => {
    const world = smallJob();
    world.deploy(v1, { holdAfter: 'phase-1' });
    world.settle();
    world.mark(v0);
    world.command('revert');
    world.decide(10);
    expect(world.rollout()).toMatchObject({ state: 'held', hold: { by: 'no-good-version' } });
  });
});

describe('an index that leaves its job', () => {
  it('keeps its numbers: what starts on it later is newer than all that agents remember', () => {
    const world = smallJob({ size: 4, budget: 2 });
    world.deploy(v1);
    world.settle();
    const before = world.state.tasks.get(3)!.highestIncarnation;
    expect(before).toBeGreaterThan(1);
    world.change({ job: { ...world.state.job, wantedSize: 3 } });
    world.settle();
    expect(world.state.tasks.get(3)).toMatchObject({ current: undefined, highestIncarnation: before });
    expect(world.state.assignment.has(3)).toBe(false);
    expect(world.state.job.resizingFrom).toBeUndefined();
    world.decide(10);
    expect(world.last.changed.retired.size).toBe(0);
    world.change({ job: { ...world.state.job, wantedSize: 4 } });
    world.decide(10);
    const started = world.last.dispatches.flatMap((one) => (one.kind === 'execute' ? [one.request] : []));
    expect(started).toMatchObject([{ index: 3, kind: 'start', nextIncarnation: before + 1 }]);
  });

  it('is stopped when the dead host on which it ran comes back', () => {
    const world = smallJob({ size: 4, budget: 2 });
    world.host('host-3', 'fenced');
    world.change({ job: { ...world.state.job, wantedSize: 3 } });
    world.settle();
    expect(world.state.tasks.get(3)?.current).toBeUndefined();
    world.host('host-3', 'up');
    world.report(3, 'serving', { incarnation: 1, host: 'host-3' });
    world.decide(10);
    expect(world.last.dispatches.map(({ operation }) => [operation.kind, operation.index, operation.host])).toEqual([
      ['resize-down', 3, 'host-3'],
    ]);
    world.obey();
    world.settle();
    expect(world.state.tasks.get(3)?.current).toBeUndefined();
  });
});

describe('the budget', () => {
  it('C1 TWD-6 failures and updates share one budget; the release stops at it and goes on when they are back', () => {
    const world = smallJob({ size: 6, budget: 2, hosts: 6 });
    world.deploy(v1, { plan: planOf([1, 6]) });
    world.settle(() => world.rollout().currentPhase === 1);
    const spare = [...world.state.tasks.values()].filter((task) => task.current?.version === v0).slice(0, 2);
    for (const task of spare) world.report(task.index, 'crash-looping');
    world.decide(10);
    const admitted = world.last.dispatches.filter((one) => one.kind === 'execute');
    // Two are out: only what is out itself may be updated, at no cost.
    for (const { operation } of admitted) expect(operation.exemption).toBe('still-out');
    expect(world.state.operations.some((one) => one.blockedBy === 'The budget of 2 is used up.')).toBe(true);
  });

  it('a revert that failures left no room for is blocked until a person raises the budget for it', () => {
    const world = smallJob({ size: 4, budget: 1, hosts: 4 });
    world.deploy(v1, { holdAfter: 'phase-1' });
    world.settle();
    const old = [...world.state.tasks.values()].filter((task) => task.current?.version === v0);
    for (const task of old.slice(0, 2)) world.report(task.index, 'starting');
    world.command('revert');
    world.decide(10);
    expect(world.state.operations.map((one) => one.blockedBy)).toContain('The budget of 1 is used up.');
    world.command('raise-budget', 0, 3);
    world.decide(10);
    expect(world.last.dispatches.map((one) => one.operation.to)).toEqual([v0]);
  });

  it('maintenance moves tasks within the budget, and stops what is left at its deadline', () => {
    const world = smallJob({ size: 4, budget: 1, hosts: 2 });
    const outage = { id: 'out_1', cause: 'maintenance', scope: { host: 'host-0' }, operation: undefined } as const;
    const times = { startsAtMs: world.nowMs + 100, deadlineAtMs: world.nowMs + 5000, endedAtMs: undefined };
    world.change({ outages: [{ ...outage, ...times }] });
    world.decide();
    expect(world.last.dispatches).toEqual([]);
    world.decide(200);
    expect(world.last.dispatches.map((one) => [one.operation.kind, one.operation.host])).toEqual([['move', 'host-1']]);
    world.decide(5000);
    expect(world.last.dispatches.map((one) => [one.operation.kind, one.operation.exemption])).toEqual([
      ['stop', 'forced'],
    ]);
  });
});

describe('a decision', () => {
  it('taken twice changes nothing', () => {
    fc.assert(
      fc.property(
        fc.array(fc.constantFrom('serving', 'failed', 'starting', 'crash-looping'), { maxLength: 4 }),
        (states) => {
          const world = smallJob({ size: 4, budget: 2 });
          world.deploy(v1);
          world.decide();
          world.obey();
          for (const [index, state] of states.entries()) world.report(index, state as 'serving');
          world.decide(50);
          const { changed, dispatches, events } = world.decide(0);
          expect([changed.tasks.size, changed.assignment.size, dispatches.length, events.length]).toEqual([0, 0, 0, 0]);
        },
      ),
    );
  });

  it('does not depend on the order in which reports came, nor on their repetition', () => {
    fc.assert(
      fc.property(fc.infiniteStream(fc.nat({ max: 9 })), (order) => {
        const facts = [true, false].map((isShuffled) => {
          const world = smallJob({ size: 3 });
          for (const state of ['starting', 'serving', 'failed', 'starting', 'serving'] as const) {
            world.report(0, state);
            world.report(1, state);
          }
          const reports = [...world.state.reports];
          const shuffled = reports.map((one) => ({ one, at: order.next().value })).sort((a, b) => a.at - b.at);
          world.change({ reports: isShuffled ? [...shuffled.map(({ one }) => one), ...reports.slice(3)] : reports });
          world.decide(10);
          return [...world.state.tasks.values()].map(({ current }) => [current?.state, current?.sequence]);
        });
        expect(facts[0]).toEqual(facts[1]);
      }),
    );
  });

  it('D12 the parts of a rollout’s time sum to the whole', () => {
    const world = smallJob({ size: 4 });
    world.deploy(v1, { holdAfter: 'phase-1' });
    world.settle();
    world.decide(5000);
    world.command('resume');
    world.settle();
    const { time, createdAtMs, endedAtMs } = world.rollout();
    const sum = Object.values(time.spentMs).reduce((a, b) => a + b, 0);
    expect(sum).toBe(endedAtMs! - createdAtMs);
    expect(time.spentMs.held).toBeGreaterThanOrEqual(5000);
    expect(time.spentMs.updating).toBeGreaterThan(0);
    expect(time.spentMs.judging).toBeGreaterThan(0);
  });
});

describe('what limits it beside the budget', () => {
  it('D11 a rate spreads the updates over time, reverts too, and explain says when the next may begin', () => {
    const world = smallJob({ size: 6, budget: 6, hosts: 6 });
    const limits = { ...noLimits, rate: { count: 2, perMs: 60_000 } };
    const buckets = bucketsOf('guestbook', limits, noSharedLimits, world.state.inventory.hosts);
    world.change({
      job: { ...world.state.job, limits },
      buckets: buckets.map((one) => ({ ...one, revision: 0, takenAtMs: [] })),
    });
    world.deploy(v1, { plan: planOf([6]) });
    world.decide();
    expect(world.last.dispatches).toHaveLength(2);
    expect(world.last.changed.buckets.get('service/guestbook')?.takenAtMs).toHaveLength(2);
    world.obey();
    world.decide(100);
    expect(world.last.dispatches).toEqual([]);
    expect(world.last.wakeAtMs).toBe(world.nowMs + 59_900);
    const why = explainRollout(world.state, world.rollout(), world.nowMs);
    expect(why.sentence).toMatch(/^The update of task \d is blocked: The rate 2 per 1 m of guestbook is used up/);
    expect(why).toMatchObject({ next: 'the next may be taken out in 1 m', unblocker: { kind: 'time' } });
    world.command('revert');
    world.decide(100);
    expect(world.last.dispatches).toEqual([]);
    world.decide(60_000);
    expect(world.last.dispatches.map(({ operation }) => operation.to)).toEqual([v0, v0]);
  });

  it('C1 two of one rack, or of one group, are never out together', () => {
    const world = smallJob({ size: 6, budget: 6, hosts: 2 });
    const limits = { ...noLimits, budgetPerDomain: { rack: { count: 1 } } };
    world.change({ job: { ...world.state.job, limits } });
    world.deploy(v1, { plan: planOf([6]) });
    world.decide();
    expect(world.last.dispatches.map(({ operation }) => operation.host).sort()).toEqual(['host-0', 'host-1']);
    const blocked = world.state.operations.flatMap((one) => one.blockedBy ?? []);
    expect(blocked).toContain('The budget of 1 for rack rack-0 is used up.');
    world.settle();
    expect(world.rollout().state).toBe('succeeded');
    const grouped = smallJob({ size: 6, budget: 6 });
    grouped.change({ job: { ...grouped.state.job, limits: { ...noLimits, budgetPerGroup: { groups: 3, max: 1 } } } });
    grouped.deploy(v1, { plan: planOf([6]) });
    grouped.decide();
    const groups = grouped.last.dispatches.map(({ operation }) => Math.floor(operation.index / 3));
    expect(groups.sort()).toEqual([0, 1]);
  });
});

describe('a change that cannot be undone', () => {
  const forwardOnly = 'it drops a column';

  it('D8 holds for a person when it fails, however it fails, and gives nothing back', () => {
    for (const onFail of ['revert', { holdThenRevertAfterMs: 1000 }] as const) {
      const world = smallJob({ size: 4, budget: 2 });
      world.deploy(v1, { plan: planOf([2, 4], { onFail }), judged: true, forwardOnly });
      world.settle(() => world.rollout().phases[0]?.state === 'judging');
      world.judge({ verdict: 'fail', sentence: 'errors +9 %' });
      world.decide(10);
      expect(world.rollout()).toMatchObject({ state: 'held', hold: { by: 'forward-only' } });
      expect(world.rollout().hold).not.toHaveProperty('then.do');
      world.decide(60_000);
      expect(world.assigned().filter((version) => version === v1)).toHaveLength(2);
      expect(world.last.markWishes.length + world.state.rollouts.length).toBeGreaterThan(0);
    }
  });

  it('a mark, and a job that shrinks, undo nothing either; a person may, with a reason', () => {
    const world = smallJob({ size: 4, budget: 2 });
    world.deploy(v1, { plan: planOf([2, 4]), forwardOnly, holdAfter: 'phase-1' });
    world.settle();
    world.command('resume');
    world.mark(v1);
    world.decide(10);
    world.change({ job: { ...world.state.job, wantedSize: 3 } });
    world.settle();
    expect(world.assigned().filter((version) => version === v1).length).toBeGreaterThan(0);
    expect(mayCommand(world.rollout(), 'revert', undefined)).toMatchObject({
      ok: false,
      error: { code: 'rollout/needs-reason' },
    });
    world.command('revert');
    world.settle();
    expect(world.rollout().state).toBe('reverted');
  });

  it('the next release takes over, and is bound by what ran already', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.deploy(v1, { plan: planOf([2, 4]), judged: true, forwardOnly });
    world.settle(() => world.rollout().phases[0]?.state === 'judging');
    world.judge({ verdict: 'fail' });
    world.decide(10);
    world.deploy(v2, { plan: planOf([4]) });
    world.decide(10);
    expect(world.rollout(1)).toMatchObject({ state: 'running', forwardOnly });
    world.settle();
    expect(world.rollout(1).state).toBe('succeeded');
    // Nothing goes back behind it any more, whatever fails later.
    expect(world.state.job.goodVersions).toEqual([v2]);
  });
});

describe('a late failure', () => {
  it('D8 after 80 % it reverts exactly what it touched, exempt tasks at once, in no more rounds than the budget needs', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 5, max: 14 }),
        fc.integer({ min: 1, max: 4 }),
        fc.array(fc.nat({ max: 13 }), { maxLength: 3 }),
        (size, budget, broken) => {
          const world = smallJob({ size, budget, hosts: 4 });
          const late = Math.ceil(size * 0.85);
          world.deploy(v1, { plan: planOf([1, late, size]), judged: true });
          for (let phase = 0; phase < 2; phase++) {
            world.settle(() => world.rollout().phases[phase]?.state === 'judging');
            if (phase === 0) {
              world.decide(1500);
              world.judge({ verdict: 'pass' });
            }
          }
          const touched = world.assigned().filter((version) => version === v1).length;
          expect(touched).toBe(late);
          // Some of the new ones are down by then: to put them back takes nothing out.
          const runsNew = [...world.state.tasks.values()].filter(({ current }) => current?.version === v1);
          const down = new Set(broken.filter((index) => runsNew.some((task) => task.index === index)));
          for (const index of down) world.report(index, 'crash-looping');
          world.judge({ verdict: 'fail', sentence: 'errors +9 %' });
          world.decide(10);
          expect(world.rollout().state).toBe('reverting');
          const first = world.last.dispatches.flatMap((one) => (one.kind === 'execute' ? [one.operation] : []));
          const exempt = first.filter(({ exemption }) => exemption === 'still-out').map(({ index }) => index);
          expect(exempt.sort()).toEqual([...down].sort());
          let rounds = 1;
          world.obey();
          for (; world.rollout().state === 'reverting' && rounds < 40; rounds++) {
            world.decide(100);
            world.obey();
          }
          expect(world.assigned().every((version) => version === v0)).toBe(true);
          expect(world.rollout().state).toBe('reverted');
          // One more to see that the last ones serve; what was down held the budget in the first round only.
          expect(rounds - 1).toBeLessThanOrEqual(Math.ceil((late - down.size) / budget) + (down.size > 0 ? 1 : 0));
        },
      ),
      { numRuns: 80 },
    );
  });

  it('tasks of one fault domain go back together', () => {
    const world = smallJob({ size: 12, budget: 3, hosts: 4 });
    world.deploy(v1, { plan: planOf([11, 12]), judged: true });
    world.settle(() => world.rollout().phases[0]?.state === 'judging');
    world.judge({ verdict: 'fail' });
    world.decide(10);
    const hosts = world.last.dispatches.map(({ operation }) => operation.host);
    expect(hosts).toHaveLength(3);
    expect(new Set(hosts).size).toBe(1);
  });
});
