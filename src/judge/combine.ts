import type { CheckResult, CheckSpec, Verdict } from '../model/index.ts';

/** One failing critical check fails; others fail together when so much of their weight does. `observe` never counts. */
export function combine(
  checks: readonly CheckSpec[],
  results: readonly CheckResult[],
  measured: boolean,
  failShare: number,
): Verdict {
  const counted = checks.flatMap((check, i) =>
    check.trust === 'observe' ? [] : [{ check, verdict: results[i]!.verdict }],
  );
  const failing = counted.filter(({ verdict, check }) => verdict === 'fail' && check.trust === 'revert');
  if (failing.some(({ check }) => check.critical)) return 'fail';
  const failed = failing.filter(({ check }) => !check.guard);
  const asked = counted.filter(({ check }) => !check.guard);
  const weightIn = (list: readonly { readonly check: CheckSpec }[]) =>
    list.reduce((sum, { check }) => sum + check.weight, 0);
  if (failed.length > 0 && weightIn(failed) >= failShare * weightIn(asked) * (1 - 1e-9)) return 'fail';
  const isPass = measured && asked.length > 0 && asked.every(({ verdict }) => verdict === 'pass');
  return isPass ? 'pass' : 'undecided';
}

/** What is worst comes first. */
export function rank(verdict: Verdict): number {
  return verdict === 'fail' ? 0 : verdict === 'undecided' ? 1 : 2;
}
