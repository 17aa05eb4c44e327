import type { Rollout } from '../model/index.ts';
import { letGo } from './assign.ts';
import { yieldsToNext } from './barrier.ts';
import { type Draft, emitForRollout, setAssignment, setRollout } from './draft.ts';
import { phasesOf } from './phases.ts';
import { endUselessPlacebos, mayBeginPlacebo, placeboOf } from './placebo.ts';
import { ownedBy } from './revert.ts';
import { isRound } from './rounds.ts';
import { cancelWaiting, groupFailure, isBarred } from './together.ts';

/** The rollout that has the job now: running, held or reverting. */
export function activeRollout(draft: Draft): Rollout | undefined {
  for (const rollout of draft.rollouts.values()) if (!isWaiting(rollout)) return rollout;
  return undefined;
}

function isWaiting(rollout: Rollout): boolean {
  return rollout.state === 'waiting' || (rollout.state === 'held' && rollout.hold?.resumesTo === 'waiting');
}

/**
 * One rollout per job at a time: newer releases wait, the newest waiting wins. It starts when the job is free, or
 * takes over where the plan, a rollback, or the state of the one before says so.
 */
export function takeTurns(draft: Draft): void {
  takeTurn(draft);
  if (endUselessPlacebos(draft, newestRelease(draft))) takeTurn(draft);
}

function newestRelease(draft: Draft): Rollout | undefined {
  return [...draft.rollouts.values()].filter((one) => one.state === 'waiting' && one.kind === 'deploy').at(-1);
}

function takeTurn(draft: Draft): void {
  const waiting = [...draft.rollouts.values()].filter((rollout) => rollout.state === 'waiting');
  const releases = waiting.filter((rollout) => !isRound(rollout));
  const newest = releases.at(-1);
  if (newest === undefined) {
    takeRoundsTurn(draft, waiting);
    return;
  }
  for (const older of releases.slice(0, -1)) {
    emitForRollout(draft, older.id, 'rollout.superseded', { by: newest.id, why: 'a newer release waits' });
    setRollout(draft, older.id, { state: 'superseded', endedAtMs: draft.nowMs });
  }
  const failure = groupFailure(draft, newest);
  if (failure?.do === 'revert') {
    cancelWaiting(draft, newest, failure);
    return;
  }
  // Until its turn comes among the jobs that go together, the job is free for rounds.
  if (failure !== undefined || isBarred(draft, newest, 0)) {
    takeRoundsTurn(draft, waiting.filter(isRound));
    return;
  }
  const active = activeRollout(draft);
  if (active !== undefined) {
    if (mayTakeOver(newest, active)) supersede(draft, active, newest);
    return;
  }
  const placebo = placeboOf(draft.rollouts.values(), newest);
  if (placebo === undefined) begin(draft, newest);
  // One that a person paused is waited for too.
  else if (placebo.state === 'waiting') begin(draft, placebo);
}

/** A round overtakes nobody: it begins when no release has or wants the job, the one asked for first. */
function takeRoundsTurn(draft: Draft, waiting: readonly Rollout[]): void {
  const next = waiting.find((one) => mayBeginPlacebo(draft, one));
  if (next !== undefined && activeRollout(draft) === undefined) begin(draft, next);
}

function mayTakeOver(newer: Rollout, active: Rollout): boolean {
  // Nothing new is touched before its placebo is over, however it overtakes others.
  if (active.placeboFor === newer.id) return yieldsToNext(active);
  return newer.plan.overlap === 'supersede' || newer.kind === 'rollback' || yieldsToNext(active);
}

/** The newer rollout takes over all indices with their `lastGood`; what had not begun goes back first. */
function supersede(draft: Draft, older: Rollout, newer: Rollout): void {
  letGo(draft, older);
  for (const row of ownedBy(draft, older)) setAssignment(draft, { ...row, rollout: newer.id });
  emitForRollout(draft, older.id, 'rollout.superseded', { by: newer.id });
  setRollout(draft, older.id, { state: 'superseded', endedAtMs: draft.nowMs });
  // What ran already cannot be undone by whoever takes over either; a person who rolls back has decided otherwise.
  const isBound = older.forwardOnly !== undefined && newer.kind === 'deploy' && hasRun(draft, older);
  begin(draft, isBound ? setRollout(draft, newer.id, { forwardOnly: newer.forwardOnly ?? older.forwardOnly }) : newer);
}

function hasRun(draft: Draft, rollout: Rollout): boolean {
  return draft.tasks.values().some(({ current }) => current?.version === rollout.to);
}

/** One that was paused while it waited does not come back after a newer one has begun. */
function supersedePausedBefore(draft: Draft, newer: Rollout): void {
  for (const older of draft.rollouts.values()) {
    if (older.id === newer.id) return;
    if (older.state !== 'held' || !isWaiting(older)) continue;
    emitForRollout(draft, older.id, 'rollout.superseded', { by: newer.id, why: 'a newer release begins' });
    setRollout(draft, older.id, { state: 'superseded', hold: undefined, endedAtMs: draft.nowMs });
  }
}

/**
 * What the old group runs. What an ended rollout left behind unproven is neither old nor new: its commits would count
 * as known to be good, and its tasks as what the new ones are held against.
 */
function oldVersions(draft: Draft, rollout: Rollout): Set<Rollout['to']> {
  const assigned = new Set<Rollout['to']>();
  for (const row of draft.assignment.values()) if (row.version !== undefined) assigned.add(row.version);
  assigned.delete(rollout.to);
  const good = new Set([...assigned].filter((version) => draft.job.goodVersions.includes(version)));
  return good.size > 0 ? good : assigned;
}

function begin(draft: Draft, rollout: Rollout): void {
  if (!isRound(rollout)) supersedePausedBefore(draft, rollout);
  const versions = isRound(rollout) ? new Set<Rollout['to']>() : oldVersions(draft, rollout);
  const firstDeployment = draft.job.goodVersions.length === 0 && !isRound(rollout);
  emitForRollout(draft, rollout.id, 'rollout.started', {
    to: rollout.to,
    from: [...versions],
    kind: rollout.kind,
    firstDeployment,
    release: rollout.release,
    size: draft.job.size,
  });
  setRollout(draft, rollout.id, {
    state: 'running',
    phases: phasesOf(rollout.plan),
    currentPhase: 0,
    firstDeployment,
    from: [...versions],
    startedAtMs: draft.nowMs,
  });
}
