import type { RolloutId } from '../model/index.ts';
import type { Tx } from '../store/index.ts';
import { listVerdicts, type VerdictRow } from './rows.ts';

export { toleratedRatio } from './measured-check.ts';
export type { VerdictRow } from './rows.ts';

/** All looks at a rollout, oldest first: the history, and the points of the charts (levels of both groups). */
export async function readVerdicts(tx: Tx, rollout: RolloutId): Promise<VerdictRow[]> {
  return listVerdicts(tx, rollout);
}
