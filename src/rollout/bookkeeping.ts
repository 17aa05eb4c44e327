import { isHeard, mayLive, type TaskFacts } from '../disruption/index.ts';
import {
  type HostId,
  type Incarnation,
  isUnderWay,
  type Outage,
  type OutageCause,
  type TaskIndex,
} from '../model/index.ts';
import { type Draft, setOutage } from './draft.ts';

/** Opens and closes the outages of single tasks: what the screens and the time line show as the cause. */
export function keepOutages(draft: Draft): void {
  if (draft.outages.size === 0 && draft.operations.size === 0 && !isAnybodyOut(draft)) return;
  const open = new Map<TaskIndex, Outage>();
  for (const outage of draft.outages.values()) if ('index' in outage.scope) open.set(outage.scope.index, outage);
  const maintained = hostsUnderMaintenance(draft);
  const causes = new Map<TaskIndex, { cause: OutageCause; operation: Outage['operation'] }>();
  for (const task of draft.tasks.values()) {
    if (task.outSinceMs === undefined || !task.servedOnce) continue;
    const cause = task.current !== undefined && maintained.has(task.current.host) ? 'maintenance' : 'failure';
    causes.set(task.index, { cause, operation: undefined });
  }
  for (const { id, index, kind, rollout, state, host } of draft.operations.values()) {
    if (!isUnderWay(state)) continue;
    const known = open.get(index);
    // A repair of a failure stays a failure.
    if (known?.cause === 'failure' && kind !== 'update') continue;
    const isLeaving = host !== undefined && kind === 'stop' && maintained.has(host);
    const isDown = kind === 'stop' && draft.turn?.down !== undefined && draft.turn.rollout === rollout;
    const cause = isLeaving ? 'maintenance' : isDown ? 'rollout' : causeOf(kind, rollout);
    causes.set(index, { cause, operation: id });
  }
  for (const [index, outage] of open) {
    if (causes.has(index)) continue;
    setOutage(draft, { ...outage, endedAtMs: draft.nowMs });
  }
  for (const [index, { cause, operation }] of causes) {
    if (open.has(index)) continue;
    const scope = { job: draft.job.id, index };
    const base = { scope, operation, startsAtMs: draft.nowMs, deadlineAtMs: undefined, endedAtMs: undefined };
    setOutage(draft, { id: draft.id('out'), cause, ...base });
  }
}

function hostsUnderMaintenance({ outages, nowMs }: Draft): Set<HostId> {
  const hosts = new Set<HostId>();
  for (const { cause, scope, startsAtMs } of outages.values()) {
    if (cause === 'maintenance' && 'host' in scope && startsAtMs <= nowMs) hosts.add(scope.host);
  }
  return hosts;
}

function isAnybodyOut({ tasks }: Draft): boolean {
  for (const task of tasks.values()) if (task.outSinceMs !== undefined) return true;
  return false;
}

function causeOf(kind: string, rollout: string | undefined): OutageCause {
  if (kind === 'resize-down') return 'resize';
  if (kind === 'move' || kind === 'stop') return 'rebalance';
  if (kind === 'restart') return 'restart';
  return rollout === undefined ? 'failure' : 'rollout';
}

/** Room is claimed for what may live, what is being brought to life, and what is to come back after a maintenance. */
export function keepPlacements(draft: Draft): void {
  let coming: Map<TaskIndex, Incarnation[]> | undefined;
  let maintained: ReadonlySet<HostId> | undefined;
  for (const claim of draft.before.inventory.placements) {
    if (claim.job !== draft.job.id) continue;
    const task = draft.tasks.get(claim.index);
    if (task !== undefined && mayHaveLiving(draft, task, claim.incarnation)) continue;
    if (comesBack(draft, claim.index, claim.incarnation)) continue;
    maintained ??= hostsUnderMaintenance(draft);
    if (isStoppedThere(task, claim) && maintained.has(claim.host)) continue;
    coming ??= incarnationsToCome(draft);
    if (!coming.get(claim.index)?.includes(claim.incarnation)) draft.unplaced.push(claim);
  }
}

/** Its newest incarnation, told to stop and not started anywhere else. */
function isStoppedThere(task: TaskFacts | undefined, { incarnation }: { readonly incarnation: Incarnation }): boolean {
  return task?.current?.incarnation === incarnation && task.current.state === 'stopped';
}

/** Stopped by its strategy: it starts again where it was. */
function comesBack(
  { turn, tasks, assignment, hostStates }: Draft,
  index: TaskIndex,
  incarnation: Incarnation,
): boolean {
  if (turn?.down === undefined || assignment.get(index)?.rollout !== turn.rollout) return false;
  const current = tasks.get(index)?.current;
  return current?.state === 'stopped' && current.incarnation === incarnation && isHeard(hostStates(current.host));
}

function incarnationsToCome(draft: Draft): Map<TaskIndex, Incarnation[]> {
  const coming = new Map<TaskIndex, Incarnation[]>();
  for (const { index, nextIncarnation, state } of draft.operations.values()) {
    if (isUnderWay(state)) coming.set(index, [...(coming.get(index) ?? []), nextIncarnation]);
  }
  return coming;
}

function mayHaveLiving({ hostStates }: Draft, { current, others }: TaskFacts, incarnation: Incarnation): boolean {
  if (current?.incarnation === incarnation && mayLive(current, hostStates)) return true;
  return others.some((one) => one.incarnation === incarnation && mayLive(one, hostStates));
}
