import type { Actor } from './actor.ts';
import type { CommitId, MarkId, ReleaseId, RolloutId, ServiceName, VersionId } from './ids.ts';

/** The record that something is bad. */
export interface Mark {
  readonly id: MarkId;
  readonly repository: string;
  /** A build that contains *any* of these, and no fix, is a carrier. */
  readonly candidates: readonly CommitId[];
  /** Services whose builds are blocked; by default the one that failed. */
  readonly targets: readonly ServiceName[];
  /** Commits that clear the mark for builds that contain them. */
  readonly fixes: readonly CommitId[];
  /** Git reverts found: a build that contains `by` has `commit` no longer as a candidate. */
  readonly reverts: readonly { readonly commit: CommitId; readonly by: CommitId }[];
  readonly evidence: string;
  readonly rollout: RolloutId | undefined;
  readonly release: ReleaseId | undefined;
  readonly createdBy: Actor;
  readonly createdAtMs: number;
  /** Cleared by a person, with the reason; a cleared mark blocks nothing. */
  readonly cleared: { readonly by: Actor; readonly reason: string; readonly atMs: number } | undefined;
}

/** A person's permission to assign one carrier in spite of a mark. */
export interface MarkOverride {
  readonly mark: MarkId;
  readonly version: VersionId;
  readonly by: Actor;
  readonly reason: string;
  readonly atMs: number;
}
