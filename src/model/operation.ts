import type { HostId, Incarnation, JobId, OperationId, RolloutId, TaskIndex, VersionId } from './ids.ts';

/** One wanted change to one task. */
export const operationKinds = ['start', 'stop', 'update', 'restart', 'move', 'resize-down'] as const;
export type OperationKind = (typeof operationKinds)[number];

/**
 * The life of an operation. `proposed` (the assignment differs from reality) → `requested` (put to the
 * TaskController) → `acked` → `admitted` (budget taken, effect written) → `executing` (the agent began) → an end.
 * `blocked` is `requested` or `acked` with a named reason.
 */
export const operationStates = [
  'proposed',
  'requested',
  'blocked',
  'acked',
  'admitted',
  'executing',
  'done',
  'failed',
  'expired',
  'cancelled',
] as const;
export type OperationState = (typeof operationStates)[number];

/** Which state may follow which; the docs' diagram and the illegal-transition test come from this table. */
export const operationTransitions: Readonly<Record<OperationState, readonly OperationState[]>> = {
  proposed: ['requested', 'cancelled'],
  requested: ['blocked', 'acked', 'cancelled'],
  blocked: ['requested', 'acked', 'cancelled'],
  acked: ['admitted', 'blocked', 'expired', 'cancelled'],
  admitted: ['executing', 'done', 'failed', 'cancelled'],
  executing: ['done', 'failed', 'cancelled'],
  done: [],
  failed: [],
  expired: [],
  cancelled: [],
};

export function isEnded(state: OperationState): boolean {
  return operationTransitions[state].length === 0;
}

/** Admitted and not ended: counts in OUT (invariant I1). */
export function isUnderWay(state: OperationState): boolean {
  return state === 'admitted' || state === 'executing';
}

export interface Operation {
  readonly id: OperationId;
  readonly job: JobId;
  readonly index: TaskIndex;
  readonly kind: OperationKind;
  /** The incarnation it is about; 0 when the index has none yet. */
  readonly incarnation: Incarnation;
  /** The incarnation that results from it; for `stop` the same as `incarnation`. */
  readonly nextIncarnation: Incarnation;
  readonly from: VersionId | undefined;
  readonly to: VersionId | undefined;
  /** Where the task is to run: chosen at admission for `start` and `move`, else where it is. */
  readonly host: HostId | undefined;
  readonly rollout: RolloutId | undefined;
  readonly phase: number | undefined;
  readonly reason: string;
  readonly state: OperationState;
  /** Why it is blocked, in words with what will unblock it. */
  readonly blockedBy: string | undefined;
  /** Exempt from the budget on the precondition that the named incarnation is still out (invariant I1 b). */
  readonly precondition: { readonly stillOut: Incarnation } | undefined;
  /** The job's guard revision at admission; agents refuse an older one per index. */
  readonly epoch: number | undefined;
  readonly deadlineAtMs: number | undefined;
  readonly proposedAtMs: number;
  readonly admittedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
}
