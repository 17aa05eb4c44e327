import type { ProblemDocument } from '../api/index.ts';
import { type Problem, type ProblemCode, ProblemError, problem, type Result } from '../model/index.ts';

/** What a request is refused with. */
export function refuse(code: ProblemCode, detail: string, facts: Record<string, unknown> = {}, remedy?: string): never {
  throw new ProblemError(problem(code, detail, facts, remedy));
}

/**
 * Anything thrown → the problem to answer with. What is not a `ProblemError` is a mistake of ours: the answer names
 * the request's id only, the log has the rest.
 */
export function problemOfError(error: unknown): { readonly problem: Problem; readonly isOurs: boolean } {
  if (error instanceof ProblemError) return { problem: error.problem, isOurs: error.problem.status >= 500 };
  return { problem: problem('api/internal', 'The request could not be answered.'), isOurs: true };
}

/** The RFC 9457 document of a problem. `instance` is the request's id, by which the log can be searched. */
export function problemDocumentOf(given: Problem, instance: string): ProblemDocument {
  return {
    type: `/docs/problems#${given.code.replace('/', '-')}`,
    code: given.code,
    status: given.status,
    title: given.title,
    detail: given.detail,
    remedy: given.remedy,
    facts: given.facts,
    instance,
  };
}

export function problemResponse(given: Problem, instance: string): Response {
  return new Response(JSON.stringify(problemDocumentOf(given, instance)), {
    status: given.status,
    headers: {
      'content-type': 'application/problem+json',
      'cache-control': 'no-store',
      ...(given.status === 429 ? { 'retry-after': '60' } : {}),
      ...(given.status === 503 ? { 'retry-after': '1' } : {}),
      ...(given.status === 401 ? { 'www-authenticate': 'Bearer realm="rollway"' } : {}),
    },
  });
}

/** The value of a result; an error is thrown as the problem it is. */
export function valueOrThrow<T>(result: Result<T>): T {
  if (!result.ok) throw new ProblemError(result.error);
  return result.value;
}
