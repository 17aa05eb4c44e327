import { type Problem, ProblemError } from '../model/index.ts';
import type { Style } from './render/style.ts';

/** What a script can tell apart by the exit code. */
export const exitCodes = {
  done: 0,
  error: 1,
  usage: 2,
  /** What was asked for ended badly: a release or rollout failed, was reverted, aborted. */
  failed: 3,
  /** It waits for a person. */
  held: 4,
  timedOut: 5,
} as const;

/** First line what, second line why, third line what to do. */
export function describeProblem(problem: Problem, style: Style): string[] {
  const lines = [`${style.bad('✗')} ${style.bold(problem.title)}`, `  ${problem.detail}`, `  ${problem.remedy}`];
  const instance = problem.facts.instance;
  if (problem.status >= 500 && typeof instance === 'string' && instance !== '') lines.push(style.dim(`  ${instance}`));
  return lines;
}

/** The problem in whatever was thrown; anything else is a mistake of the program itself. */
export function problemIn(error: unknown): Problem | undefined {
  return error instanceof ProblemError ? error.problem : undefined;
}
