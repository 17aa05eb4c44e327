import { combineCurves } from './age-curve.ts';
import type { CheckData } from './measured-check.ts';
import type { AgeCurve, JudgePlan } from './port.ts';
import { priorSpreadOf } from './weigh/evidence.ts';

/** What is known of restarts where a check is concerned: from past rollouts, or from placebos. */
export function curveFor(plan: JudgePlan, { check, latency }: CheckData): AgeCurve | undefined {
  const past = plan.pastCurves?.flatMap((curves) => curves[check.name] ?? []) ?? [];
  return plan.ageCurves?.[check.name] ?? combineCurves(past, priorSpreadOf(check, latency));
}
