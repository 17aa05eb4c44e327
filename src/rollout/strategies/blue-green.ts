import type { PlanSpec } from '../../model/index.ts';
import type { Strategy } from './port.ts';

/**
 * A whole second set beside the first; its phases are part of the plan (`secondSet`), and the switch between them is the
 * engine's (`second-set.ts`). Within a phase everything goes as in place.
 */
export const blueGreen: Strategy = { name: 'blue-green' };

export interface SecondSetTimes {
  /** How long the second set has to serve, out of traffic, before the switch. */
  readonly checkMs: number;
  /** How long after the switch the first set stays as it was. */
  readonly keepOldMs: number;
}

/** Undefined: its plan has no second set. */
export function secondSetOf({ strategy }: Pick<PlanSpec, 'strategy'>): SecondSetTimes | undefined {
  return typeof strategy === 'object' && 'blueGreen' in strategy ? strategy.blueGreen : undefined;
}
