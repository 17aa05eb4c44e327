import type { HostId, HostState, TaskIndex, Traffic } from '../model/index.ts';
import { hasProcess, isInTraffic, isUnderWay } from '../model/index.ts';
import type { IncarnationFacts, LedgerOperation, TaskFacts } from './facts.ts';

/** How hosts are, as far as the ledger is concerned. A host that is not known any more is gone. */
export type HostStates = (host: HostId) => HostState;

/** A host from which nothing is heard: what ran there is out, whatever its last report said. */
export function isHeard(state: HostState): boolean {
  return state === 'up' || state === 'leaving';
}

/** Serves by the newest folded report, on a host that is heard. */
export function isServing(task: TaskFacts | undefined, hostStates: HostStates): boolean {
  const current = task?.current;
  return current !== undefined && current.state === 'serving' && isHeard(hostStates(current.host));
}

/** It serves, and clients are told so. */
export function servesClients(task: TaskFacts, hostStates: HostStates, traffic: Traffic | undefined): boolean {
  return isServing(task, hostStates) && isInTraffic(traffic, task.current!.version);
}

/** Whether an incarnation may still have a process somewhere: silence is unknown, only fencing says gone. */
export function mayLive(incarnation: IncarnationFacts, hostStates: HostStates): boolean {
  if (hostStates(incarnation.host) === 'fenced') return false;
  return hasProcess(incarnation.state) || incarnation.state === 'fetching';
}

/**
 * OUT(job) of invariant I1: indices that served once and do not serve now, whatever the cause, and indices with an
 * operation admitted and not ended. Overlapping causes count an index once. One that serves and that clients are not
 * told of (blue/green) is out too: somebody else serves in its place.
 */
export function outOf(
  tasks: Iterable<TaskFacts>,
  operations: Iterable<LedgerOperation>,
  hostStates: HostStates,
  traffic?: Traffic,
): Set<TaskIndex> {
  const out = new Set<TaskIndex>();
  for (const task of tasks) if (task.servedOnce && !servesClients(task, hostStates, traffic)) out.add(task.index);
  for (const operation of operations) if (isUnderWay(operation.state)) out.add(operation.index);
  return out;
}
