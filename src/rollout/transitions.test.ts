import { describe, expect, it } from 'vitest';
import { type Rollout, rolloutCommands, rolloutStates } from '../model/index.ts';
import { newRollout } from './new-rollout.ts';
import { job, planOf, smallJob, v1 } from './testing/small-job.ts';
import { legalCommands, mayCommand, ownTransitions, transitions } from './transitions.ts';

const final = ['succeeded', 'reverted', 'aborted', 'superseded'];

function rolloutIn(state: Rollout['state'], resumesTo: 'waiting' | 'running' | 'reverting' = 'running'): Rollout {
  const createdBy = { kind: 'person', name: 'ada' } as const;
  const base = { id: 'ro_1', job, release: undefined, to: v1, kind: 'deploy', plan: planOf([1, 4]) } as const;
  const rollout = newRollout({ ...base, judged: true, holdAfter: undefined, createdBy, reason: undefined }, 0);
  if (state !== 'held') return { ...rollout, state };
  // biome-ignore lint/suspicious/noThenProperty: a hold says what happens then; nobody awaits one
  return { ...rollout, state, hold: { by: 'person', reason: '', sinceMs: 0, resumesTo, then: undefined } };
}

describe('the states of a rollout', () => {
  it('L2 every state that is not final has an exit that a person can take', () => {
    for (const state of rolloutStates) {
      for (const resumesTo of ['waiting', 'running', 'reverting'] as const) {
        const commands = legalCommands(rolloutIn(state, resumesTo));
        if (final.includes(state)) expect(commands).toEqual([]);
        else expect(commands, `${state} ${resumesTo}`).toContain('abort');
      }
    }
  });

  it('L2 from every state a final one can be reached', () => {
    for (const start of rolloutStates) {
      const reached = new Set<string>([start]);
      for (const state of reached) {
        for (const next of ownTransitions[state as Rollout['state']]) reached.add(next);
        for (const next of Object.values(transitions[state as Rollout['state']]))
          if (next !== 'resumed') reached.add(next);
      }
      expect(
        [...reached].some((state) => final.includes(state)),
        start,
      ).toBe(true);
    }
  });

  it('D7 what the table does not have is refused with a problem', () => {
    for (const state of rolloutStates) {
      for (const command of rolloutCommands) {
        const may = mayCommand(rolloutIn(state), command, 'because');
        if (transitions[state][command] === undefined) {
          expect(may).toMatchObject({ ok: false, error: { code: 'rollout/illegal-transition' } });
        }
      }
    }
  });

  it('D7 what lets something through needs a reason', () => {
    for (const command of ['promote', 'raise-budget'] as const) {
      expect(mayCommand(rolloutIn('running'), command, undefined)).toMatchObject({
        ok: false,
        error: { code: 'rollout/needs-reason' },
      });
    }
  });
});

describe('commands', () => {
  it('D7 pause gives back what has not begun, resume takes it again, each audited with its reason', () => {
    const world = smallJob({ size: 4, budget: 1 });
    world.deploy(v1, { plan: planOf([3, 4]) });
    world.decide();
    world.command('pause');
    world.decide(10);
    expect(world.rollout().state).toBe('held');
    expect(world.assigned().filter((version) => version === v1)).toHaveLength(0);
    expect(world.last.dispatches.map((one) => one.kind)).toEqual(['cancel']);
    const audit = world.last.events.find((event) => event.type === 'rollout.commanded');
    expect(audit).toMatchObject({ actor: { name: 'ada' }, data: { command: 'pause', reason: 'because' } });
    world.command('resume');
    world.decide(10);
    expect(world.assigned().filter((version) => version === v1)).toHaveLength(3);
  });

  it('D7 abort leaves what is done and takes nothing more', () => {
    const world = smallJob();
    world.deploy(v1, { plan: planOf([1, 4]) });
    world.settle(() => world.rollout().currentPhase === 1);
    world.command('abort');
    world.settle();
    expect(world.rollout().state).toBe('aborted');
    expect(world.assigned().filter((version) => version === v1)).toHaveLength(1);
  });

  it('D7 promote lets all gates through and says who did', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.deploy(v1, { judged: true });
    world.decide();
    world.command('promote');
    world.settle();
    expect(world.rollout().state).toBe('succeeded');
    expect(world.rollout().phases.map((phase) => phase.passedBy)).toEqual([
      { by: 'person', note: 'ada: because' },
      { by: 'person', note: 'ada: because' },
    ]);
  });

  it('D7 hold-after of a rollout under way: it holds when that phase has passed; one that is over is refused', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.deploy(v1, { plan: planOf([1, 2, 4]) });
    world.settle(() => world.rollout().currentPhase === 1);
    const [first, second] = world.rollout().phases.map(({ name }) => name);
    world.command('hold-after', 0, undefined, first);
    world.decide();
    expect(world.last.outcomes.at(-1)).toMatchObject({ ok: false, detail: expect.stringContaining('over already') });
    world.command('hold-after', 0, undefined, 'nowhere');
    world.decide();
    expect(world.last.outcomes.at(-1)).toMatchObject({ ok: false, detail: expect.stringContaining('nowhere') });
    world.command('hold-after', 0, undefined, second);
    world.settle(() => world.rollout().state === 'held');
    expect(world.rollout().hold?.by).toBe('hold-after');
    expect(world.assigned().filter((version) => version === v1)).toHaveLength(2);
    world.command('resume');
    world.settle();
    expect(world.rollout().state).toBe('succeeded');
  });

  it('D7 hold-after of one that waits for its turn goes by the names of its plan', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.deploy(v1, { plan: planOf([1, 4]) });
    const [first] = planOf([1, 4]).phases.map(({ name }) => name);
    world.command('hold-after', 0, undefined, first);
    world.decide();
    expect(world.last.outcomes.at(-1)).toMatchObject({ ok: true });
    world.settle(() => world.rollout().state === 'held');
    expect(world.rollout()).toMatchObject({ hold: { by: 'hold-after' }, currentPhase: 0 });
  });

  it('D7 skip-bake passes one phase, not the next', () => {
    const world = smallJob({ size: 4, budget: 4 });
    world.deploy(v1, { judged: true });
    world.settle(() => world.rollout().phases[0]?.state === 'judging');
    world.command('skip-bake');
    world.settle(() => world.rollout().currentPhase === 1 && world.rollout().phases[1]?.state === 'judging');
    expect(world.rollout().phases[0]?.passedBy?.by).toBe('person');
    expect(world.rollout().state).toBe('running');
  });
});
