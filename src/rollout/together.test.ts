import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { Barrier, JobName, OnFail, Rollout, RolloutCommand, TaskState } from '../model/index.ts';
import { barrierFacts } from './barrier.ts';
import { explainRollout } from './explain.ts';
import { orderOfGroup } from './group-order.ts';
import { type Rules, standardRules } from './rules.ts';
import { smallGroup } from './testing/small-group.ts';
import { v0, v1, v2 } from './testing/small-job.ts';
import { mayCommand } from './transitions.ts';

const waves = [['us'], ['eu', 'asia']];

/** When each phase of each job began, in the order of beginning. */
function begun(group: ReturnType<typeof smallGroup>, outcome?: Parameters<typeof group.settle>[1]): string[] {
  const seen: string[] = [];
  group.settle(() => {
    for (const name of group.names) {
      for (const phase of group.rollout(name).phases) {
        const one = `${name}/${phase.name}`;
        if (phase.startedAtMs !== undefined && !seen.includes(one)) seen.push(one);
      }
    }
    return group.isOver();
  }, outcome);
  return seen;
}

describe('rollouts that go together', () => {
  it('D1 by phase: the first wave is a phase ahead, and nobody is two ahead', () => {
    const group = smallGroup({ waves, barrier: 'phase', phases: { us: [1, 2, 4], eu: [1, 4], asia: [1, 2, 4] } });
    expect(begun(group)).toEqual([
      'us/phase-1',
      'eu/phase-1',
      'asia/phase-1',
      'us/phase-2',
      'eu/phase-2',
      'asia/phase-2',
      'us/phase-3',
      'asia/phase-3',
    ]);
    expect(group.states()).toEqual(['succeeded', 'succeeded', 'succeeded']);
  });

  it('D1 by job: a wave begins when the one before is through', () => {
    const group = smallGroup({ waves, barrier: 'job' });
    expect(begun(group)).toEqual([
      'us/phase-1',
      'us/phase-2',
      'eu/phase-1',
      'asia/phase-1',
      'eu/phase-2',
      'asia/phase-2',
    ]);
    expect(group.states()).toEqual(['succeeded', 'succeeded', 'succeeded']);
  });

  it('D1 D6 nobody ends before all are through: the version is good nowhere until it is everywhere', () => {
    const group = smallGroup({ waves, barrier: 'job' });
    group.settle(() => group.rollout('us').phases.at(-1)?.state === 'passed');
    expect(group.rollout('us').state).toBe('running');
    expect(group.job('us').state.job.goodVersions).toEqual([v0]);
    group.settle(group.isOver);
    for (const name of group.names) expect(group.job(name).state.job.goodVersions).toEqual([v1, v0]);
  });

  it('D5 D6 one that fails takes all that were touched back, and those that have not begun never begin', () => {
    const group = smallGroup({ waves: [['us'], ['eu'], ['asia']], barrier: 'job' });
    group.settle(group.isOver, (name) => (name === 'eu' ? 'failed' : 'serving'));
    // What goes back has to come up again.
    group.settle(group.isOver);
    expect(group.states()).toEqual(['reverted', 'reverted', 'aborted']);
    for (const name of group.names) expect(group.job(name).assigned()).toEqual(Array(4).fill(v0));
    expect(group.rollout('us').failure).toMatchObject({
      by: 'group',
      sentence: expect.stringContaining('eu has failed'),
    });
    expect(group.rollout('eu').failure?.by).toBe('basic-checks');
    // Only the one that failed has evidence for a mark.
    expect(group.rollout('us').failure?.markAskedAtMs).toBeUndefined();
    expect(group.rollout('eu').failure?.markAskedAtMs).toBeDefined();
  });

  it('D7 one that holds by its onFail holds the others; they go on when it does', () => {
    const group = smallGroup({ waves: [['us', 'eu']], barrier: 'none', judged: ['us'], plan: { onFail: 'hold' } });
    group.settle(() => group.rollout('us').phases[0]?.state === 'judging');
    group.job('us').judge({ verdict: 'fail', sentence: 'errors doubled' });
    expect(group.settle(() => group.rollout('eu').hold?.by === 'group')).toBe(true);
    expect(group.states()).toEqual(['held', 'held']);
    expect(group.rollout('eu').hold?.reason).toBe('us has failed: errors doubled');
    group.tell('us', 'promote');
    expect(group.settle(group.isOver)).toBe(true);
    expect(group.states()).toEqual(['succeeded', 'succeeded']);
  });

  it('D5 D6 H9 at a barrier the judge goes on looking: what fails there takes all of them back', () => {
    const group = smallGroup({ waves: [['us'], ['eu']], barrier: 'job', judged: ['us'] });
    group.settle(() => group.rollout('us').phases[0]?.state === 'judging');
    const passes = () => group.job('us').judge({ verdict: 'pass', sentence: 'no worse' });
    passes();
    group.settle(() => group.rollout('us').phases[1]?.state === 'judging');
    passes();
    // It is through, and waits for eu; its last look was a pass.
    expect(group.settle(() => group.rollout('eu').phases[0]?.state === 'updating')).toBe(true);
    expect(group.rollout('us').phases.map(({ state }) => state)).toEqual(['passed', 'passed']);
    group.turn('us');
    expect(group.job('us').last.looks).toEqual(['ro_us']);
    expect(group.rollout('us').state).toBe('running');
    group.job('us').judge({ verdict: 'fail', sentence: 'errors doubled', drivers: [0] });
    expect(group.settle(group.isOver)).toBe(true);
    expect(group.states()).toEqual(['reverted', 'reverted']);
    expect(group.rollout('us').failure).toMatchObject({ by: 'judge', sentence: 'errors doubled', indices: [0] });
    expect(group.rollout('eu').failure?.by).toBe('group');
    for (const name of group.names) expect(group.job(name).assigned()).toEqual(Array(4).fill(v0));
  });

  it('D7 what the judge finds at a barrier acts by its onFail, and a person who resumes has seen it', () => {
    const plan = { onFail: 'hold' as const };
    const group = smallGroup({ waves: [['us', 'eu']], barrier: 'phase', judged: ['us'], plan });
    const isAtBarrier = () => group.rollout('us').phases[0]?.state === 'passed';
    while (!isAtBarrier()) {
      group.turn('us');
      if (group.rollout('us').phases[0]?.state === 'judging') group.job('us').judge({ verdict: 'pass' });
    }
    group.turn('us');
    group.job('us').judge({ verdict: 'fail', sentence: 'errors doubled' });
    group.turn('us');
    expect(group.rollout('us')).toMatchObject({ state: 'held', hold: { by: 'onFail' } });
    group.tell('us', 'resume');
    group.turn('us');
    expect(group.rollout('us').state).toBe('running');
    group.turn('us');
    expect(group.rollout('us').state).toBe('running');
    // It is worse still at the next look.
    group.job('us').judge({ verdict: 'fail', sentence: 'errors tripled' });
    group.turn('us');
    expect(group.rollout('us').failure?.sentence).toBe('errors tripled');
    expect(group.rollout('us').state).toBe('held');
    // A person lets it through, whatever the judge says of it.
    group.tell('us', 'promote');
    group.turn('us');
    group.job('us').judge({ verdict: 'fail', sentence: 'errors tripled' });
    group.turn('us');
    expect(group.rollout('us').state).toBe('running');
  });

  it('D7 a check that may only hold does so at a barrier too', () => {
    const group = smallGroup({ waves: [['us', 'eu']], barrier: 'phase', judged: ['us'] });
    while (group.rollout('us').phases[0]?.state !== 'passed') {
      group.turn('us');
      if (group.rollout('us').phases[0]?.state === 'judging') group.job('us').judge({ verdict: 'pass' });
    }
    group.turn('us');
    group.job('us').judge({ verdict: 'undecided', holds: ['p99 doubled'] });
    group.turn('us');
    expect(group.rollout('us').hold?.reason).toMatch(/may hold.*at the barrier. p99 doubled/);
  });

  it('D7 a hold that turns into a revert turns the others', () => {
    const plan = { onFail: { holdThenRevertAfterMs: 5000 } };
    const group = smallGroup({ waves: [['us', 'eu']], barrier: 'phase', plan });
    const fails = (name: JobName) => (name === 'us' ? ('failed' as const) : ('serving' as const));
    group.settle(() => group.rollout('eu').hold?.by === 'group', fails);
    expect(group.settle(group.isOver)).toBe(true);
    expect(group.states()).toEqual(['reverted', 'reverted']);
    for (const name of group.names) expect(group.job(name).assigned()).toEqual(Array(4).fill(v0));
  });

  it('D7 a person who resumes one of them has seen the failure of the other', () => {
    const group = smallGroup({ waves: [['us', 'eu']], barrier: 'none', plan: { onFail: 'hold' } });
    group.settle(
      () => group.rollout('eu').hold?.by === 'group',
      (name) => (name === 'us' ? 'failed' : 'serving'),
    );
    group.tell('eu', 'resume');
    group.settle(
      () => group.rollout('eu').phases.at(-1)?.state === 'passed',
      (name) => (name === 'us' ? 'failed' : 'serving'),
    );
    expect(group.states()).toEqual(['held', 'running']);
  });

  it('C11 L2 it says which job and phase it waits for, and a person can let it go on', () => {
    const group = smallGroup({ waves, barrier: 'phase' });
    group.turn('us');
    group.turn('eu');
    const [eu] = group.job('eu').state.rollouts;
    const why = explainRollout(group.job('eu').state, eu!, group.job('eu').nowMs);
    expect(why.sentence).toBe(
      'eu waits before its phase phase-1: us has not passed its phase phase-1 yet (phase-1: updating).',
    );
    expect(why).toMatchObject({ next: 'us passes phase-1', unblocker: { kind: 'rollout', rollout: 'ro_us' } });
    group.tell('eu', 'pass-barrier');
    group.turn('eu');
    group.turn('eu');
    expect(group.rollout('eu')).toMatchObject({ state: 'running', unbarred: 'ada: because' });
    expect(group.rollout('asia').state).toBe('waiting');
  });

  it('D7 a person can let a running or a held one go on too, with a reason', () => {
    const group = smallGroup({ waves: [['us', 'eu']], barrier: 'phase', phases: { us: [1, 2, 4], eu: [1, 2, 4] } });
    group.turn('eu', 'starting');
    group.tell('us', 'pause');
    group.turn('us');
    for (const name of group.names) {
      group.tell(name, 'pass-barrier');
      group.turn(name);
      expect(group.rollout(name).unbarred, name).toBe('ada: because');
    }
    expect(group.states()).toEqual(['held', 'running']);
    // Now that it waits for nobody, it ends alone.
    group.settle(() => group.rollout('eu').endedAtMs !== undefined);
    expect(group.states()).toEqual(['held', 'succeeded']);
  });

  it('L2 one that waits for a job that somebody aborted waits for a person, and says so', () => {
    const group = smallGroup({ waves, barrier: 'job' });
    group.turn('us');
    group.tell('us', 'abort');
    group.turn('us');
    group.turn('eu');
    const [eu] = group.job('eu').state.rollouts;
    const why = explainRollout(group.job('eu').state, eu!, group.job('eu').nowMs);
    expect(why.unblocker.kind).toBe('person');
    expect(why.next).toContain('pass-barrier');
    group.tell('eu', 'pass-barrier');
    group.tell('asia', 'abort');
    expect(group.settle(group.isOver)).toBe(true);
    expect(group.states()).toEqual(['aborted', 'succeeded', 'aborted']);
  });

  it('a person’s revert of one job leaves the others waiting, not reverted', () => {
    const group = smallGroup({ waves: [['us', 'eu']], barrier: 'phase' });
    group.turn('us');
    group.turn('eu');
    group.tell('us', 'revert');
    group.settle(() => group.rollout('us').state === 'reverted');
    group.turn('eu');
    expect(group.rollout('eu').state).toBe('running');
    expect(group.rollout('eu').failure).toBeUndefined();
  });

  it('a first deployment that fails holds all of them, and the next release takes over', () => {
    const group = smallGroup({ waves: [['us', 'eu']], barrier: 'phase', empty: ['us'] });
    group.settle(
      () => group.rollout('eu').hold?.by === 'group',
      (name) => (name === 'us' ? 'failed' : 'serving'),
    );
    expect(group.rollout('us').hold?.by).toBe('first-deployment');
    group.job('eu').deploy(v2);
    group.turn('eu');
    expect(group.rollout('eu').state).toBe('superseded');
  });

  it('a restart goes ahead while a release waits for other jobs', () => {
    const group = smallGroup({ waves, barrier: 'job' });
    group.job('eu').deploy(v0, { id: 'ro_round', kind: 'restart' });
    group.turn('us', 'starting');
    group.turn('eu');
    expect(group.job('eu').rollout(1).state).toBe('running');
  });

  it('it says again what others read when that changes, and only then', () => {
    const group = smallGroup({ waves: [['us', 'eu']], barrier: 'phase' });
    const before = barrierFacts(group.rollout('us'));
    group.turn('us');
    const started = barrierFacts(group.rollout('us'));
    expect(started).not.toBe(before);
    const moved: Rollout = { ...group.rollout('us'), budgetOverride: { count: 3, reason: 'x' } };
    expect(barrierFacts(moved)).toBe(started);
  });
});

