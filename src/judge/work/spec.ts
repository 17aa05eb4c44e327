import type { Enqueue } from '../../engine/index.ts';
import type { JudgeSpec, Rollout } from '../../model/index.ts';
import { findJudgeSpec, findRelease, findService } from '../../pipeline/rows.ts';
import type { Tx } from '../../store/index.ts';
import { capTrust } from '../calibrate/calibrate.ts';
import { findCalibration } from '../rows.ts';

/** What is not honest for this service may hold at most. As the pipeline revision of its release says; of a rollback without one, as the service says now. */
export async function loadJudgeSpec(tx: Tx, rollout: Rollout): Promise<JudgeSpec | undefined> {
  const [service] = rollout.job.split('@') as [string];
  const release = rollout.release === undefined ? undefined : await findRelease(tx, rollout.release);
  const revision = release?.pipelineRevision ?? (await findService(tx, service))?.revision;
  if (revision === undefined) return undefined;
  const spec = await findJudgeSpec(tx, service, revision);
  const known = spec && (await findCalibration(tx, rollout.job));
  return spec && capTrust(spec, known?.calibration.checks ?? []);
}

/** Parts that the one chance of error of a deployment is shared over: its phases, and the watch after them. */
export function partsOf({ phases, plan, firstDeployment }: Rollout): number {
  return phases.length + ((plan.watchMs ?? 0) > 0 && !firstDeployment ? 1 : 0);
}

/** A job that is watched after rollouts needs a past: it is written down from its first rollout on. */
export function watchFrom({ job, plan }: Rollout): Enqueue[] {
  return (plan.watchMs ?? 0) > 0 ? [{ kind: 'judge/watch', key: job }] : [];
}
