/**
 * The durable half of "decide purely, act durably" (design section 3): the work table, leases, timers, guards,
 * effects, commands, events and their sealer. Knows no area: areas hand it work kinds and effect kinds.
 */
export * from './port.ts';
