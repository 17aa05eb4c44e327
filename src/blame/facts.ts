import type { CommitId, HostId, ReleaseId, RolloutId, ServiceName, VersionId } from '../model/index.ts';

/**
 * What a failed rollout knows about its failure, as it grows: first the failure, later whether `lastGood` serves
 * again where the new version failed.
 */
export interface MarkFacts {
  /**
   * `judge`: a judge said fail. `basic-checks`: new tasks did not start, exited, never became ready. The others
   * never write a mark.
   */
  readonly cause: 'judge' | 'basic-checks' | 'undecided' | 'build' | 'infrastructure' | 'cancelled';
  /** One sentence for people: which check, by how much, on how many tasks. */
  readonly evidence: string;
  /** The versions the old group ran. */
  readonly oldVersions: readonly VersionId[];
  /** Basic checks only: were the tasks of the old versions well at the failure? */
  readonly areOldTasksWell: boolean;
  /** Basic checks only: hosts on which a task failed on the new version. */
  readonly failedHosts: readonly HostId[];
  /** … and those of them where a task on its `lastGood` has served since. */
  readonly lastGoodServesOn: readonly HostId[];
}

/** A failed rollout's wish for a mark; one per rollout, its facts are replaced as they grow. */
export interface MarkRequest {
  readonly rollout: RolloutId;
  readonly repository: string;
  readonly service: ServiceName;
  readonly release: ReleaseId | undefined;
  readonly version: VersionId;
  readonly facts: MarkFacts;
  readonly atMs: number;
}

/** What a commit's message says about other commits. */
export interface CommitTrailers {
  /** "This reverts commit <id>."; for a merge also the parent whose state it goes back to. */
  readonly reverts: readonly { readonly commit: CommitId; readonly backTo: CommitId | undefined }[];
  /** `Rollway-Fixes:` values: a mark id, or a commit (at least 7 digits of it). */
  readonly fixes: readonly string[];
  /** "(cherry picked from commit <id>)": the same change on another branch. */
  readonly picks?: readonly CommitId[];
  /** `Rollway-Forward-Only:` why this commit cannot be undone by going back behind it. */
  readonly forwardOnly?: string;
}

/** A commit as Git gives it. */
export interface SourceCommit {
  readonly id: CommitId;
  readonly parents: readonly CommitId[];
  readonly author: string;
  readonly subject: string;
  readonly committedAtMs: number;
  readonly trailers: CommitTrailers;
}
