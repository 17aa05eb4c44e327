/**
 * What is known to be bad. A *mark* names candidate commits; a build that contains any of them and no fix is a
 * *carrier*, and no assignment ever changes to a carrier (invariant I4) unless a person overrides it with a reason.
 *
 * Ancestry is Git's own, from commit rows that are stored parents first; no decision asks Git. Carriers are rows,
 * computed in the transaction that inserts a mark, a fix or a version, so that others only read them.
 */
export * from './candidates.ts';
export * from './carriers.ts';
export * from './conditions.ts';
export * from './decide-marks.ts';
export * from './facts.ts';
export * from './fixes.ts';
export * from './graph.ts';
export * from './trailers.ts';
export * from './undone.ts';
