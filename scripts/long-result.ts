import { writeResult } from '../bench/machine.ts';
import { type StepResult, sum } from './report.ts';

/** What `npm run test:long` leaves behind: `bench/results/test-long.json`. Returns the file's name. */
export function writeLongResult(results: readonly StepResult[], startedAt: number): string {
  return writeResult('test-long', longResult(results, startedAt, Date.now()));
}

/** `n` = tests that ran; `runsOfAProperty` = how often each property was tried, from `seed` on. */
export function longResult(results: readonly StepResult[], startedAt: number, endedAt: number) {
  const { passed, failed, skipped } = sum(results);
  return {
    seed: Number(process.env.FC_SEED),
    runsOfAProperty: Number(process.env.FC_RUNS ?? 2000),
    n: passed + failed,
    passed,
    failed,
    skipped,
    seconds: Math.round((endedAt - startedAt) / 1000),
    projects: Object.fromEntries(
      results.map(({ step, passed, failed, skipped }) => [step, { passed, failed, skipped }] as const),
    ),
  };
}
