import type { JobId, TaskIndex } from '../../model/index.ts';

/** Whether a token of this scope may hand in metrics of a task: no scope, its job, or exactly it. */
export function mayPushFor(scope: string | undefined): (job: JobId, index: TaskIndex) => boolean {
  if (scope === undefined) return () => true;
  return (job, index) => scope === job || scope === `${job}/${index}`;
}

/** The task that a token of one task means when nothing else says whose it is. */
export function taskOfScope(scope: string | undefined): { job: JobId; index: TaskIndex } | undefined {
  const match = /^(.+@.+)\/(\d+)$/.exec(scope ?? '');
  return match ? { job: match[1] as JobId, index: Number(match[2]) } : undefined;
}
