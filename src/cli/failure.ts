import { type Problem, ProblemError, problem } from '../model/index.ts';
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
  if (error instanceof ProblemError) return error.problem;
  return isOfAFile(error)
    ? problem(
        'cli/unclear',
        `${error.path.replace(/\.[0-9a-f]+\.tmp$/, '')}: ${fileTroubles[error.code]}`,
        {},
        'Name another file or folder.',
      )
    : undefined;
}

/** What a person can have named wrongly; anything else that a file does is told whole. */
const fileTroubles: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such file or folder',
  EACCES: 'this user may not use it',
  EPERM: 'this user may not use it',
  EISDIR: 'it is a folder',
  ENOTDIR: 'a part of it is no folder',
  EROFS: 'it cannot be written there',
};

function isOfAFile(error: unknown): error is { readonly code: string; readonly path: string } {
  const { code, path } = (error ?? {}) as { readonly code?: unknown; readonly path?: unknown };
  return typeof code === 'string' && typeof path === 'string' && code in fileTroubles;
}
