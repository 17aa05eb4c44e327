// What a run of checks adds up to, and how it is told.
import { styleText } from 'node:util';

export interface Tally {
  passed: number;
  failed: number;
  skipped: number;
}

/** A test that did not run; `name` is "file > full test name". */
export interface SkippedTest {
  file: string;
  name: string;
}

export interface StepResult extends Tally {
  step: string;
  /** Why the step as a whole is not good, beyond the tests that failed in it. */
  complaint?: string;
  skips: SkippedTest[];
}

export function oneCheck(step: string, isOk: boolean): StepResult {
  return { step, passed: isOk ? 1 : 0, failed: isOk ? 0 : 1, skipped: 0, skips: [] };
}

export function sum(results: readonly Tally[]): Tally {
  const total = { passed: 0, failed: 0, skipped: 0 };
  for (const result of results) {
    total.passed += result.passed;
    total.failed += result.failed;
    total.skipped += result.skipped;
  }
  return total;
}

export function heading(text: string): void {
  console.log(`\n${styleText('bold', `== ${text}`)}`);
}

export function complain(text: string): void {
  console.log(styleText('red', `!! ${text}`));
}

/** The one closing line, alone on its line, without colour: machines read it. */
export function closingLine(total: Tally): string {
  return `${total.passed} passed, ${total.failed} failed, ${total.skipped} skipped`;
}

/** Prints the end of a run and sets the exit code. */
export function finish(results: readonly StepResult[], startedAt: number): void {
  for (const result of results) {
    if (result.complaint) complain(`${result.step}: ${result.complaint}`);
  }
  console.log(`\ntook ${((Date.now() - startedAt) / 1000).toFixed(1)} s`);
  const total = sum(results);
  console.log(closingLine(total));
  process.exitCode = total.failed > 0 ? 1 : 0;
}
