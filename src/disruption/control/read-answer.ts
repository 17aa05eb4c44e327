import type { MaintenanceAnswer, MaintenanceReply, OperationId, TaskIndex } from '../../model/index.ts';
import type { LedgerOperation } from '../facts.ts';
import type { ControlAnswer, ControlFacts } from './facts.ts';

export interface ReadAnswer {
  readonly control: ControlFacts;
  /** Operations that are acked by it. */
  readonly acked: readonly OperationId[];
  /** Operations whose tasks had better go in a later phase. */
  readonly deferred: readonly OperationId[];
}

/**
 * Takes one answer in. Only that to the newest call counts: what comes late, or twice, changes nothing, so that an ack
 * is never taken for another wish than the one it was given for. Of its acks count those of operations that this call
 * asked for and that still wait for the same incarnation.
 */
export function readAnswer(
  control: ControlFacts,
  answer: ControlAnswer,
  operations: ReadonlyMap<OperationId, LedgerOperation>,
): ReadAnswer {
  if (answer.sequence !== control.sequence || !control.isAwaited) {
    return { control: { ...control, ignored: control.ignored + 1 }, acked: [], deferred: [] };
  }
  const { reply } = answer;
  if (reply === undefined) {
    const silentSinceMs = control.silentSinceMs ?? control.calledAtMs;
    const failed = { ...control, isAwaited: false, silentSinceMs, lastFailure: answer.failure };
    return { control: failed, acked: [], deferred: [] };
  }
  const asked = new Set<string>(control.asked);
  const isOpen = (id: string): id is OperationId => {
    const operation = operations.get(id as OperationId);
    return asked.has(id) && operation !== undefined && isWaiting(operation);
  };
  const acked = [...new Set(reply.ack)].filter(isOpen);
  const deferred = [...new Set(reply.defer ?? [])].filter(isOpen).filter((id) => !acked.includes(id));
  const echo = Math.min(reply.acknowledgedSequence ?? control.sequence, control.sequence);
  const acknowledgedSequence = Math.max(control.acknowledgedSequence, echo);
  return {
    control: {
      ...control,
      isAwaited: false,
      acknowledgedSequence,
      completed: control.completed.filter((one) => one.sequence === undefined || one.sequence > acknowledgedSequence),
      reasons: firstReasons(control.asked, reply.reasons ?? {}),
      answeredAtMs: answer.atMs,
      silentSinceMs: undefined,
      lastFailure: undefined,
      withheldSinceMs: acked.length > 0 ? undefined : control.withheldSinceMs,
      ignored: control.ignored + reply.ack.filter((id) => !asked.has(id)).length,
      stays: readStays(control.stays, reply.maintenance),
    },
    acked,
    deferred,
  };
}

/** The newest answer for a task counts; one for the whole notice replaces all before it. */
function readStays(before: ControlFacts['stays'], replies: readonly MaintenanceReply[] = []): ControlFacts['stays'] {
  if (replies.length === 0) return before;
  const stays: Record<string, Record<string, MaintenanceAnswer>> = { ...before };
  for (const { notice, answer, tasks } of replies) {
    if (tasks === undefined) stays[notice] = { all: answer };
    else stays[notice] = { ...stays[notice], ...Object.fromEntries(tasks.map((index) => [index, answer])) };
  }
  return stays;
}

/** What the controller wants done with a task there; undefined: it has not said. */
export function answeredFor(
  control: Pick<ControlFacts, 'stays'> | undefined,
  notice: string,
  index: TaskIndex,
): MaintenanceAnswer | undefined {
  const said = control?.stays?.[notice];
  return said?.[index] ?? said?.all;
}

function isWaiting({ state, ackedAtMs }: LedgerOperation): boolean {
  return ackedAtMs === undefined && (state === 'requested' || state === 'blocked');
}

/** Of a long list the first are enough to understand it. */
const mostReasons = 20;

function firstReasons(asked: readonly string[], reasons: Readonly<Record<string, string>>): Record<string, string> {
  const known = asked.slice(0, mostReasons).filter((id) => Object.hasOwn(reasons, id));
  return Object.fromEntries(known.map((id) => [id, reasons[id]!]));
}
