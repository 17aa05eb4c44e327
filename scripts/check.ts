// The quick check (at most 30 s on two cores): types, lint and format, and the fast tests.
import { isInterrupted, stopOnSignals } from './children.ts';
import { checkPages } from './docs.ts';
import { finish, type StepResult } from './report.ts';
import { checkLint, checkTypes } from './static-checks.ts';
import { runProject } from './test-project.ts';

export async function check(): Promise<StepResult[]> {
  const [types, lint] = await Promise.all([checkTypes(), checkLint()]);
  return [...types, lint, await checkPages(), await runProject('unit')];
}

if (import.meta.main) {
  const startedAt = Date.now();
  stopOnSignals();
  finish(await check(), startedAt);
  if (isInterrupted()) process.exit(130);
}
