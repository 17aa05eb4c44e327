import { type Chance, pickBelow, pickOne, seededChance } from '../src/kit/index.ts';
import {
  type Barrier,
  barriers,
  type Hold,
  type Rollout,
  type RolloutFailure,
  type RolloutGroup,
  type RolloutId,
} from '../src/model/index.ts';
import type { JobDecision, JobState } from '../src/rollout/index.ts';
import { Violation } from './invariants.ts';

/** Another job whose rollout goes together with the first one of ours: what it does is planted. */
export interface SiblingScript {
  readonly barrier: Barrier;
  /** Its wave, as seen from ours. */
  readonly wave: 'before' | 'beside' | 'after';
  readonly phaseTakesMs: number;
  /** In which of its phases it fails, and what comes of that; undefined: it does not. */
  readonly fails: { readonly phase: number; readonly and: 'reverts' | 'resumes' | 'aborts' } | undefined;
}

/** Phases of a plan as they are drawn; a second set (blue/green) has fewer. */
const phasesDrawn = 3;

/** Every seventh run deploys to two jobs together. */
export function siblingOf(seed: number): SiblingScript | undefined {
  const chance = seededChance(seed, 'sibling');
  if (chance.next() < 0.86) return undefined;
  return {
    barrier: pickOne(chance, barriers),
    wave: pickOne(chance, ['before', 'beside', 'after'] as const),
    phaseTakesMs: 1000 + pickBelow(chance, 15_000),
    fails: chance.next() < 0.6 ? undefined : failureOf(chance),
  };
}

function failureOf(chance: Chance): SiblingScript['fails'] {
  return { phase: pickBelow(chance, phasesDrawn), and: pickOne(chance, ['reverts', 'resumes', 'aborts'] as const) };
}

/** As both rollouts name it: those of the earlier wave first. */
export function groupOf({ barrier, wave }: SiblingScript, own: RolloutId, job: Rollout['job']): RolloutGroup {
  const us = { name: 'production', job, rollout: own };
  const them = { name: 'elsewhere', job: 'guestbook@elsewhere' as const, rollout: siblingId };
  const members = wave === 'before' ? [them, us] : [us, them];
  const waves = wave === 'beside' ? [[us.name, them.name]] : members.map(({ name }) => [name]);
  return { id: 'run_sibling', name: us.name, barrier, waves, members };
}

const siblingId: RolloutId = 'ro_sibling';

type Member = Pick<Rollout, 'state' | 'phases'>;

function passed({ state, phases }: Member): number {
  if (state === 'succeeded') return phases.length;
  const isBack = state === 'reverting' || state === 'reverted';
  return isBack ? 0 : phases.filter((phase) => phase.state === 'passed').length;
}

/** How many phases of the other one have to be passed before one begins its phase `at`. */
function needed(barrier: Barrier, isOtherEarlier: boolean, at: number, count: number): number {
  if (barrier === 'none') return 0;
  if (barrier === 'job') return isOtherEarlier ? count : 0;
  return Math.min(count, isOtherEarlier ? at + 1 : at);
}

/** What it does next, and after how long. */
interface Step {
  readonly inMs: number;
  readonly act: (nowMs: number) => void;
}

/** The rollout of the other job: begins, passes, fails, follows and ends, each a while after it may. */
export class Sibling {
  /** Ours. */
  readonly own: RolloutId;
  readonly #script: SiblingScript;
  #rollout: Rollout;
  #hasFailed = false;

  constructor(script: SiblingScript, own: Rollout) {
    this.#script = script;
    this.own = own.id;
    const phases = own.plan.phases.map(({ name, minBakeMs, maxBakeMs, onFail }) => ({
      ...blankPhase,
      ...{ name, minBakeMs, maxBakeMs, onFail },
    }));
    const group = { ...own.group!, name: 'elsewhere' };
    this.#rollout = { ...own, id: siblingId, job: 'guestbook@elsewhere', group, state: 'waiting', phases };
  }

