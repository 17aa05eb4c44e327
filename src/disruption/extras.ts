import { isUnderWay, type TaskIndex, type Traffic } from '../model/index.ts';
import type { LedgerOperation, TaskFacts } from './facts.ts';
import { type HostStates, servesClients } from './out.ts';

/** Indices from here on are extra tasks, borrowed while a rollout needs them; a job never grows so far. */
export const firstExtra: TaskIndex = 1_000_000;

export function isExtra(index: TaskIndex): boolean {
  return index >= firstExtra;
}

/**
 * Extra tasks that serve and that nothing is being done to. Each raises the budget by one: so many more of the job's
 * own may be out, and as many as before still serve. An extra task itself never counts as out; one that clients are not
 * told of raises nothing.
 */
export function servingExtras(
  tasks: Iterable<TaskFacts>,
  operations: Iterable<LedgerOperation>,
  hostStates: HostStates,
  traffic?: Traffic,
): Set<TaskIndex> {
  const found = new Set<TaskIndex>();
  for (const task of tasks) if (isExtra(task.index) && servesClients(task, hostStates, traffic)) found.add(task.index);
  if (found.size === 0) return found;
  for (const { index, state } of operations) if (isUnderWay(state)) found.delete(index);
  return found;
}
