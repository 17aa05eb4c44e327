import type { CheckSpec } from '../model/index.ts';
import type { JudgePlan } from './port.ts';
import { promisedPower } from './promise.ts';
import type { Evidence } from './weigh/evidence.ts';

/**
 * How much larger than promised the worsening may be that is found: spreads are estimates of few tasks. Measured:
 * docs/judge.md, "Promises".
 */
const promiseSlack = 2;

/**
 * Whether a check has seen what was promised: the promised worsening, or little more, would be found with the promised
 * chance. Where nothing is known of before, at least half of the usual traffic must be there.
 */
export function isPromiseKept(
  plan: JudgePlan,
  check: CheckSpec,
  evidence: Evidence | undefined,
  traffic: number,
): boolean {
  const promise = plan.promise?.checks.find((one) => one.check === check.name);
  if (!promise) return traffic >= 0.5;
  if (promise.smallest === undefined) return true;
  return evidence !== undefined && evidence.powerFor(promise.smallest * promiseSlack, promise.level) >= promisedPower;
}
