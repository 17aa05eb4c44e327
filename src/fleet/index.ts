/**
 * The built-in cluster manager: which hosts there are and how they are, where a task goes, and which tasks clients
 * are told of. It decides nothing about versions, budgets or operations: `job/decide` asks `place` where a start may
 * go and claims the room (`rows.ts`) in the same transaction, with the host's guard.
 *
 * Words: a *host* is up, suspected, lost, fenced or leaving; a *placement* is one incarnation's claim to room on it;
 * a *mass silence* (more than half of the hosts silent together) moves nothing.
 */
export * from './capacity.ts';
export * from './discovery.ts';
export * from './inventory.ts';
export * from './maintenance.ts';
export * from './maintenance-impact.ts';
export * from './place.ts';
export * from './silence.ts';
