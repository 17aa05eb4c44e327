import type { JobId } from '../../model/index.ts';
import type { Tx } from '../../store/index.ts';
import * as rows from '../rows.ts';

/** Long enough for whatever was begun before the end. */
const memoryAfterEndMs = 3_600_000;

/** Of each job the newest ended rollouts keep all looks, older ones the last of each phase. */
export async function forgetOldLooks(tx: Tx, nowMs: number, keepWhole: number): Promise<void> {
  await rows.deleteMemoryOfEnded(tx, nowMs - memoryAfterEndMs);
  const seen = new Map<JobId, number>();
  for (const { rollout, job } of await rows.listRolloutsWithManyLooks(tx)) {
    const count = (seen.get(job) ?? 0) + 1;
    seen.set(job, count);
    if (count > keepWhole) await rows.deleteAllButLastLooks(tx, rollout);
  }
}
