/**
 * The ledger: everything that takes tasks out, whatever the cause, under one budget per job (invariant I1).
 *
 * OUT = indices that served once and do not serve by the newest folded report ∪ indices with an operation admitted
 * and not ended. An *operation* is one wanted change to one task; it is admitted only if OUT with its index fits into
 * the budget, except for what cannot take anything out. What a TaskController acks is necessary, not sufficient.
 */
export * from './admit.ts';
export * from './budget.ts';
export * from './controller.ts';
export * from './facts.ts';
export * from './fold.ts';
export * from './limits.ts';
export * from './out.ts';
export * from './parts.ts';
export * from './rates.ts';
