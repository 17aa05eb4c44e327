import type { HostState, Incarnation, TaskReport } from '../model/index.ts';
import { hasProcess } from '../model/index.ts';
import type { IncarnationFacts, LedgerOperation, TaskFacts } from './facts.ts';
import { type HostStates, isServing } from './out.ts';

/** Incarnations known to be gone that are remembered, so that a late report does not revive them. */
const remembered = 3;

/**
 * Takes one report into what is known of its index. "Newest" is by incarnation, then by the agent's own sequence:
 * the same reports in any order, any number of times, end in the same facts. The same object when it brings nothing.
 */
export function foldReport(task: TaskFacts, report: TaskReport): TaskFacts {
  // An agent that holds nothing of this index says so with incarnation 0, e.g. when it refuses an operation.
  if (report.incarnation === 0) return task;
  const servedOnce = task.servedOnce || report.state === 'serving';
  const all = task.current === undefined ? [...task.others] : [...task.others, task.current];
  const at = all.findIndex((one) => one.incarnation === report.incarnation);
  const before = all[at];
  if (before !== undefined && report.sequence <= before.sequence) {
    return servedOnce === task.servedOnce ? task : { ...task, servedOnce };
  }
  const facts = incarnationOf(report, before);
  if (at === -1) all.push(facts);
  else all[at] = facts;
  const current = currentOf(all);
  const highestIncarnation = Math.max(task.highestIncarnation, report.incarnation);
  return { ...task, highestIncarnation, servedOnce, current, others: othersOf(all, current) };
}

function incarnationOf(report: TaskReport, before: IncarnationFacts | undefined): IncarnationFacts {
  const servedBefore = before?.life === report.life ? before.servingSinceMs : undefined;
  return {
    incarnation: report.incarnation,
    life: report.life,
    host: report.host,
    version: report.version,
    state: report.state,
    ports: report.ports,
    address: report.address,
    sequence: report.sequence,
    reportedAtMs: report.atMs,
    servingSinceMs: report.state === 'serving' ? (servedBefore ?? report.atMs) : undefined,
    failure: report.failure,
  };
}

/** The newest one; while a package is only being fetched, the one on that host that it has not replaced yet. */
function currentOf(all: readonly IncarnationFacts[]): IncarnationFacts {
  let newest: IncarnationFacts | undefined;
  for (const one of all) {
    if (newest !== undefined && newest.incarnation > one.incarnation) continue;
    if (hasBegun(one) || !all.some((old) => stands(old, one))) newest = one;
  }
  return newest as IncarnationFacts;
}

/** Nothing was stopped for an incarnation that is still being fetched, or whose package never came. */
function hasBegun(one: IncarnationFacts): boolean {
  return one.state !== 'fetching' && one.failure?.reason !== 'package';
}

function stands(old: IncarnationFacts, one: IncarnationFacts): boolean {
  return old.incarnation < one.incarnation && old.host === one.host && hasProcess(old.state);
}

/** On one host a newer incarnation has taken the place of an older one. */
function othersOf(all: readonly IncarnationFacts[], current: IncarnationFacts): readonly IncarnationFacts[] {
  if (all.length === 1) return none;
  const others = all.filter((one) => one !== current).sort((a, b) => a.incarnation - b.incarnation);
  const known = others.map((one) => (isReplaced(one, all) ? { ...one, state: 'stopped' as const } : one));
  let surplus = known.filter((one) => !canLive(one)).length - remembered;
  return known.filter((one) => canLive(one) || surplus-- <= 0);
}

const none: readonly IncarnationFacts[] = [];

function isReplaced(one: IncarnationFacts, all: readonly IncarnationFacts[]): boolean {
  if (!canLive(one)) return false;
  return all.some((newer) => newer.incarnation > one.incarnation && newer.host === one.host && hasBegun(newer));
}

function canLive(one: IncarnationFacts): boolean {
  return hasProcess(one.state) || one.state === 'fetching';
}

/** Keeps the time since when an index has been out, by the control plane's own clock. */
export function foldOut(task: TaskFacts, hostStates: HostStates, nowMs: number): TaskFacts {
  if (isServing(task, hostStates)) return task.outSinceMs === undefined ? task : { ...task, outSinceMs: undefined };
  if (!task.servedOnce && task.current === undefined) return task;
  return task.outSinceMs === undefined ? { ...task, outSinceMs: nowMs } : task;
}

/** Its host has said that this incarnation is gone, also where it could not report it as a task any more. */
export function foldGone(task: TaskFacts, incarnation: Incarnation): TaskFacts {
  const isMeant = (one: IncarnationFacts): boolean => one.incarnation === incarnation && canLive(one);
  const { current } = task;
  if (current !== undefined && isMeant(current)) return { ...task, current: { ...current, state: 'stopped' } };
  if (!task.others.some(isMeant)) return task;
  return { ...task, others: task.others.map((one) => (isMeant(one) ? { ...one, state: 'stopped' } : one)) };
}

/** How an operation ends; a timeout ends nothing. */
export type OperationEnd = Pick<LedgerOperation, 'state' | 'outcome'>;

/** By its agent's word, which comes together with the task's state. */
export function endByReport(operation: LedgerOperation, report: TaskReport): OperationEnd | undefined {
  const word = report.operation;
  if (word === undefined || word.id !== operation.id || operation.endedAtMs !== undefined) return undefined;
  switch (word.outcome) {
    case 'done':
      return { state: 'done', outcome: undefined };
    case 'cancelled':
      return { state: 'cancelled', outcome: word.reason ?? 'cancelled before it began' };
    case 'failed':
      return { state: 'failed', outcome: word.reason ?? report.failure?.summary ?? 'it failed' };
    case 'refused':
      return word.reason === 'recovered'
        ? { state: 'cancelled', outcome: 'recovered' }
        : { state: 'failed', outcome: `refused: ${word.reason ?? 'no reason given'}` };
  }
}

/** Without its agent: a newer incarnation serves, or a person or the watch has fenced its host. */
export function endByFacts(
  operation: LedgerOperation,
  task: TaskFacts | undefined,
  hostStates: HostStates,
): OperationEnd | undefined {
  const state: HostState | undefined = operation.host === undefined ? undefined : hostStates(operation.host);
  if (state === 'fenced') return { state: 'cancelled', outcome: `${operation.host} is fenced` };
  // A stop of a superseded incarnation is over by this only when nobody is there to do it.
  const isStop = operation.kind === 'stop' || operation.kind === 'resize-down';
  if (isStop && state !== 'lost') return undefined;
  const current = task?.current;
  if (current === undefined || current.incarnation <= operation.nextIncarnation) return undefined;
  if (!isServing(task, hostStates)) return undefined;
  return { state: 'cancelled', outcome: `incarnation ${current.incarnation} serves in its place` };
}
