import type { Incarnation, Sample, TaskIndex, VersionId } from '../model/index.ts';
import { ClosedBins } from './closed-bins/closed-bins.ts';
import { learnCurves } from './judge.ts';
import type { JudgePlan, RolloutCurve } from './port.ts';

/** Since which incarnation each task of a placebo is a restarted one. */
export type Restarted = ReadonlyMap<TaskIndex, Incarnation>;

/** What restarted tasks are called among others of the same version. */
const again: VersionId = 'v_restarted';

/**
 * What tasks that were restarted on the version they ran teach about restarts: compared with those left alone, and with
 * their own past. Groups are formed by version; a restarted task of the old version is in the new group by its life.
 */
export function learnPlacebo(
  plan: JudgePlan,
  samples: readonly Sample[],
  restarted: Restarted,
): Record<string, RolloutCurve> {
  const named = samples.map((sample) =>
    sample.incarnation >= (restarted.get(sample.index) ?? Number.POSITIVE_INFINITY)
      ? { ...sample, version: again }
      : sample,
  );
  const compared: JudgePlan = { ...plan, newVersion: again, oldVersions: undefined };
  return learnCurves(compared, ClosedBins.ofSamples(plan.spec.binMs, named), { isPlacebo: true });
}
