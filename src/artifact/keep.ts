import type { Digest, ServiceName } from '../model/index.ts';

export interface ReleasedPackage {
  readonly service: ServiceName;
  readonly package: Digest;
  readonly createdAtMs: number;
}

/**
 * The packages that stay: those of the last `releases` releases of every service (a release without a package counts
 * for nothing here), and whatever is `inUse`: assigned to an index, its `lastGood`, on a list of good versions, the
 * source or output of an action that has not ended.
 */
export function packagesToKeep(
  released: readonly ReleasedPackage[],
  inUse: Iterable<Digest>,
  releases = 10,
): ReadonlySet<Digest> {
  const keep = new Set(inUse);
  const byService = Map.groupBy(released, (release) => release.service);
  for (const ofService of byService.values()) {
    const newestFirst = [...ofService].sort((a, b) => b.createdAtMs - a.createdAtMs);
    for (const release of newestFirst.slice(0, releases)) keep.add(release.package);
  }
  return keep;
}
