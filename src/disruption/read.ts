import type { JobId } from '../model/index.ts';
import type { Tx } from '../store/index.ts';
import type { ControlFacts } from './control/facts.ts';
import { listControlAlarms } from './rows.ts';

/** Jobs whose controller is silent or acks nothing, for the list of findings. */
export async function readControlAlarms(tx: Tx): Promise<{ readonly job: JobId; readonly control: ControlFacts }[]> {
  return listControlAlarms(tx);
}

export { countForcedStops } from './rows.ts';
