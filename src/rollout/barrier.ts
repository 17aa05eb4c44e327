import type { GroupSpec, JobName, Rollout } from '../model/index.ts';

/**
 * What ties the rollouts of several jobs together: when one of them may go on, and what the failure of another one
 * means for it. Read from the rows of the others' rollouts under the guard of the group, which everybody bumps who
 * changes what is read here (`barrierFacts`).
 */

/** A barrier that is closed: which job has to pass which phase first. */
export interface BarrierWait {
  readonly job: JobName;
  readonly rollout: Rollout['id'];
  /** Undefined: all of its phases. */
  readonly phase: string | undefined;
  readonly sentence: string;
  /** It will never pass by itself: a person has to decide. */
  readonly isStuck: boolean;
}

/** What a rollout is to its group. */
type Member = Pick<Rollout, 'id' | 'state' | 'phases' | 'plan' | 'group' | 'failure' | 'hold'>;

const phaseCount = ({ phases, plan }: Member): number => (phases.length === 0 ? plan.phases : phases).length;

/** How many of its phases are over and passed: what barriers ask for. */
export function passedPhases(rollout: Member): number {
  if (rollout.state === 'succeeded') return phaseCount(rollout);
  if (rollout.state === 'reverting' || rollout.state === 'reverted') return 0;
  const open = rollout.phases.findIndex(({ state }) => state !== 'passed');
  return open === -1 ? rollout.phases.length : open;
}

/** All its phases have passed. */
export function isThrough(rollout: Member): boolean {
  return passedPhases(rollout) >= phaseCount(rollout);
}

/** How many phases of another job have to be passed; infinity: all. */
export interface Needed {
  readonly name: JobName;
  readonly phases: number;
}

/**
 * What has to be passed before a job begins its phase `at`. `job`: every job of earlier waves is through. `phase`:
 * every job has passed the phase before, and those of earlier waves this one.
 */
export function neededBefore({ waves, barrier }: GroupSpec, name: JobName, at: number): readonly Needed[] {
  if (barrier === 'none') return [];
  const mine = waves.findIndex((wave) => wave.includes(name));
  return waves.flatMap((wave, place) => {
    const isEarlier = place < mine;
    const phases = barrier === 'phase' ? (isEarlier ? at + 1 : at) : isEarlier ? Number.POSITIVE_INFINITY : 0;
    return phases === 0 ? [] : wave.filter((other) => other !== name).map((other) => ({ name: other, phases }));
  });
}

/**
 * Why a rollout may not begin its phase `at` yet; undefined: it may. A job with fewer phases than others has passed all
 * later ones once it is through. A rollout whose others are not known waits.
 */
export function barrierBefore(
  rollout: Rollout,
  at: number,
  others: ReadonlyMap<Rollout['id'], Rollout>,
): BarrierWait | undefined {
  const { group } = rollout;
  if (group === undefined || isLetThrough(rollout)) return undefined;
  for (const { name, phases } of neededBefore(group, group.name, at)) {
    const member = group.members.find((one) => one.name === name);
    if (member === undefined) continue;
    const wait = waitFor(others.get(member.rollout), member.rollout, name, phases);
    if (wait !== undefined) return wait;
  }
  return undefined;
}

/** A person said so, of this barrier or of all gates. */
function isLetThrough({ unbarred, promoted }: Rollout): boolean {
  return unbarred !== undefined || promoted !== undefined;
}

/**
 * Why a rollout that is through does not end yet: while another one can still fail it must be able to go back with it.
 * Undefined: it may end.
 */
export function barrierAtEnd(rollout: Rollout, others: ReadonlyMap<Rollout['id'], Rollout>): BarrierWait | undefined {
  const { group } = rollout;
  if (group === undefined || rollout.unbarred !== undefined) return undefined;
  for (const { name, rollout: id } of group.members) {
    const other = others.get(id);
    if (id === rollout.id || other?.endedAtMs !== undefined) continue;
    const wait = waitFor(other, id, name, Number.POSITIVE_INFINITY);
    if (wait !== undefined) return wait;
  }
  return undefined;
}

