/**
 * A cluster in virtual time behind the driver's port: agents that remember what real ones must, tasks that behave as
 * their version was planted to, and every fault a scenario can think of. Deterministic: time and chance are handed in.
 */
export * from './agent.ts';
export * from './behaviour.ts';
export * from './cluster.ts';
export * from './driver.ts';
