/** Tables of `pipeline/`. Times are epoch milliseconds, booleans 0 or 1, structured values JSON text. */
export interface PipelineTables {
  repository: RepositoryRow;
  git_news: GitNewsRow;
  config_result: ConfigResultRow;
  service_search: ServiceSearchRow;
  service: ServiceRow;
  pipeline_revision: PipelineRevisionRow;
  release: ReleaseRow;
  action_run: ActionRunRow;
  action_report: ActionReportRow;
  deploy_hold: DeployHoldRow;
  build_cache: BuildCacheRow;
  pipeline_finding: PipelineFindingRow;
  version: VersionRow;
}

interface RepositoryRow {
  name: string;
  /** A path or an address that Git understands. Never holds a secret. */
  location: string;
  /** Watched from the start; services add theirs. */
  branch: string;
  poll_every_ms: number;
  created_at_ms: number;
  /** The newest commit seen on each watched branch: JSON `{branch: commit}`. */
  heads: string;
  polled_at_ms: number | null;
  /** Since when an answer of Git is awaited. */
  reading_since_ms: number | null;
  /** Somebody wants it read now. */
  is_read_wanted: number;
  /** JSON list: commits off the watched branches that a person wants released. */
  wanted_tips: string;
}

/** Inbox: commits that Git told of, parents first, not stored yet. */
interface GitNewsRow {
  id: string;
  repository: string;
  /** The branch whose head the tip is; null for a tip that was asked for. */
  branch: string | null;
  tip: string;
  /** JSON `SourceCommit[]`. */
  commits: string;
  at_ms: number;
}

/** The configuration of a commit never changes: asked for once, kept. */
interface ConfigResultRow {
  repository: string;
  commit_id: string;
  /** Path of the file inside the repository, empty: wherever one usually lies. */
  path: string;
  /** JSON `{spec, path}` or `{problems}`; null while it is being evaluated. */
  result: string | null;
  at_ms: number;
}

/** A head at which services may appear that are not known yet. */
interface ServiceSearchRow {
  repository: string;
  commit_id: string;
  branch: string;
  at_ms: number;
}

interface ServiceRow {
  name: string;
  repository: string;
  /** Path of its configuration inside the repository. */
  config_path: string;
  branch: string;
  /** The pipeline revision that new releases take; null until a configuration was valid once. */
  revision: number | null;
  created_at_ms: number;
}

/** Immutable once stored. */
interface PipelineRevisionRow {
  service: string;
  revision: number;
  digest: string;
  /** Canonical JSON `ServiceSpec`. */
  spec: string;
  commit_id: string;
  created_at_ms: number;
}

interface ReleaseRow {
  id: string;
  service: string;
  pipeline_revision: number;
  repository: string;
  commit_id: string;
  subject: string;
  author: string;
  /** First-parent depth on the watched branch; off the branch: that of the merge base and a half. */
  position: number;
  created_at_ms: number;
  created_by: string;
  state: string;
  version: string | null;
  /** Name of the phase after which its rollouts hold. */
  hold_after: string | null;
  /** For how long, and what then: JSON of `HoldFor`. */
  hold_for: string | null;
  /** A person asked for this commit. */
  is_named: number;
  /** The configuration of its commit was read: `pipeline_revision` is its own. */
  is_configured: number;
  /** Go no further than this environment. */
  only_to: string | null;
  /** Why a person said that its change must not be undone by itself. */
  forward_only: string | null;
  /** JSON `SourceState`: the packed tree that all its actions start from. */
  source: string | null;
  /** Why it is where it is, in words. */
  reason: string | null;
  ended_at_ms: number | null;
}

interface ActionRunRow {
  id: string;
  release: string;
  service: string;
  action: string;
  kind: 'action' | 'rollback';
  attempt: number;
  state: string;
  reason: string | null;
  rollout: string | null;
  environment: string | null;
  host: string | null;
  /** JSON: the exact content it worked on, by name. */
  inputs: string;
  /** JSON `{name: ArtifactRevision}`. */
  outputs: string;
  /** Key of the build cache, for builds. */
  cache_key: string | null;
  is_machine_fault: number;
  created_at_ms: number;
  started_at_ms: number | null;
  due_at_ms: number | null;
  ended_at_ms: number | null;
}

/** Inbox of what agents say of action runs; a repeated report is the same row. */
interface ActionReportRow {
  run: string;
  state: string;
  host: string;
  payload: string;
  at_ms: number;
  is_folded: number;
}

/** A rollback holds its target for whatever contains the change that was rolled back, until a person ends that. */
interface DeployHoldRow {
  service: string;
  environment: string;
  by_name: string;
  reason: string;
  rollout: string | null;
  /** What was rolled back from, and to. */
  from_version: string | null;
  to_version: string | null;
  at_ms: number;
}

interface BuildCacheRow {
  cache_key: string;
  digest: string;
  size_bytes: number;
  run: string;
  at_ms: number;
}

/** What is wrong with a repository, a service or a release and needs a person; replaced as a whole. */
interface PipelineFindingRow {
  subject: string;
  /** JSON `Problem`. */
  problem: string;
  at_ms: number;
}

interface VersionRow {
  id: string;
  service: string;
  repository: string;
  commit_id: string;
  release: string | null;
  package: string;
  /** Canonical JSON `TaskSpec`. */
  task: string;
  created_at_ms: number;
}
