import type {
  AdvanceNotice,
  CompletedOperation,
  JobId,
  MaintenanceAnswer,
  Outage,
  TaskControlRequest,
  TaskIndex,
  TaskOperation,
} from '../../model/index.ts';
import type { LedgerOperation, TaskFacts } from '../facts.ts';
import type { ControlFacts } from './facts.ts';

/** At most so many operations are asked for in one call, and so many completions told; the rest follow. */
const mostAsked = 500;
const mostTold = 1000;

export interface ComposeFacts {
  readonly job: JobId;
  readonly control: ControlFacts;
  /** Waiting for an ack, in the order in which they would be admitted. */
  readonly waiting: readonly LedgerOperation[];
  /** Acked or under way. */
  readonly inFlight: readonly LedgerOperation[];
  readonly maintenance: readonly Outage[];
  /** What becomes of a task under maintenance without an answer. */
  readonly policy: MaintenanceAnswer;
  readonly tasks: Iterable<TaskFacts>;
  readonly out: ReadonlySet<TaskIndex>;
  /** When an operation happens without an ack; undefined: never. */
  readonly deadlineOf: (operation: LedgerOperation) => number | undefined;
  /** Whether a later phase can take its task, and another one go now. */
  readonly isDeferrable: (operation: LedgerOperation) => boolean;
  readonly nowMs: number;
}

/** The next request, as it would be sent now. */
export function composeRequest(facts: ComposeFacts): TaskControlRequest {
  const { control, deadlineOf } = facts;
  const wire = (operation: LedgerOperation) => wireOf(operation, deadlineOf(operation));
  return {
    jobHandle: facts.job,
    request: facts.waiting.slice(0, mostAsked).map((operation) => ({
      ...wire(operation),
      ...(facts.isDeferrable(operation) ? { deferrable: true } : {}),
    })),
    completed: control.completed.slice(0, mostTold).map((one) => one.operation),
    inFlight: facts.inFlight.map(wire),
    advanceNotices: noticesOf(facts),
    allUnhealthyTasks: [...facts.out].sort((a, b) => a - b),
    // Never below what a job of the same name sent before its store was lost: the first number is a time.
    sequenceNumber: Math.max(control.sequence + 1, control.sequence === 0 ? facts.nowMs : 0),
    acknowledgedSequence: control.acknowledgedSequence,
  };
}

/** Of hosts where tasks of the job are. */
function noticesOf({ maintenance, tasks, policy }: ComposeFacts): AdvanceNotice[] {
  if (maintenance.length === 0) return [];
  const byHost = new Map<string, TaskIndex[]>();
  for (const { index, current } of tasks) {
    if (current !== undefined) byHost.set(current.host, [...(byHost.get(current.host) ?? []), index]);
  }
  return maintenance.flatMap(({ id, scope, startsAtMs, deadlineAtMs, work }) => {
    const there = 'host' in scope ? byHost.get(scope.host) : undefined;
    if (there === undefined || !('host' in scope)) return [];
    const notice = { id, host: scope.host, tasks: there, start: startsAtMs, deadline: deadlineAtMs ?? null, policy };
    if (work === undefined) return [notice];
    const { untilMs: until, reason, hostsStayUp } = work;
    return [{ ...notice, until, scope: work.scope, reason: reason.slice(0, 1000), hostsStayUp }];
  });
}

function wireOf(operation: LedgerOperation, deadline: number | undefined): TaskOperation {
  const { id: opId, kind, index, incarnation, from, to, rollout, phase, reason } = operation;
  return {
    opId,
    kind,
    index,
    incarnation,
    from: from ?? null,
    to: to ?? null,
    rollout: rollout ?? null,
    phase: phase ?? null,
    reason: reason.slice(0, 1000),
    deadline: deadline ?? null,
  };
}

/** How an operation that was asked for ended, as the controller is told. */
export function completionOf(operation: LedgerOperation, deadline: number | undefined): CompletedOperation {
  const outcome = operation.state as CompletedOperation['outcome'];
  return { ...wireOf(operation, deadline), outcome, endedAt: operation.endedAtMs ?? 0 };
}
