/** How two builds are compared on one machine; the part of an action of type `perf-test` that decides. */
export interface PerfPlan {
  /** What is better: less of it (seconds), or more of it (requests a second). */
  readonly better: 'lower' | 'higher';
  /** Smallest relative worsening worth acting on: 0.005 is half a percent. */
  readonly delta: number;
  /** Worsening that can be lived with: a pass is sure that it is less. */
  readonly margin: number;
  /** Chance of failing a build that is worse by `delta` at most, over all looks. */
  readonly alpha: number;
  /** Pairs before the first look, and at most. */
  readonly minPairs: number;
  readonly maxPairs: number;
}

/** One measurement of each build, taken one after the other. */
export interface PerfPair {
  readonly old: number;
  readonly new: number;
}

/**
 * Numbers of pairs after which is looked: each about a third more than before, the last at the end of the plan.
 *
 * Example: 10 to 60 → 10, 14, 19, 26, 35, 47, 60.
 */
export function perfLooks({ minPairs, maxPairs }: Pick<PerfPlan, 'minPairs' | 'maxPairs'>): number[] {
  const looks: number[] = [];
  for (let pairs = minPairs; pairs < maxPairs * 0.9; pairs = Math.floor(pairs * 1.34) + 1) looks.push(pairs);
  looks.push(maxPairs);
  return looks;
}

/**
 * Whether the new build is measured first in a pair. In each two pairs once each, in an order that the seed draws: what
 * grows steadily (heat, a neighbour's load) and what a first run leaves behind falls on both builds alike.
 */
export function isNewFirst(seed: number, pair: number): boolean {
  // A multiplicative hash of the couple of pairs (Knuth, TAOCP 3, 6.4): one bit of it decides.
  const bit = (Math.imul((seed ^ (pair >> 1)) >>> 0, 2654435761) >>> 31) & 1;
  return (bit === 1) !== (pair % 2 === 1);
}
