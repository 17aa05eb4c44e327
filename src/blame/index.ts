/**
 * What is known to be bad. A *mark* names candidate commits; a build that contains any of them and no fix is a
 * *carrier*, and no assignment ever changes to a carrier (invariant I4) unless a person overrides it with a reason.
 *
 * Ancestry is Git's own, from commit rows that are stored parents first; no decision asks Git. Carriers are rows,
 * computed in the transaction that inserts a mark, a fix or a version, so that others only read them.
 */
export * from './facts.ts';