/** The barrier once more, written from its definition. */
function mayHaveBegun(
  group: ReturnType<typeof smallGroup>,
  barrier: Barrier,
  order: readonly (readonly JobName[])[],
  name: JobName,
  at: number,
): boolean {
  const mine = order.findIndex((wave) => wave.includes(name));
  return order.every((wave, place) =>
    wave.every((other) => {
      if (other === name || barrier === 'none') return true;
      const { phases, plan } = group.rollout(other);
      const isBack = group.rollout(other).state === 'reverting' || group.rollout(other).state === 'reverted';
      const passed = isBack ? 0 : phases.filter(({ state }) => state === 'passed').length;
      const all = plan.phases.length;
      if (barrier === 'job') return place >= mine || passed === all;
      return passed >= Math.min(all, place < mine ? at + 1 : at);
    }),
  );
}

/** Whoever rests waits for a person, or for another job that does: nobody waits in a circle. */
function waitsForPerson(group: ReturnType<typeof smallGroup>, name: JobName, seen: readonly JobName[] = []): boolean {
  if (seen.includes(name)) return false;
  const rollout = group.rollout(name);
  if (rollout.endedAtMs !== undefined) return false;
  const job = group.job(name);
  const { unblocker } = explainRollout(job.state, rollout, job.nowMs);
  if (unblocker.kind === 'person') return true;
  const next = unblocker.kind === 'rollout' ? group.names.find((one) => `ro_${one}` === unblocker.rollout) : undefined;
  return next !== undefined && waitsForPerson(group, next, [...seen, name]);
}

