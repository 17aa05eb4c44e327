import { isServing, type LedgerOperation } from '../disruption/index.ts';
import type { OperationId, Rollout, TaskIndex } from '../model/index.ts';
import { canGiveBack, giveBack, take } from './assign.ts';
import { type Draft, emitForRollout, setRollout } from './draft.ts';
import { placesOf, specOf } from './phases.ts';
import { isRound, takeInRound } from './rounds.ts';
import { inSpread } from './select.ts';

/**
 * Which task goes now if a controller wants this one to go in a later phase; undefined: the plan does not allow that.
 * It does in every phase but the last that counts its tasks, as long as one serves that no phase has taken: a phase by
 * place, or of named tasks, means just those. A strategy with an order of its own is not asked to change it.
 */
export function substituteFor(
  draft: Draft,
  { index, rollout: id }: LedgerOperation,
  next: (rollout: Rollout) => TaskIndex | undefined = (rollout) => nextInSpread(draft, rollout),
): TaskIndex | undefined {
  const rollout = id === undefined ? undefined : draft.rollouts.get(id);
  const phase = rollout?.phases[rollout.currentPhase];
  if (rollout === undefined || phase === undefined) return undefined;
  const isLast = rollout.currentPhase + 1 >= rollout.phases.length;
  if (rollout.state !== 'running' || phase.state !== 'updating' || isLast || rollout.firstDeployment) return undefined;
  const select = specOf(rollout.plan, phase)?.select;
  const isCounted = select !== undefined && ('count' in select || 'percent' in select);
  if (!isCounted || !goesInPlace(rollout) || draft.before.carriers.has(rollout.to)) return undefined;
  const earlier = rollout.phases[rollout.currentPhase - 1]?.members ?? [];
  if (!phase.members.includes(index) || earlier.includes(index)) return undefined;
  return canGiveBack(draft, rollout, index) ? next(rollout) : undefined;
}

/** The same for many operations of one decision: the task that is next is looked for once. */
export function deferrableIn(draft: Draft): (operation: LedgerOperation) => boolean {
  const known = new Map<Rollout, TaskIndex | undefined>();
  const next = (rollout: Rollout): TaskIndex | undefined => {
    if (!known.has(rollout)) known.set(rollout, nextInSpread(draft, rollout));
    return known.get(rollout);
  };
  return (operation) => substituteFor(draft, operation, next) !== undefined;
}

/**
 * The next one in the order of spread that serves, and that no phase has taken. Nobody is left to a later phase twice in
 * one: a controller that defers whomever it is asked about comes to an end.
 */
function nextInSpread(draft: Draft, rollout: Rollout): TaskIndex | undefined {
  const { members = [], deferred = [] } = rollout.phases[rollout.currentPhase] ?? {};
  const taken = new Set([...members, ...deferred]);
  const isFree = (other: TaskIndex): boolean => {
    const version = draft.assignment.get(other)?.version;
    const isOld = version !== undefined && (isRound(rollout) || version !== rollout.to);
    return isOld && !taken.has(other) && isServing(draft.tasks.get(other), draft.hostStates);
  };
  return inSpread(placesOf(draft), members).find(isFree);
}

function goesInPlace(rollout: Rollout): boolean {
  const { strategy } = rollout.plan;
  const isOwn = strategy === undefined || strategy === 'in-place';
  return isRound(rollout) || isOwn || (typeof strategy === 'object' && 'surge' in strategy);
}

/** Leaves these tasks to a later phase, each for one that goes in its place: a deviation from the plan, with its cause. */
export function deferTasks(draft: Draft, operations: readonly OperationId[]): void {
  for (const id of operations) {
    const operation = draft.operations.get(id)!;
    const substitute = substituteFor(draft, operation);
    const rollout = operation.rollout && draft.rollouts.get(operation.rollout);
    if (substitute === undefined || !rollout) continue;
    const { index } = operation;
    giveBack(draft, rollout, index);
    const phases = rollout.phases.map((phase, at) =>
      at === rollout.currentPhase
        ? {
            ...phase,
            members: phase.members.map((one) => (one === index ? substitute : one)),
            deferred: [...(phase.deferred ?? []), index],
          }
        : phase,
    );
    const changed = setRollout(draft, rollout.id, { phases });
    (isRound(changed) ? takeInRound : take)(draft, changed, substitute);
    const why = draft.control?.reasons[id] ?? 'it had better go later';
    const cause = `the controller says of task ${index} that ${why}`;
    emitForRollout(draft, rollout.id, 'rollout.deviated', { cause, taken: [substitute], left: [index] });
  }
}
