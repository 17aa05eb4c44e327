// Everything: the quick check, then the slower vitest projects one after the other. `--long` turns every knob up;
// names of projects as arguments run only those.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { check } from './check.ts';
import { isInterrupted, stopOnSignals } from './children.ts';
import { checkPages } from './docs.ts';
import { writeLongResult } from './long-result.ts';
import { complain, finish, type StepResult } from './report.ts';
import { readMissingTools, reportSkips } from './skips.ts';
import { checkLint, checkTypes } from './static-checks.ts';
import { type ProjectName, runProject } from './test-project.ts';

const slowProjects: ProjectName[] = ['sim', 'postgres', 'e2e', 'browser'];

const startedAt = Date.now();
const args = process.argv.slice(2);
const isLong = args.includes('--long');
const only = args.filter((arg) => !arg.startsWith('-'));
stopOnSignals();
// A seed of our own, so that the result can name it and FC_SEED can try exactly this again.
if (isLong) process.env.FC_SEED ??= String(startedAt % 2 ** 31);

const folder = mkdtempSync(join(tmpdir(), 'rollway-skips-'));
process.env.ROLLWAY_SKIPS = join(folder, 'missing-tools.jsonl');
const results = only.length > 0 ? await runOnly(only) : await runAll();
const unexplained = reportSkips(results, readMissingTools(process.env.ROLLWAY_SKIPS));
rmSync(folder, { recursive: true, force: true });
if (isLong && !isInterrupted()) console.log(`\nwritten: ${writeLongResult(results, startedAt)}`);
finish(unexplained ? [...results, unexplained] : results, startedAt);
if (isInterrupted()) process.exit(130);

async function runAll(): Promise<StepResult[]> {
  const results = isLong
    ? [...(await checkTypes()), await checkLint(), await checkPages(), await runProject('unit', { isLong })]
    : await check();
  for (const project of slowProjects) results.push(await runProject(project, { isLong }));
  return results;
}

async function runOnly(names: readonly string[]): Promise<StepResult[]> {
  const known: readonly string[] = ['unit', ...slowProjects];
  const unknown = names.filter((name) => !known.includes(name));
  if (unknown.length > 0) {
    complain(`no such project: ${unknown.join(', ')} (there are ${known.join(', ')})`);
    process.exit(2);
  }
  const results: StepResult[] = [];
  for (const name of names) results.push(await runProject(name as ProjectName, { isLong }));
  return results;
}
