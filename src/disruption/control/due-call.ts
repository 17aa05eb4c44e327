import type { TaskControlRequest, TaskControlSpec } from '../../model/index.ts';
import type { ControlFacts } from './facts.ts';

/** After its timeout a call may still be on its way back to us for so long; then it counts as lost. */
const graceMs = 5000;

/** One that failed is asked again soon, so that a controller that was replaced is noticed within two seconds. */
const retryMs = 1000;

export type DueCall =
  | { readonly kind: 'call' }
  /** Nothing to be said before this time; undefined: before something happens. */
  | { readonly kind: 'wait'; readonly untilMs: number | undefined };

type Timing = Pick<TaskControlSpec, 'timeoutMs' | 'intervalMs'>;

/**
 * Whether to call now. Calls of one job are serial. At once when something is new that the controller may act on: an
 * operation that waits, one that ended, a task that is well again, a notice; else at its interval, while something
 * waits or was not taken in. After a failure a second later, or at the interval if that is shorter.
 */
export function dueCall(control: ControlFacts, next: TaskControlRequest, timing: Timing, nowMs: number): DueCall {
  // A notice that was not taken in is told again, like a completion.
  const isUntold = control.lastFailure !== undefined && next.advanceNotices.length > 0;
  const isQuiet = next.request.length === 0 && next.completed.length === 0 && !isUntold;
  const told = newsOf(next);
  const isNews = hasNews(control, next, told);
  if (isQuiet && !(isNews && next.advanceNotices.length > 0)) return { kind: 'wait', untilMs: undefined };
  if (control.isAwaited) {
    const lostAtMs = control.calledAtMs + timing.timeoutMs + graceMs;
    // A clock that was set back must not make it wait for ever.
    const isLost = nowMs >= lostAtMs || nowMs < control.calledAtMs;
    return isLost ? { kind: 'call' } : { kind: 'wait', untilMs: lostAtMs };
  }
  const hasFailed = control.lastFailure !== undefined;
  const againAtMs = control.calledAtMs + (hasFailed ? Math.min(retryMs, timing.intervalMs) : timing.intervalMs);
  const isDue = control.sequence === 0 || nowMs >= againAtMs || nowMs < control.calledAtMs;
  if (isDue || (isNews && !hasFailed)) return { kind: 'call' };
  return { kind: 'wait', untilMs: againAtMs };
}

/** What a request says beyond the operations it asks for: remembered, so that only news makes a call come early. */
export function newsOf(next: TaskControlRequest): readonly string[] {
  return [
    ...next.completed.map((one) => one.opId),
    ...next.advanceNotices.map((one) => `${one.id} ${one.deadline} ${one.until} ${one.tasks.join()}`),
    ...next.allUnhealthyTasks.map((index) => `unhealthy ${index}`),
  ];
}

function hasNews(control: ControlFacts, next: TaskControlRequest, told: readonly string[]): boolean {
  const asked = new Set<string>(control.asked);
  if (next.request.some((one) => !asked.has(one.opId))) return true;
  const before = new Set(control.told);
  const isNew = (one: string): boolean => !before.has(one) && !one.startsWith('unhealthy ');
  if (told.some(isNew)) return true;
  const now = new Set(told);
  return next.request.length > 0 && control.told.some((one) => one.startsWith('unhealthy ') && !now.has(one));
}

/** The facts after a call was made. */
export function called(control: ControlFacts, next: TaskControlRequest, nowMs: number): ControlFacts {
  const sent = new Set(next.completed.map((one) => one.opId));
  const sequence = next.sequenceNumber;
  return {
    ...control,
    sequence,
    calledAtMs: nowMs,
    isAwaited: true,
    asked: next.request.map((one) => one.opId as ControlFacts['asked'][number]),
    told: newsOf(next),
    completed: control.completed.map((one) =>
      one.sequence === undefined && sent.has(one.operation.opId) ? { ...one, sequence } : one,
    ),
    // A call that was never answered is a failure of its own.
    ...(control.isAwaited
      ? { silentSinceMs: control.silentSinceMs ?? control.calledAtMs, lastFailure: 'it did not answer in time' }
      : {}),
    // While something it acked is under way, it may well wait for that.
    withheldSinceMs: isPatient(next) ? undefined : (control.withheldSinceMs ?? nowMs),
  };
}

function isPatient({ request, inFlight }: TaskControlRequest): boolean {
  return request.length === 0 || inFlight.length > 0;
}
