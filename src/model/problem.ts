import { catalogue, type ProblemCode } from './problems.ts';

/**
 * What went wrong, for a person: one object becomes `application/problem+json` (RFC 9457), the message of the
 * command, the banner of the page and an entry of the docs.
 */
export interface Problem {
  readonly code: ProblemCode;
  /** HTTP status by which the API answers it. */
  readonly status: number;
  /** The kind of problem, the same every time: "Release is blocked by a mark". */
  readonly title: string;
  /** This occurrence: names the thing, the file and line, or the field. */
  readonly detail: string;
  /** What to do next. */
  readonly remedy: string;
  /** Ids and values by which it can be looked up; never secrets. */
  readonly facts: Readonly<Record<string, unknown>>;
}

/** Makes a problem of the catalogue. `remedy` overrides the catalogue's when the occurrence knows better. */
export function problem(
  code: ProblemCode,
  detail: string,
  facts: Record<string, unknown> = {},
  remedy?: string,
): Problem {
  const entry = catalogue[code];
  return { code, status: entry.status, title: entry.title, detail, remedy: remedy ?? entry.remedy, facts };
}

/** A problem on its way out through code that has to throw (HTTP handlers, the command line, adapters). */
export class ProblemError extends Error {
  readonly problem: Problem;
  constructor(problem: Problem, options?: { cause?: unknown }) {
    super(`${problem.title}: ${problem.detail}`, options);
    this.name = 'ProblemError';
    this.problem = problem;
  }
}
