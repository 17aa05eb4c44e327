import { digestOf } from '../kit/index.ts';
import { type Amount, budgetOf, type PhaseSpec, type PlanSpec, type TaskIndex } from '../model/index.ts';
import { concurrencyOf } from './phases.ts';
import { selectMembers, type TaskPlace } from './select.ts';
import { surgeOf } from './surge.ts';

/** What a plan is made from: the same facts as the run itself. */
export interface PlanFacts {
  readonly plan: PlanSpec;
  /** Where the tasks are; before the first deployment nowhere. */
  readonly places: readonly TaskPlace[];
  readonly budget: Amount;
  /** Nothing runs yet: everybody of a phase starts at once, and nobody is taken out. */
  readonly isFirst: boolean;
}

export interface PlannedPhase {
  readonly spec: PhaseSpec;
  /** Nested: everybody of the phases before it comes first. */
  readonly members: readonly TaskIndex[];
  readonly adds: number;
  /** How many the phase would take at once, and how many the budget leaves of that. */
  readonly concurrency: number;
  readonly atOnce: number;
  readonly batches: number;
  /** Tasks that serve at every moment of it, as long as nothing else takes any out. */
  readonly servingAtLeast: number;
}

export interface PlannedRollout {
  readonly size: number;
  readonly budget: number;
  /** Extra tasks that are borrowed meanwhile. */
  readonly extras: number;
  readonly phases: readonly PlannedPhase[];
  /** Phases that add nobody and are left out. */
  readonly dropped: readonly string[];
  /** Of phases, membership, gates and limits: starting with another one is refused. */
  readonly hash: string;
}

/** Exactly what a rollout would do: the same selection, rounding and limits as the rollout itself. */
export function planOf({ plan, places, budget: amount, isFirst }: PlanFacts): PlannedRollout {
  const size = places.length;
  const budget = budgetOf(amount, size);
  const extras = isFirst ? 0 : surgeOf(plan, size);
  const phases: PlannedPhase[] = [];
  const dropped: string[] = [];
  let before: readonly TaskIndex[] = [];
  for (const spec of plan.phases) {
    const members = selectMembers(spec.select, places, before);
    const adds = members.length - before.length;
    if (adds <= 0) dropped.push(spec.name);
    else phases.push(phaseOf(spec, members, adds, { size, budget, extras, isFirst }));
    before = members;
  }
  const what = { size, budget, plan, members: phases.map((phase) => phase.members), dropped };
  return { size, budget, extras, phases, dropped, hash: digestOf(what).slice(0, 16) };
}

function phaseOf(
  spec: PhaseSpec,
  members: readonly TaskIndex[],
  adds: number,
  job: { readonly size: number; readonly budget: number; readonly extras: number; readonly isFirst: boolean },
): PlannedPhase {
  const { size, budget, extras, isFirst } = job;
  const concurrency = concurrencyOf(spec, size);
  const atOnce = isFirst ? adds : Math.max(1, Math.min(concurrency, budget + extras, adds));
  return {
    spec,
    members,
    adds,
    concurrency,
    atOnce,
    batches: Math.ceil(adds / atOnce),
    // With every extra task that was borrowed; before they serve, fewer go at once.
    servingAtLeast: isFirst ? 0 : Math.max(0, Math.min(size, size + extras - atOnce)),
  };
}
