/** Tables of `blame/`. Times are epoch milliseconds, booleans 0 or 1, structured values JSON text. */
export interface BlameTables {
  git_commit: GitCommitRow;
  mark: MarkRow;
  mark_fix: MarkFixRow;
  mark_override: MarkOverrideRow;
  mark_request: MarkRequestRow;
  carrier: CarrierRow;
}

/** One commit of a repository, parents before children: `seq` is 0, 1, 2 … within the repository. */
interface GitCommitRow {
  repository: string;
  seq: number;
  id: string;
  /** `seq` of each parent, first parent first; JSON numbers. */
  parents: string;
  /** The commit's own author and first line, for people. */
  author: string;
  subject: string;
  committed_at_ms: number;
  /** JSON: what its message reverts and fixes; null when neither, so that the few that matter are found fast. */
  trailers: string | null;
}

interface MarkRow {
  id: string;
  repository: string;
  /** JSON lists. */
  candidates: string;
  targets: string;
  evidence: string;
  /** The commit of the build that was seen to be bad; null when a person marked commits. */
  seen_in: string | null;
  rollout: string | null;
  release: string | null;
  /** JSON `Actor`. */
  created_by: string;
  created_at_ms: number;
  /** JSON `{by, reason, atMs}`. */
  cleared: string | null;
}

interface MarkFixRow {
  mark: string;
  /** The commit that clears the mark for builds that contain it. */
  commit_id: string;
  /** JSON `Actor`; a trailer counts as Rollway's own finding. */
  by_actor: string;
  at_ms: number;
}

interface MarkOverrideRow {
  mark: string;
  version: string;
  by_actor: string;
  reason: string;
  at_ms: number;
}

/** A failed rollout asks for a mark; decided again as its facts grow, until it is written or refused. */
interface MarkRequestRow {
  rollout: string;
  repository: string;
  service: string;
  release: string | null;
  version: string;
  /** JSON `MarkFacts`. */
  facts: string;
  state: 'open' | 'marked' | 'refused';
  /** The mark, or why there is none, in words. */
  outcome: string | null;
  at_ms: number;
}

/** Materialised: this version contains a candidate of this live mark and no fix. Overrides are not looked at here. */
interface CarrierRow {
  mark: string;
  version: string;
}
