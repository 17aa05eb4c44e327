import { isGone, type LedgerOperation, type TaskFacts } from '../src/disruption/index.ts';
import { healthy } from '../src/drivers/simulated/index.ts';
import type { AssignmentRow, Rollout, TaskIndex, VersionId } from '../src/model/index.ts';
import { isServingExtra } from './invariants.ts';
import type { Scenario } from './scenario.ts';

/** After the last fault: all must have come to rest within this (liveness L1). */
export const restWithinMs = 30 * 60_000;

/** What is assigned, what is known of reality, and where tasks serve in truth. */
export interface Reality {
  readonly size: number;
  readonly assignment: ReadonlyMap<TaskIndex, AssignmentRow>;
  readonly tasks: ReadonlyMap<TaskIndex, TaskFacts>;
  readonly operations: readonly LedgerOperation[];
  readonly rollouts: readonly Rollout[];
  readonly placesOf: (index: TaskIndex) => readonly string[];
}

/** A budget that is full, and extra tasks in whose place others are out. */
const keepsFromMoving = /budget|room is needed/;

/** Its tasks never stay up: that they are tried is all that can be asked for. */
export function cannotServe({ versions }: Scenario, version: VersionId): boolean {
  const behaviour = versions[version] ?? healthy;
  return behaviour.neverReady || behaviour.crashAfterMs !== undefined;
}

/** A version that never serves, left where it is by a person, may fill the budget: then nothing else is taken out. */
export function isStuck(scenario: Scenario, assignment: Reality['assignment']): boolean {
  for (const { version } of assignment.values()) {
    if (version !== undefined && cannotServe(scenario, version)) return true;
  }
  return false;
}

/** Something was ordered and has not ended. What never serves is tried again for ever: nobody waits for that. */
export function isBusy(scenario: Scenario, operations: readonly LedgerOperation[]): boolean {
  return operations.some(
    ({ admittedAtMs, to }) => admittedAtMs !== undefined && (to === undefined || !cannotServe(scenario, to)),
  );
}

/** Rollouts have ended, or are held until a person ends that, or wait for one that is. */
export function areStill(rollouts: readonly Rollout[]): boolean {
  const isHeld = rollouts.some(({ state }) => state === 'held');
  return rollouts.every(({ state, hold }) =>
    state === 'held' ? hold?.then === undefined : state === 'waiting' && isHeld,
  );
}

/** Assignment − reality, at the end of a run: what should have come to rest and has not. */
export function differencesOf(scenario: Scenario, reality: Reality): readonly unknown[] {
  const { size, assignment, tasks, rollouts } = reality;
  const found: unknown[] = [];
  const held = new Set<string>();
  for (const { id, state } of rollouts) if (state === 'held') held.add(id);
  const stuck = keptFromMoving(scenario, reality);
  for (let index = 0; index < size; index++) {
    const row = assignment.get(index);
    if (row?.version === undefined || stuck.has(index)) continue;
    const current = tasks.get(index)?.current;
    if (current === undefined && row.rollout !== undefined && held.has(row.rollout)) continue;
    const isVersion = current?.version === row.version;
    const places = reality.placesOf(index);
    const serves = isVersion && current.state === 'serving' && places.length === 1;
    if (serves || (isVersion && cannotServe(scenario, row.version))) continue;
    found.push([index, row.version, current?.version, current?.state, current?.host, places]);
  }
  for (const task of tasks.values()) {
    if (task.index < size || isGone(task) || stuck.has(task.index)) continue;
    const isBorrowed = isServingExtra(task) && assignment.get(task.index)?.version !== undefined;
    if (!isBorrowed) found.push([task.index, 'is beyond the size']);
  }
  return found;
}

/** What a full budget keeps from moving, and nothing else. */
function keptFromMoving(scenario: Scenario, { assignment, operations }: Reality): ReadonlySet<TaskIndex> {
  const kept = new Set<TaskIndex>();
  if (operations.length === 0 || !isStuck(scenario, assignment)) return kept;
  for (const { index, blockedBy } of operations) if (keepsFromMoving.test(blockedBy ?? '')) kept.add(index);
  return kept;
}
