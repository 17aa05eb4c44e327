import { isExtra } from '../../disruption/index.ts';
import type { Phase, PlanSpec, TaskIndex } from '../../model/index.ts';
import { secondSetOf } from '../../rollout/index.ts';
import type { Confounder } from '../port.ts';

/**
 * Blue/green: from the switch on the second set is held against what the first one showed before it. Who had no traffic
 * when belongs to nobody: the first set from the switch on, the second one until it is warm under the traffic it got then.
 * Undefined: nobody was switched to yet, or this phase is of the job's own tasks again.
 */
export function unservedOf(
  plan: PlanSpec,
  { updatedAtMs, members }: Phase,
  tasks: readonly { readonly index: TaskIndex }[],
  warmupMs: number,
): readonly Confounder[] | undefined {
  const isSecondSet = secondSetOf(plan) !== undefined && members.some(isExtra);
  if (!isSecondSet || updatedAtMs === undefined) return undefined;
  const own = tasks.flatMap(({ index }) => (isExtra(index) ? [] : [index]));
  return [
    { what: 'the first set after the switch', fromMs: updatedAtMs, toMs: undefined, indices: own },
    { what: 'the second set before the switch', fromMs: 0, toMs: updatedAtMs + warmupMs, indices: members },
  ];
}