function waitFor(
  other: Rollout | undefined,
  id: Rollout['id'],
  name: JobName,
  wanted: number,
): BarrierWait | undefined {
  if (other === undefined) {
    return { job: name, rollout: id, phase: undefined, sentence: `${name} is not known.`, isStuck: true };
  }
  const needed = Math.min(wanted, phaseCount(other));
  const passed = passedPhases(other);
  if (passed >= needed) return undefined;
  const isWhole = wanted === Number.POSITIVE_INFINITY;
  const next = (other.phases.length === 0 ? other.plan.phases : other.phases)[isWhole ? passed : needed - 1]?.name;
  const isStuck = other.endedAtMs !== undefined;
  const what = isWhole ? `is not through yet` : `has not passed its phase ${next} yet`;
  return {
    job: name,
    rollout: id,
    phase: isWhole ? undefined : next,
    isStuck,
    sentence: `${name} ${what} (${stand(other)}).`,
  };
}

/** Where another one is, in a word or two. */
function stand({ state, phases, currentPhase }: Rollout): string {
  const phase = phases[currentPhase];
  if (state !== 'running' || phase === undefined) return state;
  if (phase.state === 'judging') return `${phase.name} bakes`;
  return `${phase.name}: ${phase.state}`;
}

/** All rollouts that go together with this one, and itself: those of earlier waves first. */
export function membersOf({ id, group }: Pick<Rollout, 'id' | 'group'>): readonly Rollout['id'][] {
  return group?.members.map(({ rollout }) => rollout) ?? [id];
}

// ---------------------------------------------------------------- the failure of another one

/** What a rollout does because another one of its group has failed. */
export interface GroupFailure {
  /** As that one's `onFail` has it: it goes back, or it is held. */
  readonly do: 'revert' | 'hold';
  readonly job: JobName;
  readonly sentence: string;
  /** That one's hold lets the next release take over. */
  readonly yields: boolean;
}

/**
 * The failure that counts: one that goes back before one that is held. A person's revert of one job says nothing of
 * the others, and what a person resumed has been seen.
 */
export function failureOf(
  rollout: Pick<Rollout, 'id' | 'group' | 'heedsFailuresFromMs'>,
  others: ReadonlyMap<Rollout['id'], Rollout>,
): GroupFailure | undefined {
  let held: GroupFailure | undefined;
  for (const { name, rollout: id } of rollout.group?.members ?? []) {
    const other = others.get(id);
    const by = other?.failure?.by;
    if (id === rollout.id || other?.failure === undefined || by === 'person' || by === 'group') continue;
    if (other.failure.atMs < (rollout.heedsFailuresFromMs ?? 0)) continue;
    const sentence = `${name} has failed: ${other.failure.sentence}`;
    const base = { job: name, sentence, yields: yieldsToNext(other) };
    if (other.state === 'reverting' || other.state === 'reverted') return { ...base, do: 'revert' };
    if (other.state !== 'held') continue;
    if (other.hold?.resumesTo === 'reverting') return { ...base, do: 'revert' };
    if (isHeldByFailure(other)) held ??= { ...base, do: 'hold' };
  }
  return held;
}

function isHeldByFailure({ hold }: Rollout): boolean {
  return hold?.by === 'onFail' || hold?.by === 'first-deployment' || hold?.by === 'forward-only';
}

/** A hold that neither hinders nor waits for anybody: the next release takes over. */
export function yieldsToNext({ state, hold, watch }: Pick<Rollout, 'state' | 'hold' | 'watch'>): boolean {
  if (state !== 'held') return false;
  const by = hold?.by;
  // What a watch found never makes a release wait.
  if (by === 'watch' || watch?.state === 'failed') return true;
  return (
    by === 'first-deployment' || by === 'forward-only' || by === 'strategy' || by === 'driver' || hold?.yields === true
  );
}

/** What others read of a rollout: when this changes, the group's guard is bumped and the others are woken. */
export function barrierFacts(rollout: Rollout): string {
  const { state, hold, failure, currentPhase, phases } = rollout;
  return [
    state,
    passedPhases(rollout),
    currentPhase,
    phases[currentPhase]?.state ?? '',
    hold?.by ?? '',
    hold?.resumesTo ?? '',
    failure?.by ?? '',
    failure?.atMs ?? 0,
  ].join(' ');
}
