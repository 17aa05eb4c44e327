import type { Standing } from './facts.ts';

type Place = Pick<Standing, 'id' | 'position' | 'createdAtMs'>;

/**
 * The order of a service's releases: position on the watched branch, then creation. Negative: `a` is older.
 * Two releases of one commit: the later made is the newer.
 */
export function compareReleases(a: Place, b: Place): number {
  if (a.position !== b.position) return a.position - b.position;
  if (a.createdAtMs !== b.createdAtMs) return a.createdAtMs - b.createdAtMs;
  return a.id < b.id ? -1 : a.id > b.id ? 1 : 0;
}

export function isOlder(a: Place, b: Place): boolean {
  return compareReleases(a, b) < 0;
}

export function newestFirst<T extends Place>(releases: readonly T[]): T[] {
  return [...releases].sort((a, b) => compareReleases(b, a));
}
