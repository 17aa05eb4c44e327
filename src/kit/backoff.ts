import type { Chance } from './chance.ts';

/**
 * How long to wait before try `attempt` (1 = the first repeat): doubling from `baseMs` to `capMs`, with the upper
 * half left to chance so that many waiters do not return together. base 100, attempt 3 → 200…400 ms.
 */
export function backoffMs(attempt: number, baseMs: number, capMs: number, chance: Chance): number {
  const full = Math.min(capMs, baseMs * 2 ** (attempt - 1));
  return Math.round(full / 2 + (full / 2) * chance.next());
}
