import { type Amount, budgetOf } from '../model/index.ts';

/** What a job's budget depends on. */
export interface BudgetFacts {
  readonly budget: Amount;
  readonly size: number;
  readonly resizingFrom: number | undefined;
  /** Extra tasks that serve under surge; each raises the budget by one. */
  readonly surge?: number;
}

/**
 * How many tasks may be out at once. During a resize the smaller of both budgets: 12 → 40 tasks at 10 % stays at 1
 * until the new ones serve; 40 → 12 falls to 1 at once.
 */
export function budgetInForce(facts: BudgetFacts): number {
  const now = budgetOf(facts.budget, facts.size);
  const before = facts.resizingFrom === undefined ? now : budgetOf(facts.budget, facts.resizingFrom);
  return Math.min(now, before) + (facts.surge ?? 0);
}

/** The same for an operation of one rollout, for which a person may have raised it. */
export function budgetFor(inForce: number, override: { readonly count: number } | undefined): number {
  return Math.max(inForce, override?.count ?? 0);
}
