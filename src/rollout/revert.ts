import { isExtra, isHeard } from '../disruption/index.ts';
import type { Actor, AssignmentRow, OnFail, Rollout, RolloutFailure, TaskIndex } from '../model/index.ts';
import { isConverged, letGo } from './assign.ts';
import { type Draft, emitForRollout, setAssignment, setRollout } from './draft.ts';
import { hold } from './holds.ts';
import { takesDown } from './strategies/chosen.ts';

/** A phase has failed, or a mark or a person says so: the phase's `onFail` decides what follows. */
export function fail(
  draft: Draft,
  rollout: Rollout,
  failure: Omit<RolloutFailure, 'markAskedAtMs' | 'atMs'>,
  /** Left out: as its phase says. */
  rule?: OnFail,
): Rollout {
  const full: RolloutFailure = { ...failure, atMs: draft.nowMs, markAskedAtMs: undefined };
  const phase = rollout.phases[rollout.currentPhase];
  // Of another job's failure this phase is not to blame.
  const isOwn = failure.by !== 'group';
  const phases = rollout.phases.map((one) =>
    one === phase && one.state !== 'passed' && isOwn
      ? { ...one, state: 'failed' as const, endedAtMs: draft.nowMs }
      : one,
  );
  const failed = setRollout(draft, rollout.id, { failure: full, phases });
  emitForRollout(draft, rollout.id, 'rollout.failed', { ...full, phase: phase?.name });
  if (rollout.firstDeployment) return hold(draft, failed, 'first-deployment', noWayBack(full.sentence));
  if (failed.forwardOnly !== undefined) return hold(draft, failed, 'forward-only', noUndoing(full.sentence, failed));
  const onFail = rule ?? phase?.onFail ?? 'revert';
  if (onFail === 'revert') return beginRevert(draft, failed);
  if (onFail === 'hold') return hold(draft, failed, 'onFail', full.sentence);
  const then = { atMs: draft.nowMs + onFail.holdThenRevertAfterMs, do: 'revert' as const };
  return hold(draft, failed, 'onFail', full.sentence, then);
}

function noWayBack(sentence: string): string {
  return `${sentence} It is the first deployment: there is nothing to go back to, the tasks stay as they are.`;
}

function noUndoing(sentence: string, { forwardOnly }: Rollout): string {
  return `${sentence} It is not undone by itself: ${forwardOnly}. A fix that is deployed takes over.`;
}

/**
 * Gives the indices that the rollout still owns back: each to the newest good version from its `lastGood` down,
 * without a live mark. None for some index: hold and page.
 */
export function beginRevert(draft: Draft, rollout: Rollout, actor?: Actor): Rollout {
  letGo(draft, rollout);
  const targets = new Map<TaskIndex, AssignmentRow>();
  for (const row of ownedBy(draft, rollout)) {
    const { goodVersions } = draft.job;
    const back = draft.rules.revertTargetOf(row.lastGood, goodVersions, draft.before.carriers, rollout.to);
    if (back === undefined) {
      const reason = `There is no good version without a mark for task ${row.index} to go back to.`;
      return hold(draft, { ...rollout, state: 'reverting' }, 'no-good-version', reason);
    }
    // What never left a good version stays there.
    const stands = row.version !== undefined && row.version !== rollout.to && goodVersions.includes(row.version);
    const isMarked = row.version !== undefined && draft.before.carriers.has(row.version);
    if (!stands || isMarked) targets.set(row.index, { ...row, version: back });
  }
  for (const row of targets.values()) setAssignment(draft, row);
  emitForRollout(
    draft,
    rollout.id,
    'rollout.reverting',
    { indices: [...targets].map(([index, row]) => [index, row.version]), why: rollout.failure?.sentence },
    actor,
  );
  return setRollout(draft, rollout.id, { state: 'reverting', hold: undefined });
}

/** The job's own indices: a second set that it made is nobody's to take over, and goes back to nothing. */
export function ownedBy(draft: Draft, rollout: Rollout): AssignmentRow[] {
  return [...draft.assignment.values()].filter((row) => row.rollout === rollout.id && !isExtra(row.index));
}

/** A revert is complete when every index it owns serves what it was given back to, or is out for another cause. */
export function advanceRevert(draft: Draft, rollout: Rollout): Rollout {
  const isTaken = takesDown(draft, rollout);
  for (const row of ownedBy(draft, rollout)) {
    if (row.index >= draft.job.size || isConverged(draft, row)) continue;
    const current = draft.tasks.get(row.index)?.current;
    const isExcused =
      current === undefined || !isHeard(draft.hostStates(current.host)) || (current.state === 'stopped' && !isTaken);
    // An excused one that still is to leave the failed version is waited for: its replacement starts elsewhere.
    if (!isExcused || current?.version === rollout.to) return rollout;
  }
  // Clients are told of the first set again, and nothing of the second one is left.
  if (draft.job.traffic?.rollout === rollout.id) return rollout;
  emitForRollout(draft, rollout.id, 'rollout.reverted', {});
  return setRollout(draft, rollout.id, { state: 'reverted', endedAtMs: draft.nowMs });
}
