import { createClient } from '../../src/api/index.ts';
import { type Problem, ProblemError } from '../../src/model/index.ts';

/** The API of the server that gave us this page. */
export const client = createClient({ baseUrl: '', fetch: (url, init) => fetch(url, init) });

export function once() {
  return { idempotencyKey: crypto.randomUUID() };
}

/** What went wrong, in words for a person. */
export function problemOf(error: unknown): Pick<Problem, 'title' | 'detail' | 'remedy'> {
  if (error instanceof ProblemError) return error.problem;
  return { title: 'This page made a mistake', detail: String(error), remedy: 'Reload it.' };
}
