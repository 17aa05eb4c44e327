import type { MarkId, VersionId } from '../model/index.ts';

export type Carriers = ReadonlyMap<VersionId, readonly MarkId[]>;

/** Good versions kept per job: more than anybody goes back to. */
const kept = 20;

/** A version has passed its last phase: it stands first. */
export function withGood(good: readonly VersionId[], version: VersionId): readonly VersionId[] {
  return [version, ...good.filter((one) => one !== version)].slice(0, kept);
}

/** What a task that nobody assigned anything gets: the newest good version without a live mark. */
export function newestGood(good: readonly VersionId[], carriers: Carriers): VersionId | undefined {
  return good.find((version) => !carriers.has(version));
}

/**
 * Where a failed rollout's index goes back to: from its `lastGood` down the list, the newest one without a live mark,
 * and never to the version that just failed. Good [v3, v2, v1], lastGood v2, v2 marked → v1.
 */
export function revertTargetOf(
  lastGood: VersionId | undefined,
  good: readonly VersionId[],
  carriers: Carriers,
  failed: VersionId,
): VersionId | undefined {
  const from = lastGood === undefined ? 0 : Math.max(0, good.indexOf(lastGood));
  return good.slice(from).find((version) => version !== failed && !carriers.has(version));
}
