import { type ExemptionFacts, exemptionOf } from '../admit.ts';
import type { LedgerOperation } from '../facts.ts';

/**
 * Whether an operation waits for the service's word. What disturbs nothing alive does not: a start where nothing
 * lives, and an operation on a task that has no process or crash-loops (its agent checks that this still holds). Else
 * a controller that lives in the service itself could never be started or repaired. Nor does a maintenance past its
 * deadline. A task that is only slow to start may be rebuilding what it needs: that one is asked for.
 */
export function needsAck(operation: LedgerOperation, facts: ExemptionFacts): boolean {
  const exemption = exemptionOf(operation, facts);
  if (exemption === 'forced' || exemption === 'no-living-incarnation') return false;
  const state = facts.task?.current?.state;
  const isDown = state === 'failed' || state === 'stopped' || state === 'crash-looping';
  return exemption !== 'still-out' || !isDown;
}
