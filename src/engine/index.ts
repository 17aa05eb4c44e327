/**
 * The durable half of "decide purely, act durably" (design section 3): the work table, leases, timers, guards,
 * effects, commands, events and their sealer. Knows no area: areas hand it work kinds and effect kinds.
 *
 * `createEngine({ store, clock, chance, processId })`, then `registerWork`, `registerEffect`, and either `run(signal)`
 * (a server) or `step()` until it says false (tests, the simulator). In an area's `attempt`: `pendingCommands(tx, …)`.
 */

export { pendingCommands } from './commands-rows.ts';
export type { Trouble } from './core.ts';
export { createEngine } from './create.ts';
export type { Addition, ChainReport, Engine, EngineOptions, ParkedEffect, ParkedWork } from './engine.ts';
export { Conflict } from './guards.ts';
export { Abandon, type Hooks, type Moment } from './hooks.ts';
export * from './port.ts';
export { defaultSettings, type EngineSettings } from './settings.ts';
