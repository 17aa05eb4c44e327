import { parseDuration } from './duration.ts';

/** `10/1m` → at most 10 within any 60 000 ms; undefined when it is no such text. A period is 100 ms to 7 days. */
export function parseRate(text: string): { readonly count: number; readonly perMs: number } | undefined {
  const [, count, period] = /^([1-9]\d{0,3})\/(\S+)$/.exec(text) ?? [];
  const perMs = period === undefined ? undefined : parseDuration(period);
  if (perMs === undefined || perMs < 100 || perMs > 7 * 86_400_000) return undefined;
  return { count: Number(count), perMs };
}
