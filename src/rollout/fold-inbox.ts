import {
  foldGone,
  foldOut,
  type LedgerOperation,
  type OperationEnd,
  withFailure,
  withTries,
} from '../disruption/index.ts';
import type { FailureCard, TaskReport } from '../model/index.ts';
import { type Draft, emitForJob, emitForRollout, moveOperation, setTask, taskOf } from './draft.ts';

/** Takes in everything that was reported and answered, and ends what ended. */
export function foldInbox(draft: Draft): void {
  for (const answer of draft.before.answers) foldAnswer(draft, answer.operation, answer.answer);
  for (const report of inOrder(draft.before.reports)) foldOne(draft, report);
  // The list is copied, since operations may end meanwhile; most decisions find none.
  for (const operation of draft.operations.size === 0 ? [] : [...draft.operations.values()]) {
    if (operation.admittedAtMs === undefined) continue;
    const end = draft.rules.endByFacts(operation, draft.tasks.get(operation.index), draft.hostStates);
    if (end === undefined) continue;
    // Its host may come back, with the order still on its way.
    if (operation.state === 'admitted' && !operation.isWithdrawn)
      draft.dispatches.push({ kind: 'withdraw', operation });
    endOperation(draft, operation, end);
  }
  for (const task of draft.tasks.values()) {
    const folded = foldOut(task, draft.hostStates, draft.nowMs);
    if (folded !== task) setTask(draft, folded);
  }
}

/** The order does not matter for what is known; it makes the events read as it happened. */
function inOrder(reports: readonly TaskReport[]): readonly TaskReport[] {
  if (reports.length < 2) return reports;
  return [...reports].sort(
    (a, b) => a.index - b.index || a.incarnation - b.incarnation || a.sequence - b.sequence || a.atMs - b.atMs,
  );
}

function foldAnswer(draft: Draft, id: LedgerOperation['id'], answer: 'begun' | 'never-began' | 'done'): void {
  const operation = draft.operations.get(id);
  if (operation === undefined || operation.admittedAtMs === undefined) return;
  if (answer === 'never-began') {
    if (operation.state === 'admitted')
      endOperation(draft, operation, { state: 'cancelled', outcome: 'it never began' });
  } else if (operation.state === 'admitted') moveOperation(draft, operation, 'executing');
}

function foldOne(draft: Draft, report: TaskReport): void {
  const before = taskOf(draft, report.index);
  const isKnown = draft.tasks.has(report.index) || report.index < draft.job.size;
  if (isKnown) setTask(draft, withTries(before, draft.rules.foldReport(before, report), draft.nowMs));
  if (report.operation === undefined) return;
  const operation = draft.operations.get(report.operation.id);
  const end = operation && draft.rules.endByReport(operation, report);
  if (operation !== undefined && end !== undefined) endOperation(draft, operation, end);
}

const keptLogLines = 10;
const keptLineLength = 240;

/** Small enough for an event. */
function shortCard(card: FailureCard | undefined): FailureCard | undefined {
  if (card === undefined) return undefined;
  const lines = card.lastLogLines.slice(-keptLogLines).map((line) => line.slice(0, keptLineLength));
  return { ...card, lastLogLines: lines };
}

export function endOperation(draft: Draft, operation: LedgerOperation, end: OperationEnd): void {
  const ended = moveOperation(draft, operation, end.state, { outcome: end.outcome });
  const { id, kind, index, outcome, rollout } = ended;
  const task = draft.tasks.get(index);
  // An operation that failed without leaving a failed task behind (refused, no package) waits before the next try.
  if (end.state === 'failed' && task !== undefined && task.current?.state !== 'failed') {
    setTask(draft, withFailure(task, operation.host, draft.nowMs));
  }
  const isStop = kind === 'stop' || kind === 'resize-down';
  if (end.state === 'done' && isStop && task !== undefined) setTask(draft, foldGone(task, operation.incarnation));
  const data = {
    operation: id,
    kind,
    index,
    state: end.state,
    outcome,
    tookMs: draft.nowMs - (ended.admittedAtMs ?? 0),
    // What a person wants to see still when the task has gone back long ago.
    failure: end.state === 'failed' ? shortCard(task?.current?.failure) : undefined,
  };
  if (rollout === undefined) emitForJob(draft, 'operation.ended', data);
  else emitForRollout(draft, rollout, 'operation.ended', data);
}
