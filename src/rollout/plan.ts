import { firstExtra } from '../disruption/index.ts';
import { digestOf } from '../kit/index.ts';
import { type Amount, budgetOf, type PhaseSpec, type PlanSpec, type TaskIndex } from '../model/index.ts';
import { concurrencyOf } from './phases.ts';
import { selectMembers, type TaskPlace } from './select.ts';
import { type ChosenStrategy, nameStrategy, ownStrategies, type StrategyBook, strategyOf } from './strategies/book.ts';
import { checkedExtras, checkedOrder, checkedSettings } from './strategies/checked.ts';
import { inPlace } from './strategies/in-place.ts';
import { walkPhase } from './strategies/walk.ts';

/** What a plan is made from: the same facts as the run itself. */
export interface PlanFacts {
  readonly plan: PlanSpec;
  /** Where the tasks are; before the first deployment nowhere. */
  readonly places: readonly TaskPlace[];
  readonly budget: Amount;
  /** Nothing runs yet: everybody of a phase starts at once, and nobody is taken out. */
  readonly isFirst: boolean;
  /** Those that the server has; left out: Rollway's own. */
  readonly strategies?: StrategyBook;
}

export interface PlannedPhase {
  readonly spec: PhaseSpec;
  /** Nested: everybody of the phases before it comes first. */
  readonly members: readonly TaskIndex[];
  readonly adds: number;
  /** How many the phase would take at once, and how many the budget leaves of that. */
  readonly concurrency: number;
  readonly atOnce: number;
  /** What concurrency and budget would leave to any strategy. */
  readonly usual: number;
  readonly batches: number;
  /** Tasks that serve at every moment of it, as long as nothing else takes any out. */
  readonly servingAtLeast: number;
  /** All that it adds stop before any of them starts. */
  readonly stopsAll: boolean;
  /** It is a second set: its members are extra tasks, beside the job's own. */
  readonly isBeside?: boolean | undefined;
}

export interface PlannedRollout {
  readonly size: number;
  readonly budget: number;
  /** Extra tasks that are borrowed meanwhile. */
  readonly extras: number;
  /** Why it would be held at once: its strategy is not here, or is not followed. The rest is as if in place. */
  readonly refusal: string | undefined;
  readonly phases: readonly PlannedPhase[];
  /** Phases that add nobody and are left out. */
  readonly dropped: readonly string[];
  /** Of phases, membership, gates and limits: starting with another one is refused. */
  readonly hash: string;
}

/** Exactly what a rollout would do: the same selection, rounding and limits as the rollout itself. */
export function planOf({ plan, places, budget: amount, isFirst, strategies }: PlanFacts): PlannedRollout {
  const size = places.length;
  const budget = budgetOf(amount, size);
  const { chosen, extras, order, refusal } = strategyFacts(plan, places, isFirst, strategies ?? ownStrategies);
  const phases: PlannedPhase[] = [];
  const dropped: string[] = [];
  let before: readonly TaskIndex[] = [];
  for (const spec of plan.phases) {
    if ('secondSet' in spec.select) {
      if (isFirst) dropped.push(spec.name);
      else phases.push(secondSetPhase(spec, places.length));
      continue;
    }
    const members = selectMembers(spec.select, places, before, order);
    const adds = members.length - before.length;
    // A second set serves in the place of all of them.
    const room = { budget, extras: phases.some(({ isBeside }) => isBeside) ? size : extras };
    if (adds <= 0) dropped.push(spec.name);
    else phases.push(phaseOf(spec, members, adds, { chosen, places, ...room, isFirst }));
    before = members;
  }
  const what = { size, budget, plan, members: phases.map((phase) => phase.members), dropped };
  return { size, budget, extras, refusal, phases, dropped, hash: digestOf(what).slice(0, 16) };
}

/** What the strategy makes of this job, before anything runs. */
function strategyFacts(plan: PlanSpec, places: readonly TaskPlace[], isFirst: boolean, book: StrategyBook) {
  const found = strategyOf(plan, book);
  const chosen = found ?? { strategy: inPlace, settings: {} };
  const settings = checkedSettings(chosen);
  const extras = checkedExtras(chosen, places.length);
  const order = checkedOrder(chosen, places);
  const { name } = nameStrategy(plan.strategy);
  let refusal: string | undefined;
  if (found === undefined) refusal = `This server has no strategy ${name}; it has ${[...book.keys()].join(', ')}.`;
  else if (!settings.ok) refusal = settings.error;
  else if (!extras.ok) refusal = extras.error;
  else if (!order.ok) refusal = order.error;
  return {
    chosen,
    extras: isFirst || !extras.ok ? 0 : extras.value,
    order: order.ok ? order.value : undefined,
    refusal,
  };
}

/** Everybody of it starts at once, beside all that serve. */
function secondSetPhase(spec: PhaseSpec, size: number): PlannedPhase {
  const members = Array.from({ length: size }, (_, at) => firstExtra + at);
  const count = { adds: size, concurrency: size, atOnce: size, usual: size };
  return { spec, members, ...count, batches: 1, servingAtLeast: size, stopsAll: false, isBeside: true };
}

interface JobPlan {
  readonly chosen: ChosenStrategy;
  readonly places: readonly TaskPlace[];
  readonly budget: number;
  readonly extras: number;
  readonly isFirst: boolean;
}

function phaseOf(spec: PhaseSpec, members: readonly TaskIndex[], adds: number, job: JobPlan): PlannedPhase {
  const { places, budget, extras, isFirst } = job;
  const size = places.length;
  const concurrency = concurrencyOf(spec, size);
  const usual = isFirst ? adds : Math.max(1, Math.min(concurrency, budget + extras, adds));
  const walk = isFirst ? undefined : walkPhase(job.chosen, { spec, members, adds, places, atOnce: usual });
  return {
    spec,
    members,
    adds,
    concurrency,
    usual,
    atOnce: walk?.atOnce ?? usual,
    batches: walk?.batches ?? Math.ceil(adds / usual),
    // With every extra task that was borrowed; before they serve, fewer go at once.
    servingAtLeast: isFirst ? 0 : Math.max(0, Math.min(size, size + extras - (walk?.mostOut ?? usual))),
    stopsAll: walk?.stopsAll ?? false,
  };
}
