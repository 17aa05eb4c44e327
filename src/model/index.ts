/**
 * The words of `docs/glossary.md` as types and schemas, `Result`, and the catalogue of problems.
 * Nothing here does anything: the rest of the house imports it, it imports only zod.
 */
export * from './actor.ts';
export * from './amount.ts';
export * from './driver.ts';
export * from './event.ts';
export * from './fleet-metrics.ts';
export * from './host.ts';
export * from './ids.ts';
export * from './maintenance.ts';
export * from './mark.ts';
export * from './not-served.ts';
export * from './operation.ts';
export * from './outage.ts';
export * from './problem.ts';
export * from './problems.ts';
export * from './query-metric.ts';
export * from './release.ts';
export * from './result.ts';
export * from './rollout.ts';
export * from './sample.ts';
export * from './service-spec.ts';
export * from './source-trouble.ts';
export * from './span-metric.ts';
export * from './standard-checks.ts';
export * from './task.ts';
export * from './task-control.ts';
export * from './traffic.ts';
export * from './verdict.ts';
export * from './version.ts';
