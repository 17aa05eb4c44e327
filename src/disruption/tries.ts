import type { HostId } from '../model/index.ts';
import type { TaskFacts } from './facts.ts';

/** A failed try is repeated after 1 s, 2 s, 4 s … at most a minute. */
function waitAfter(failedTries: number): number {
  return Math.min(60_000, 1000 * 2 ** Math.min(10, failedTries - 1));
}

/** Failures in a row are counted where a task is newly reported as failed; serving forgets them. */
export function withTries(before: TaskFacts, after: TaskFacts, nowMs: number): TaskFacts {
  if (before.current === after.current) return after;
  const state = after.current?.state;
  if (state === 'serving')
    return after.failedTries === 0 ? after : { ...after, failedTries: 0, notBeforeMs: 0, failedOn: [] };
  const wasFailed = before.current?.state === 'failed' && before.current.incarnation === after.current?.incarnation;
  const isNews = state === 'failed' && !wasFailed;
  return isNews ? withFailure(after, after.current?.host, nowMs) : after;
}

/** One more failed try, on this host. */
export function withFailure(task: TaskFacts, host: HostId | undefined, nowMs: number): TaskFacts {
  const failedTries = task.failedTries + 1;
  const failedOn = host === undefined || task.failedOn.includes(host) ? task.failedOn : [...task.failedOn, host];
  return { ...task, failedTries, failedOn, notBeforeMs: nowMs + waitAfter(failedTries) };
}
