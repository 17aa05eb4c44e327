import type { OperationId } from '../../model/index.ts';
import type { LedgerOperation } from '../facts.ts';
import type { ControlAnswer, ControlFacts } from './facts.ts';

export interface ReadAnswer {
  readonly control: ControlFacts;
  /** Operations that are acked by it. */
  readonly acked: readonly OperationId[];
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
    return { control: { ...control, ignored: control.ignored + 1 }, acked: [] };
  }
  const { reply } = answer;
  if (reply === undefined) {
    const silentSinceMs = control.silentSinceMs ?? control.calledAtMs;
    return { control: { ...control, isAwaited: false, silentSinceMs, lastFailure: answer.failure }, acked: [] };
  }
  const asked = new Set<string>(control.asked);
  const acked = [...new Set(reply.ack)].filter((id): id is OperationId => {
    const operation = operations.get(id as OperationId);
    return asked.has(id) && operation !== undefined && isWaiting(operation);
  });
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
    },
    acked,
  };
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
