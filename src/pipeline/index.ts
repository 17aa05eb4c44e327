/**
 * Releases moving along a DAG of actions: which action takes which release next (pickers), what it waits for
 * (conditions, windows, marks, a newer release), and why, in words.
 *
 * A release keeps the pipeline revision it was made with. Releases of a service are ordered by their position on the
 * watched branch, then creation; an older one never overwrites a newer one on the same target, except by rollback.
 */
export * from './build-key.ts';
export * from './commands.ts';
export * from './conditions.ts';
export * from './decide.ts';
export * from './explain.ts';
export * from './facts.ts';
export * from './graph.ts';
export * from './memory-git.ts';
export * from './news.ts';
export * from './order.ts';
export * from './pick.ts';
export * from './ports.ts';
export * from './windows.ts';
