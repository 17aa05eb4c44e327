/**
 * Small pure helpers, and the ports of time and chance. Nothing here knows what a rollout is.
 */
export * from './aborted.ts';
export * from './backoff.ts';
export * from './chance.ts';
export * from './clock.ts';
export * from './duration.ts';
export * from './hash.ts';
export * from './ids.ts';
export * from './parse-once.ts';
export * from './rate.ts';
export * from './stable-json.ts';
