import { stableJson } from '../kit/index.ts';
import type { TaskReport } from '../model/index.ts';
import type { IncarnationFacts, TaskFacts } from './facts.ts';
import { foldReport } from './fold.ts';
import { withTries } from './tries.ts';

/**
 * Takes in a report that says what is known already – the same incarnation goes on as it was –, or nothing new at all:
 * no decision comes out otherwise for it. Undefined: it says more than that, or something has ended; the job decides.
 */
export function foldPlain(task: TaskFacts, report: TaskReport, nowMs: number): TaskFacts | undefined {
  if (report.operation !== undefined) return undefined;
  const after = withTries(task, foldReport(task, report), nowMs);
  return after === task || stableJson(decisive(after)) === stableJson(decisive(task)) ? after : undefined;
}

/** What decisions read of an index: everything but when it was last reported, and under which number. */
function decisive(task: TaskFacts): object {
  return { ...task, current: task.current && timeless(task.current), others: task.others.map(timeless) };
}

function timeless(incarnation: IncarnationFacts): object {
  const { sequence: _, reportedAtMs: __, ...rest } = incarnation;
  return rest;
}
