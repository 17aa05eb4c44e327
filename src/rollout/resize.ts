import { isExtra, isGone } from '../disruption/index.ts';
import type { Rollout, TaskIndex } from '../model/index.ts';
import { trimToAllowance } from './assign.ts';
import { type Draft, emitForJob, setAssignment, setJob, setRollout, wakeAt } from './draft.ts';
import { placesOf, specOf } from './phases.ts';
import { checkedOrder } from './strategies/checked.ts';
import { chosenFor } from './strategies/chosen.ts';

/** Takes up what the owner wants: a new size is in force at once, with the smaller budget until it is through. */
export function resize(draft: Draft, running: Rollout | undefined): void {
  const { size, wantedSize, resizingFrom } = draft.job;
  if (wantedSize !== size) {
    setJob(draft, { size: wantedSize, resizingFrom: resizingFrom ?? size });
    emitForJob(draft, 'job.resized', { from: size, to: wantedSize });
    for (const row of draft.assignment.values()) {
      // The index leaves the job: nobody owns it any more, its task stops within the budget.
      if (row.index >= wantedSize && row.version !== undefined && !isExtra(row.index)) {
        setAssignment(draft, { ...row, version: undefined, rollout: undefined });
      }
    }
    if (running !== undefined) recompute(draft, running);
    // Nobody of the new ones is assigned anything yet: whether it is through shows at the end of the turn.
    return;
  }
  endResize(draft);
}

/** Everybody serves, or has gone: the budget of the new size is in force, from the next decision on at the latest. */
export function endResize(draft: Draft): void {
  const { size, resizingFrom } = draft.job;
  if (resizingFrom === undefined || !isThrough(draft)) return;
  emitForJob(draft, 'job.resize-through', { from: resizingFrom, to: size });
  setJob(draft, { resizingFrom: undefined });
  wakeAt(draft, draft.nowMs + 1);
}

/** Allowances are computed again for the new size; what is too much goes back as a deviation. */
function recompute(draft: Draft, rollout: Rollout): void {
  const places = placesOf(draft);
  const chosen = chosenFor(draft, rollout);
  const order = chosen && checkedOrder(chosen, places);
  let fresh: readonly TaskIndex[] = [];
  const phases = rollout.phases.map((phase, at) => {
    const spec = specOf(rollout.plan, phase);
    if (at > rollout.currentPhase || phase.startedAtMs === undefined || spec === undefined) return phase;
    fresh = draft.rules.selectMembers(spec.select, places, fresh, order?.ok === true ? order.value : undefined);
    return { ...phase, members: remaining(draft, rollout, phase.members, fresh.length), allowance: fresh.length };
  });
  const changed = setRollout(draft, rollout.id, { phases });
  trimToAllowance(draft, changed, 'resize');
}

/** Members that stay in a phase with room for `count`: first those that have the version, or the others would add to them. */
function remaining(draft: Draft, { to }: Rollout, members: readonly TaskIndex[], count: number): readonly TaskIndex[] {
  const inside = members.filter((index) => index < draft.job.size);
  const has = (index: TaskIndex): boolean => draft.assignment.get(index)?.version === to;
  const chosen = new Set([...inside.filter(has), ...inside.filter((index) => !has(index))].slice(0, count));
  return inside.filter((index) => chosen.has(index));
}

function isThrough(draft: Draft): boolean {
  const { size } = draft.job;
  for (const task of draft.tasks.values()) {
    if (task.index >= size && !isExtra(task.index) && !isGone(task)) return false;
  }
  for (let index = 0; index < size; index++) {
    const isWanted = draft.assignment.get(index)?.version !== undefined;
    if (isWanted && draft.tasks.get(index)?.servedOnce !== true) return false;
  }
  return true;
}
