import type { Problem } from './problem.ts';

/** An expected outcome as a value: decisions return these and never throw (bugs throw). */
export type Result<T, E = Problem> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly error: E };

export function ok<T>(value: T): Result<T, never> {
  return { ok: true, value };
}

export function err<E>(error: E): Result<never, E> {
  return { ok: false, error };
}

/** Throws when a fact that the program relies on does not hold: a bug, never an expected outcome. */
export function assert(condition: unknown, message: string, facts?: Record<string, unknown>): asserts condition {
  if (!condition) throw new AssertionError(message, facts);
}

export class AssertionError extends Error {
  readonly facts: Record<string, unknown> | undefined;
  constructor(message: string, facts?: Record<string, unknown>) {
    super(facts === undefined ? message : `${message} ${JSON.stringify(facts)}`);
    this.name = 'AssertionError';
    this.facts = facts;
  }
}
