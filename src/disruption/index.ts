/**
 * The ledger: everything that takes tasks out, whatever the cause, under one budget per job (invariant I1).
 *
 * OUT = indices that served once and do not serve by the newest folded report ∪ indices with an operation admitted
 * and not ended. An *operation* is one wanted change to one task; it is admitted only if OUT with its index fits into
 * the budget, except for what cannot take anything out. What a TaskController acks is necessary, not sufficient:
 * `control/` is the conversation with one, `controllers/` are those that Rollway brings along.
 */
export * from './admit.ts';
export * from './budget.ts';
export * from './control/alarm.ts';
export * from './control/compose.ts';
export * from './control/describe.ts';
export * from './control/due-call.ts';
export * from './control/facts.ts';
export * from './control/needs-ack.ts';
export * from './control/port.ts';
export * from './control/read-answer.ts';
export * from './controllers/budget-only.ts';
export * from './controllers/leader-last.ts';
export * from './controllers/load-aware.ts';
export * from './controllers/readings.ts';
export * from './controllers/shard-aware.ts';
export * from './extras.ts';
export * from './facts.ts';
export * from './fold.ts';
export * from './limits.ts';
export * from './out.ts';
export * from './parts.ts';
export * from './plain.ts';
export * from './rates.ts';
export * from './tries.ts';
