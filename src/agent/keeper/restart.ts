import type { LifeEnd, RestartPolicy } from './spec.ts';

/** When the next life begins, and whether this counts as crash-looping. */
export interface Restart {
  readonly waitMs: number;
  readonly isCrashLooping: boolean;
}

/**
 * After the ends so far (newest last): 0.1 s, 0.2, 0.4 … to the cap, counted over the ends within the window. So a
 * task that ran longer than the window begins anew at 0.1 s.
 */
export function decideRestart(ends: readonly LifeEnd[], policy: RestartPolicy, nowMs: number): Restart {
  const recent = ends.filter(({ atMs }) => atMs > nowMs - policy.windowMs).length;
  const doublings = Math.min(30, Math.max(0, recent - 1));
  return {
    waitMs: Math.min(policy.capMs, policy.baseMs * 2 ** doublings),
    isCrashLooping: recent >= policy.maxEnds,
  };
}
