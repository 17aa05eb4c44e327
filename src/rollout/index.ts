/**
 * One version spreading over one job: phases, batches, assignment, advance, revert.
 *
 * A rollout owns indices through the *assignment* (index → version): taking an index, giving it back and handing it
 * over are its only ways to act; operations follow from assignment − reality and go through the ledger
 * (`disruption/`). `decideJob` ties all of it together and is pure; `work.ts` loads, calls it and commits.
 * Invariants: I2 one owner, I3 blast radius, I4 no bad twice (docs/explanations/invariants.md).
 */

export * from './backtest.ts';
export * from './barrier.ts';
export { type BasicChecks, readBasicChecks } from './basic-checks.ts';
export { decideJob } from './decide.ts';
export type { MakeId } from './draft.ts';
export * from './explain.ts';
export * from './explain-maintenance.ts';
export * from './facts.ts';
export * from './good-versions.ts';
export * from './group-order.ts';
export * from './maintenance.ts';
export * from './new-rollout.ts';
export { placeboBakeMs, placeboPlan, placeboTasks } from './placebo.ts';
export * from './plan.ts';
export { isRound, roundPlan } from './rounds.ts';
export { type Rules, standardRules } from './rules.ts';
export * from './select.ts';
export * from './state.ts';
export { type SecondSetTimes, secondSetOf } from './strategies/blue-green.ts';
export * from './strategies/book.ts';
export * from './strategies/port.ts';
export { tryStrategy } from './strategies/try-strategy.ts';
export * from './task-plan.ts';
export * from './transitions.ts';
export { legalCommands, mayCommand, ownTransitions, transitions } from './transitions.ts';
