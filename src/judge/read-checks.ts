import { type CheckSpec, spanMetric } from '../model/index.ts';
import type { BinTable } from './bin-table.ts';
import { checksSeen, guardsSeen } from './checks-in-force.ts';
import type { ClosedBins } from './closed-bins/closed-bins.ts';
import { readComponents } from './components.ts';
import { withoutConfounded } from './confounders.ts';
import { type CheckData, readCheck, readRoutes } from './measured-check.ts';
import { isAlone } from './plain-check.ts';
import type { JudgePlan } from './port.ts';
import { countedBy, tellRoutes } from './routes.ts';

export interface ReadChecks {
  readonly checks: readonly CheckSpec[];
  readonly table: BinTable;
  /** By the name of the check; undefined: its metric does not occur. */
  readonly data: ReadonlyMap<string, CheckData | undefined>;
}

/** Which checks are in force, who is compared with whom, and what each check sees of them. */
export function readChecks(plan: JudgePlan, closed: ClosedBins, untilMs = 0): ReadChecks {
  const span = closed.span();
  const toMs = Math.max(closed.isEmpty ? 0 : untilMs, span?.toMs ?? 0);
  // Where nothing is left but what has become coarse, there is no bin to look at.
  const whole = closed.table(plan, Math.min(span?.fromMs ?? toMs, toMs), toMs);
  const table = withoutConfounded(whole, [...(plan.confounders ?? []), ...(plan.unserved ?? [])]);
  const seen = closed.metrics();
  const own = checksSeen(plan.spec, seen);
  const all = [...own, ...guardsSeen(plan.spec, own, seen)];
  // In a first deployment there is nobody to compare with: only what is held against a limit of its own.
  const checks = plan.oldVersions?.length === 0 ? all.filter(isAlone) : all;
  const hasSpans = seen.some(({ metric }) => metric === spanMetric);
  const readOne = (check: CheckSpec): CheckData | undefined => {
    const one = readCheck(table, closed, check);
    if (!one) return undefined;
    // Samples are gone through only where there may be routes or spans, and only when they are looked at.
    const counted = countedBy(check);
    const hasRoutes = seen.some(({ metric, labels }) => metric === counted && tellRoutes(labels));
    const routes = () => readRoutes(table, closed.samplesOf(counted!), check, plan.newVersion);
    const components = () => readComponents(table, closed.samplesOf(spanMetric), check);
    return { ...one, ...(hasRoutes && { routes }), ...(hasSpans && { components }) };
  };
  const data = new Map(checks.map((check) => [check.name, readOne(check)]));
  return { checks, table, data };
}

/** A bin closes two bins late; one more for the way here. What is not there by then is missing. */
export function closedUntil({ spec: { binMs } }: JudgePlan, nowMs: number): number {
  return (Math.floor(nowMs / binMs) - 3) * binMs;
}
