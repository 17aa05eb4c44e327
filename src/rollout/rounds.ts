import type { TaskFacts } from '../disruption/index.ts';
import type { Amount, AssignmentRow, PhaseSpec, PlanSpec, Rollout, TaskIndex } from '../model/index.ts';
import { type Draft, setAssignment } from './draft.ts';

/**
 * A round renews tasks without changing what they are assigned: each gets a new incarnation, in its place (`restart`)
 * or on another host (`move`). It goes in phases and batches, through the ledger, like any rollout.
 */
export function isRound({ kind }: Pick<Rollout, 'kind'>): boolean {
  return kind === 'restart' || kind === 'move';
}

/** Between the first task and the others. */
const roundBakeMs = 5000;

/** One task first, then the others; a failure holds for a person, because there is no version to go back to. */
export function roundPlan(tasks: readonly TaskIndex[] | undefined, atOnce: Amount): PlanSpec {
  const phase = (name: string, select: PhaseSpec['select'], bakeMs: number): PhaseSpec => ({
    name,
    select,
    concurrency: atOnce,
    minBakeMs: bakeMs,
    maxBakeMs: bakeMs,
    onFail: 'hold',
    onUndecided: 'proceed',
  });
  const [first, ...others] = tasks ?? [];
  const rest = phase('all', tasks === undefined ? { percent: 100 } : { tasks: [...tasks] }, 0);
  const isOne = first !== undefined && others.length === 0;
  const one = phase('first', first === undefined ? { count: 1 } : { tasks: [first] }, roundBakeMs);
  return {
    phases: isOne ? [rest] : [one, rest],
    newcomers: 'last-good',
    overlap: 'wait',
    forwardOnly: false,
  };
}

/** A round takes an index: it wants an incarnation newer than all that there have been. */
export function takeInRound(draft: Draft, rollout: Rollout, index: TaskIndex): void {
  const row = draft.assignment.get(index);
  if (row?.version === undefined) return;
  if (row.rollout === rollout.id && row.renewAbove !== undefined) return;
  const renewAbove = draft.tasks.get(index)?.highestIncarnation ?? 0;
  setAssignment(draft, { ...row, rollout: rollout.id, renewAbove });
}

/** Whether nobody wants a newer incarnation of it, or it is there. */
export function isRenewed(row: AssignmentRow | undefined, task: TaskFacts | undefined): boolean {
  return row?.renewAbove === undefined || (task?.current?.incarnation ?? 0) > row.renewAbove;
}

/** Pause, abort and a hold give back what has not begun: those tasks stay as they are. */
export function letGoInRound(draft: Draft, rollout: Rollout): readonly TaskIndex[] {
  const begun = new Set<TaskIndex>();
  for (const { index, state, rollout: owner } of draft.operations.values()) {
    if (owner === rollout.id && state === 'executing') begun.add(index);
  }
  const released: TaskIndex[] = [];
  for (const row of draft.assignment.values()) {
    if (row.rollout !== rollout.id || row.renewAbove === undefined || begun.has(row.index)) continue;
    if (isRenewed(row, draft.tasks.get(row.index))) continue;
    setAssignment(draft, { ...row, renewAbove: undefined });
    released.push(row.index);
  }
  return released;
}

/** The round is over: nobody wants anything newer any more. */
export function endRound(draft: Draft, rollout: Rollout): void {
  for (const row of draft.assignment.values()) {
    if (row.rollout === rollout.id && row.renewAbove !== undefined) {
      setAssignment(draft, { ...row, renewAbove: undefined });
    }
  }
}
