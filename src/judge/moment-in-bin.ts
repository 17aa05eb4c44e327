import { sha256 } from '../kit/index.ts';
import type { RolloutId } from '../model/index.ts';

/**
 * When in a bin this rollout is looked at, in ms after its begin: between a quarter and three quarters of it, spread by
 * its id, so that a thousand rollouts do not want to be looked at in the same moment, with everything else waiting.
 */
export function momentInBin(rollout: RolloutId, binMs: number): number {
  const share = Number.parseInt(sha256(rollout).slice(0, 6), 16) / 0x100_0000;
  return Math.floor(binMs * (0.25 + share / 2));
}
