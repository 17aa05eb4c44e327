// Runs one vitest project (see vitest.config.ts) and counts what it did.
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, relative } from 'node:path';
import { projectFiles } from '../vitest.config.ts';
import { runNode } from './children.ts';
import { heading, type SkippedTest, type StepResult } from './report.ts';

export type ProjectName = keyof typeof projectFiles;

const minutes = 60_000;
const timeoutsMs: Record<ProjectName, number> = {
  unit: 8 * minutes,
  sim: 12 * minutes,
  postgres: 10 * minutes,
  e2e: 42 * minutes,
  browser: 15 * minutes,
};

/** The parts of vitest's JSON report that are read here. */
interface Report {
  numFailedTests: number;
  testResults: {
    name: string;
    status: 'passed' | 'failed';
    assertionResults: { status: string; fullName: string }[];
  }[];
}

export async function runProject(project: ProjectName, options: { isLong?: boolean } = {}): Promise<StepResult> {
  const files = globSync([...projectFiles[project].include], { exclude: [...projectFiles[project].exclude] });
  if (files.length === 0) {
    heading(`${project}: no test files yet`);
    return { step: project, passed: 0, failed: 0, skipped: 0, skips: [] };
  }
  heading(`${project}: ${files.length} file${files.length === 1 ? '' : 's'}`);
  const folder = mkdtempSync(join(tmpdir(), 'rollway-test-'));
  try {
    const reportFile = join(folder, 'report.json');
    const factor = options.isLong ? 10 : 1;
    const { code, isTimedOut } = await runNode(
      ['node_modules/vitest/vitest.mjs', 'run', '--project', project]
        .concat('--reporter', 'default', '--reporter', 'json', '--outputFile', reportFile)
        .concat(options.isLong ? ['--test-timeout', String(20 * minutes)] : []),
      { timeoutMs: timeoutsMs[project] * factor, output: 'stream', env: options.isLong ? { TEST_LONG: '1' } : {} },
    );
    const report = existsSync(reportFile) ? (JSON.parse(readFileSync(reportFile, 'utf8')) as Report) : undefined;
    return judge(project, files.length, report, code, isTimedOut);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

/** A run is good only if it says so in every way: exit code, report, and tests that really ran. */
export function judge(
  step: string,
  fileCount: number,
  report: Report | undefined,
  code: number,
  isTimedOut: boolean,
): StepResult {
  const result: StepResult = { step, passed: 0, failed: 0, skipped: 0, skips: [] };
  for (const file of report?.testResults ?? []) count(result, file);
  const complaint = complaintOf(result, report, fileCount, code, isTimedOut);
  if (!complaint) return result;
  return { ...result, complaint, failed: Math.max(result.failed, 1) };
}

function count(result: StepResult, file: Report['testResults'][number]): void {
  const name = relative(process.cwd(), file.name);
  let failedHere = 0;
  for (const test of file.assertionResults) {
    if (test.status === 'passed') result.passed += 1;
    else if (test.status === 'failed') failedHere += 1;
    else {
      result.skipped += 1;
      result.skips.push({ file: name, name: `${name} > ${test.fullName}` } satisfies SkippedTest);
    }
  }
  // A file that could not be loaded, or whose clean-up failed, has no failing test of its own.
  result.failed += file.status === 'failed' ? Math.max(failedHere, 1) : failedHere;
}

function complaintOf(
  result: StepResult,
  report: Report | undefined,
  fileCount: number,
  code: number,
  isTimedOut: boolean,
): string | undefined {
  if (isTimedOut) return 'it did not end in time and was killed';
  if (!report) return `vitest wrote no report (exit code ${code})`;
  if (code !== 0 && result.failed === 0) return `vitest ended with exit code ${code} though no test failed`;
  if (report.testResults.length < fileCount) return `only ${report.testResults.length} of ${fileCount} files were run`;
  if (result.passed + result.failed + result.skipped === 0) return 'no test ran';
  return undefined;
}
