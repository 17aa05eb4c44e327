import { firstExtra, isExtra } from '../disruption/index.ts';
import { refuseDriver } from '../drivers/index.ts';
import type { Rollout, TaskIndex } from '../model/index.ts';
import { type Draft, emitForJob, setAssignment } from './draft.ts';
import { newestGood } from './good-versions.ts';
import { isRound } from './rounds.ts';
import { checkedExtras } from './strategies/checked.ts';
import { chosenFor } from './strategies/chosen.ts';

/**
 * While a rollout with surge has the job, extra tasks run the newest good version (the version that is being proven
 * gets no more room by them, invariant I3). Once it has ended they stop, each when the others' room allows it.
 */
export function keepExtras(draft: Draft, active: Rollout | undefined): void {
  // A second set stands there, and its rollout says what becomes of it.
  if (draft.job.traffic !== undefined) return;
  const isBorrowing = active !== undefined && !active.firstDeployment && !isRound(active) && active.state !== 'waiting';
  const count = isBorrowing ? extrasOf(draft, active) : 0;
  const version = newestGood(draft.job.goodVersions, draft.before.carriers);
  const borrowed: TaskIndex[] = [];
  for (let at = 0; at < count && version !== undefined; at++) {
    const index = firstExtra + at;
    const known = draft.assignment.get(index)?.version;
    // One borrowed for the rollout before stays as it is, unless a change that cannot be undone has gone past it.
    if (known !== undefined && draft.job.goodVersions.includes(known)) continue;
    setAssignment(draft, { job: draft.job.id, index, version, rollout: undefined, lastGood: version });
    borrowed.push(index);
  }
  if (borrowed.length > 0) emitForJob(draft, 'job.extras-borrowed', { indices: borrowed, version });
  const given: TaskIndex[] = [];
  for (const row of draft.assignment.values()) {
    if (!isExtra(row.index) || row.index < firstExtra + count || row.version === undefined) continue;
    setAssignment(draft, { ...row, version: undefined });
    given.push(row.index);
  }
  if (given.length > 0) emitForJob(draft, 'job.extras-returned', { indices: given });
}

/** A strategy that is not here, or is not followed, borrows nobody, nor does a driver that cannot: the rollout is held for it. */
function extrasOf(draft: Draft, rollout: Rollout): number {
  const { job, rules } = draft;
  if (refuseDriver(rules.drivers, job.driver, job.driverSettings, { surge: true }) !== undefined) return 0;
  const chosen = chosenFor(draft, rollout);
  const extras = chosen && checkedExtras(chosen, draft.job.size);
  return extras?.ok === true ? extras.value : 0;
}
