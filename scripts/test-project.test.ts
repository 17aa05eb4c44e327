import { expect, test } from 'vitest';
import { judge } from './test-project.ts';

const file = (status: 'passed' | 'failed', ...statuses: string[]) => ({
  name: 'a.test.ts',
  status,
  assertionResults: statuses.map((status) => ({ status, fullName: 'says so' })),
});
const reportOf = (...testResults: ReturnType<typeof file>[]) => ({ numFailedTests: 0, testResults });

test.each([
  ['all is well', 1, reportOf(file('passed', 'passed', 'pending')), 0, false, [1, 0, 1]],
  ['a test failed', 1, reportOf(file('failed', 'passed', 'failed')), 1, false, [1, 1, 0]],
  ['a file could not be loaded', 1, reportOf(file('failed')), 1, false, [0, 1, 0]],
  ['vitest failed outside the tests', 1, reportOf(file('passed', 'passed')), 1, false, [1, 1, 0]],
  ['a file was not run', 2, reportOf(file('passed', 'passed')), 0, false, [1, 1, 0]],
  ['there is no report', 1, undefined, 0, false, [0, 1, 0]],
  ['it was killed by its time-out', 1, undefined, 1, true, [0, 1, 0]],
  ['the files hold no test', 1, reportOf(file('passed')), 0, false, [0, 1, 0]],
] as const)('%s', (_, fileCount, report, code, isTimedOut, [passed, failed, skipped]) => {
  const copy = report && { ...report, testResults: report.testResults.map((entry) => ({ ...entry })) };
  expect(judge('unit', fileCount, copy, code, isTimedOut)).toMatchObject({ passed, failed, skipped });
});
