import type { Rollout } from '../model/index.ts';
import type { GroupFailure } from './barrier.ts';
import { type Draft, emitForRollout, setRollout } from './draft.ts';
import { hold } from './holds.ts';
import { fail } from './revert.ts';

/** What the decision about one job does because of the rollouts of other jobs that its own go together with. */

const nobody: ReadonlyMap<Rollout['id'], Rollout> = new Map();

function othersOf(draft: Draft): ReadonlyMap<Rollout['id'], Rollout> {
  return draft.before.others ?? nobody;
}

/** It may not begin its phase `at` yet. */
export function isBarred(draft: Draft, rollout: Rollout, at: number): boolean {
  return draft.rules.barrierBefore(rollout, at, othersOf(draft)) !== undefined;
}

/** It is through, and stays until no other one can fail any more. */
export function isBarredFromEnd(draft: Draft, rollout: Rollout): boolean {
  return draft.rules.barrierAtEnd(rollout, othersOf(draft)) !== undefined;
}

/** What another job's failure wants of this rollout now. */
export function groupFailure(draft: Draft, rollout: Rollout): GroupFailure | undefined {
  return rollout.group === undefined ? undefined : draft.rules.failureOf(rollout, othersOf(draft));
}

/** Goes back, or is held, with the one that has failed. What cannot go back holds, whatever that one does. */
export function followFailure(draft: Draft, rollout: Rollout, failure: GroupFailure): Rollout {
  if (failure.do === 'hold') {
    const held = hold(draft, rollout, 'group', failure.sentence);
    return failure.yields ? setRollout(draft, rollout.id, { hold: { ...held.hold!, yields: true } }) : held;
  }
  return fail(draft, rollout, { by: 'group', sentence: failure.sentence, indices: [], hosts: [] }, 'revert');
}

/** A rollout that has not begun when another one of its group goes back never begins. */
export function cancelWaiting(draft: Draft, rollout: Rollout, { sentence }: GroupFailure): void {
  emitForRollout(draft, rollout.id, 'rollout.cancelled', { why: sentence });
  const failure = {
    by: 'group' as const,
    sentence,
    atMs: draft.nowMs,
    indices: [],
    hosts: [],
    markAskedAtMs: undefined,
  };
  setRollout(draft, rollout.id, { state: 'aborted', hold: undefined, failure, endedAtMs: draft.nowMs });
}

/** One that is held because another one failed: goes on when that one does, and back when that one goes back. */
export function followWhileHeld(draft: Draft, rollout: Rollout): void {
  if (rollout.state !== 'held' || rollout.hold?.by !== 'group') return;
  const failure = groupFailure(draft, rollout);
  if (failure === undefined) setRollout(draft, rollout.id, { state: rollout.hold.resumesTo, hold: undefined });
  else if (failure.do === 'revert') followFailure(draft, rollout, failure);
}

/** A person lets it go on: what has failed until now is known to them. */
export function heedsFrom(draft: Draft): number {
  let latestMs = draft.nowMs;
  for (const other of othersOf(draft).values()) latestMs = Math.max(latestMs, other.failure?.atMs ?? 0);
  return latestMs + 1;
}