const runs = process.env.TEST_LONG ? 5000 : 80;

describe('properties', { timeout: process.env.TEST_LONG ? 300_000 : 30_000 }, () => {
  const names = ['a', 'b', 'c'];
  const orders = fc.constantFrom([['a'], ['b', 'c']], [['a', 'b', 'c']], [['a', 'b'], ['c']], [['a'], ['b'], ['c']]);
  const steps = fc.constantFrom([4], [1, 4], [1, 2, 4]);

  function playUnattended(rules: Rules = standardRules): void {
    fc.assert(
      fc.property(
        orders,
        fc.constantFrom<Barrier>('phase', 'job', 'none'),
        fc.tuple(steps, steps, steps),
        fc.option(fc.constantFrom(...names), { nil: undefined }),
        fc.integer({ min: 0, max: 12 }),
        fc.array(fc.constantFrom(...names), { minLength: 20, maxLength: 60 }),
        (order, barrier, [a, b, c], bad, failsFrom, turns) => {
          const group = smallGroup({ waves: order, barrier, phases: { a, b, c }, rules });
          const begunNow = (name: JobName): number[] =>
            group.rollout(name).phases.flatMap(({ startedAtMs }, at) => (startedAtMs === undefined ? [] : [at]));
          const step = (name: JobName, isFailing: boolean): void => {
            const before = new Set(begunNow(name));
            const allowed = [0, 1, 2].filter((at) => mayHaveBegun(group, barrier, order, name, at));
            group.turn(name, isFailing && name === bad ? 'failed' : 'serving');
            for (const at of begunNow(name)) {
              if (!before.has(at)) expect(allowed, `${name} begins ${at}`).toContain(at);
            }
          };
          for (const [at, name] of turns.entries()) step(name, at >= failsFrom);
          for (let round = 0; round < 60 && !group.isOver(); round++) for (const name of names) step(name, false);
          expect(group.isOver(), group.states().join()).toBe(true);
          const states = group.states();
          const isGood = states.every((state) => state === 'succeeded');
          expect(isGood || states.every((state) => state === 'reverted' || state === 'aborted')).toBe(true);
          for (const name of names) expect(group.job(name).assigned()).toEqual(Array(4).fill(isGood ? v1 : v0));
        },
      ),
      { numRuns: runs, endOnFailure: true },
    );
  }

  it('I3 no job begins a phase that its barrier forbids; all succeed, or all that were touched have gone back', () => {
    playUnattended();
  });

  it.each<[string, Partial<Rules>]>([
    ['no barrier is ever closed', { barrierBefore: () => undefined }],
    [
      'barriers forget the waves',
      {
        barrierBefore: (rollout, at, others) => {
          const { group } = rollout;
          const flat = group && { ...group, waves: [group.waves.flat()] };
          return standardRules.barrierBefore({ ...rollout, group: flat }, at, others);
        },
      },
    ],
    ['one that is through ends at once', { barrierAtEnd: () => undefined }],
    ['nobody follows a failure', { failureOf: () => undefined }],
  ])('it is seen when %s', (_, broken) => {
    expect(() => playUnattended({ ...standardRules, ...broken })).toThrow();
  });

  it('I3 L2 the same with persons who say anything at any time; what rests waits for a person, and says so', () => {
    const commands = fc.constantFrom<RolloutCommand | undefined>(
      ...(['pause', 'resume', 'abort', 'revert', 'promote', 'skip-bake', 'pass-barrier'] as const),
      ...Array<undefined>(8).fill(undefined),
    );
    const onFail = fc.constantFrom<OnFail>('revert', 'hold', { holdThenRevertAfterMs: 3000 });
    const turn = fc.record({
      name: fc.constantFrom(...names),
      command: commands,
      outcome: fc.constantFrom<TaskState>('serving', 'serving', 'serving', 'serving', 'failed'),
    });
    fc.assert(
      fc.property(
        orders,
        fc.constantFrom<Barrier>('phase', 'job', 'none'),
        fc.tuple(steps, steps, steps),
        onFail,
        fc.array(turn, { minLength: 10, maxLength: 60 }),
        (order, barrier, [a, b, c], rule, turns) => {
          const group = smallGroup({ waves: order, barrier, phases: { a, b, c }, plan: { onFail: rule } });
          const startsOf = (name: JobName): (number | undefined)[] =>
            group.rollout(name).phases.map(({ startedAtMs }) => startedAtMs);
          const step = (name: JobName, outcome: TaskState): void => {
            const before = startsOf(name);
            const allowed = [0, 1, 2].filter((at) => mayHaveBegun(group, barrier, order, name, at));
            group.turn(name, outcome);
            const { unbarred, promoted } = group.rollout(name);
            startsOf(name).forEach((startedAtMs, at) => {
              const isNew = startedAtMs !== undefined && before[at] === undefined;
              if (isNew && unbarred === undefined && promoted === undefined) {
                expect(allowed, `${name} begins ${at}`).toContain(at);
              }
            });
          };
          for (const { name, command, outcome } of turns) {
            if (command !== undefined) group.tell(name, command);
            step(name, outcome);
          }
          for (let round = 0; round < 40; round++) for (const name of names) step(name, 'serving');
          for (const name of names) {
            const rollout = group.rollout(name);
            if (rollout.endedAtMs !== undefined) continue;
            expect(waitsForPerson(group, name), `${name}: ${rollout.state}`).toBe(true);
            expect(mayCommand(rollout, 'abort', 'enough').ok).toBe(true);
            group.tell(name, 'abort');
          }
          for (const name of names) step(name, 'serving');
          expect(group.isOver()).toBe(true);
        },
      ),
      { numRuns: runs, endOnFailure: true },
    );
  });

  it('the order that a plan shows is one in which the run goes', () => {
    fc.assert(
      fc.property(
        orders,
        fc.constantFrom<Barrier>('phase', 'job', 'none'),
        fc.tuple(steps, steps, steps),
        fc.array(fc.integer({ min: 1, max: 50 }), { minLength: 9, maxLength: 9 }),
        (order, barrier, [a, b, c], took) => {
          const phases = { a, b, c };
          const jobs = order.flat().map((name, at) => ({
            name,
            phases: phases[name as 'a'].map((_, i) => ({ name: `phase-${i + 1}`, tookMs: took[at * 3 + i]! })),
          }));
          const planned = orderOfGroup({ waves: order.map((wave) => [...wave]), barrier }, jobs);
          expect(planned).toHaveLength(a.length + b.length + c.length);
          const endOf = (job: string, phase: string) =>
            planned.find((one) => one.job === job && one.phase === phase)!.endsMs;
          for (const one of planned) {
            for (const before of one.after)
              expect(one.startsMs).toBeGreaterThanOrEqual(endOf(before.job, before.phase));
          }
          // What begins in a run has everything behind it that the plan says comes before.
          const seen = begun(smallGroup({ waves: order, barrier, phases }));
          for (const { job, phase, after } of planned) {
            for (const before of after) {
              expect(seen.indexOf(`${before.job}/${before.phase}`)).toBeLessThan(seen.indexOf(`${job}/${phase}`));
            }
          }
        },
      ),
      { numRuns: 30 },
    );
  });
});