  get others(): ReadonlyMap<RolloutId, Rollout> {
    return new Map([[siblingId, this.#rollout]]);
  }

  /** Undefined: it waits for ours, or has ended. Of ours: as it is, or how it ended. */
  next(own: Rollout | undefined, ownEnd: Rollout['state'] | undefined): Step | undefined {
    const { state, endedAtMs } = this.#rollout;
    if (endedAtMs !== undefined) return undefined;
    if (state === 'reverting') return this.#end('reverted');
    if (state === 'held') return this.#script.fails?.and === 'aborts' ? this.#end('aborted') : this.#resume();
    const by = own?.state === 'reverting' ? own.failure?.by : undefined;
    if (by !== undefined && by !== 'group' && by !== 'person') {
      return this.#become((nowMs) => ({ state: 'reverting', failure: failed('group', nowMs) }));
    }
    if (ownEnd !== undefined && ownEnd !== 'succeeded') return this.#end('aborted');
    const at = passed(this.#rollout);
    const count = this.#rollout.phases.length;
    const ownPassed = ownEnd === 'succeeded' ? count : own === undefined ? 0 : passed(own);
    if (at === count) return ownPassed === count ? this.#end('succeeded') : undefined;
    const { barrier, wave } = this.#script;
    if (ownPassed < needed(barrier, wave === 'after', at, count)) return undefined;
    return this.#script.fails?.phase === at && !this.#hasFailed ? this.#fail() : this.#pass(at);
  }

  #pass(at: number): Step {
    const change = (nowMs: number): Partial<Rollout> => {
      const now = { state: 'passed', startedAtMs: nowMs, endedAtMs: nowMs } as const;
      const phases = this.#rollout.phases.map((phase, n) => (n === at ? { ...phase, ...now } : phase));
      return { state: 'running', phases, currentPhase: Math.min(at + 1, phases.length - 1) };
    };
    return { ...this.#become(change), inMs: this.#script.phaseTakesMs };
  }

  #fail(): Step {
    return this.#become((nowMs) => {
      this.#hasFailed = true;
      const failure = failed('basic-checks', nowMs);
      if (this.#script.fails?.and === 'reverts') return { state: 'reverting', failure };
      return { state: 'held', failure, hold: holdOf(nowMs) };
    });
  }

  #resume(): Step {
    return this.#become(() => ({ state: 'running', hold: undefined, failure: undefined }));
  }

  #end(state: Rollout['state']): Step {
    return this.#become((nowMs) => ({ state, hold: undefined, endedAtMs: nowMs }));
  }

  #become(change: (nowMs: number) => Partial<Rollout>): Step {
    const act = (nowMs: number): void => {
      this.#rollout = { ...this.#rollout, ...change(nowMs) };
    };
    return { inMs: 3000, act };
  }
}

function holdOf(sinceMs: number): Hold {
  // biome-ignore lint/suspicious/noThenProperty: the hold's own word
  return { by: 'onFail', reason: 'it fails', sinceMs, resumesTo: 'running', then: undefined };
}

const blankPhase = {
  state: 'waiting',
  onUndecided: undefined,
  members: [],
  allowance: 0,
  concurrency: 1,
  startedAtMs: undefined,
  updatedAtMs: undefined,
  endedAtMs: undefined,
  passAsked: undefined,
  passedBy: undefined,
} as const;

function failed(by: RolloutFailure['by'], atMs: number): RolloutFailure {
  return { by, sentence: 'it fails elsewhere', atMs, indices: [], hosts: [], markAskedAtMs: undefined };
}

/** What the judge finds while a phase that has passed waits at its barrier is not passed over. */
function heedsJudge(before: JobState, after: Rollout, was: Rollout | undefined): void {
  const phase = was?.phases[was.currentPhase];
  const evidence = was && before.evidence.get(was.id);
  if (was?.state !== 'running' || phase?.state !== 'passed' || evidence?.verdict !== 'fail') return;
  const knownUntilMs = Math.max(phase.endedAtMs ?? 0, was.failure?.atMs ?? 0);
  const isNew = evidence.phase === was.currentPhase && evidence.atMs > knownUntilMs;
  const isLetThrough = after.promoted !== undefined || after.phases[was.currentPhase]?.passAsked !== undefined;
  if (!isNew || isLetThrough || was.firstDeployment || after.state !== 'running') return;
  throw new Violation('judge', 'a rollout goes on although the judge found harm at its barrier', {
    phase: phase.name,
    evidence,
  });
}

/**
 * No phase begins before the other job has passed what the barrier asks for, and nobody ends well while the other one
 * can still fail; when that one goes back, ours does not go on. A person may say otherwise.
 */
export function goTogether(before: JobState, { changed }: JobDecision): void {
  for (const rollout of changed.rollouts.values()) {
    const { group, unbarred, promoted } = rollout;
    const other = before.others?.get(siblingId);
    if (group === undefined || other === undefined || unbarred !== undefined) continue;
    const was = before.rollouts.find(({ id }) => id === rollout.id);
    const isOtherEarlier = group.waves[0]?.includes('production') === false;
    for (const [at, phase] of rollout.phases.entries()) {
      const isNew = phase.startedAtMs !== undefined && was?.phases[at]?.startedAtMs === undefined;
      if (
        !isNew ||
        promoted !== undefined ||
        passed(other) >= needed(group.barrier, isOtherEarlier, at, other.phases.length)
      )
        continue;
      throw new Violation('barrier', 'a phase began before another job was so far', {
        phase: phase.name,
        other: other.state,
      });
    }
    heedsJudge(before, rollout, was);
    const mayFail = other.endedAtMs === undefined && passed(other) < other.phases.length;
    if (rollout.state === 'succeeded' && mayFail) {
      throw new Violation('barrier', 'a rollout ended while another job could still fail', { other: other.state });
    }
    const isHeeded = (other.failure?.atMs ?? 0) >= (rollout.heedsFailuresFromMs ?? 0);
    if (rollout.state === 'running' && other.state === 'reverting' && other.failure?.by !== 'group' && isHeeded) {
      throw new Violation('barrier', 'a rollout goes on although another job goes back', { state: rollout.state });
    }
  }
}
