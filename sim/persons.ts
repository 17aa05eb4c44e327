import type { LedgerOperation } from '../src/disruption/index.ts';
import type { Rollout, RolloutCommand } from '../src/model/index.ts';
import { type JobCommand, legalCommands } from '../src/rollout/index.ts';
import { Violation } from './invariants.ts';

/** Whatever is still held so long after the last fault waits for a person. */
export const needsPersonAfterMs = 5 * 60_000;

/** What persons look at when nothing moves any more. */
export interface Standstill {
  readonly rollouts: readonly Rollout[];
  readonly operations: readonly LedgerOperation[];
  readonly size: number;
  /** A version that never serves is left assigned. */
  readonly isStuck: boolean;
  /** Rollouts of other jobs that one of these goes together with. */
  readonly others?: ReadonlyMap<string, Rollout> | undefined;
}

/** All that is left to do is a person's: what is held, or filled the budget by failing. */
export function isForPersons({ rollouts, operations, size, isStuck, others }: Standstill): boolean {
  const isOut = isBudgetUsedUp(operations);
  return rollouts.every((rollout) => {
    const { state, hold } = rollout;
    if (state === 'waiting') return true;
    if (state === 'held') return hold?.then === undefined;
    if (isBarredForGood(rollout, others)) return true;
    return (isOut && canRaise(rollout, size)) || (state === 'reverting' && isStuck);
  });
}

/** Of each rollout a person may raise the budget, revert it, abort what came of that; and it counts once more as over. */
export function turnsFor(rollouts: readonly Rollout[]): number {
  return 4 * rollouts.length;
}

/**
 * What a person says to a rollout that waits for one: the budget is raised where it is used up, else the rollout is
 * ended by one of its exits.
 *
 * @throws Violation of L2 when it has none
 */
export function waysOut(
  rollout: Rollout,
  { operations, size }: Pick<Standstill, 'operations' | 'size'>,
  choose: (exits: readonly RolloutCommand[]) => RolloutCommand,
): readonly RolloutCommand[] {
  const legal = legalCommands(rollout);
  const raises = isBudgetUsedUp(operations) && legal.includes('raise-budget') && canRaise(rollout, size);
  if (raises && rollout.state !== 'held') return ['raise-budget'];
  const exits = legal.filter((command) => command === 'revert' || command === 'abort');
  if (exits.length === 0) throw new Violation('L2', 'a rollout has no exit', { state: rollout.state });
  return raises ? ['raise-budget', choose(exits)] : [choose(exits)];
}

/** What goes with a command: to how much the budget is raised, after which phase it is to hold. */
export function argumentsOf(
  { plan }: Rollout,
  command: RolloutCommand,
  count: number,
): Partial<Pick<JobCommand, 'count' | 'phase'>> {
  if (command === 'raise-budget') return { count };
  return command === 'hold-after' ? { phase: plan.phases.at(-1)?.name } : {};
}

/** It stands at a barrier, and the other job has ended without coming so far. */
function isBarredForGood({ group, state, phases, currentPhase }: Rollout, others: Standstill['others']): boolean {
  if (group === undefined || state !== 'running' || phases[currentPhase]?.state !== 'passed') return false;
  return group.members.some(({ rollout }) => {
    const end = others?.get(rollout)?.state;
    return end === 'aborted' || end === 'reverted' || end === 'superseded';
  });
}

function isBudgetUsedUp(operations: readonly LedgerOperation[]): boolean {
  return operations.some(({ blockedBy }) => blockedBy?.includes('budget'));
}

/** A person may have raised its budget before, but not to the whole job. */
function canRaise({ budgetOverride }: Rollout, size: number): boolean {
  return (budgetOverride?.count ?? 0) < size;
}
