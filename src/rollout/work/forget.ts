import { deleteEndedOperations } from '../../disruption/rows.ts';
import type { Tx } from '../../store/index.ts';
import * as rows from '../rows.ts';

/** How long the operations of an ended rollout can be looked at one by one; its events stay. */
const keepOperationsMs = 30 * 24 * 3_600_000;

/** Deletes operations and outages that ended long ago. Returns how many operations. */
export async function forgetOldOperations(tx: Tx, nowMs: number): Promise<number> {
  return deleteEndedOperations(tx, nowMs - keepOperationsMs, await rows.listLiveRolloutIds(tx));
}
