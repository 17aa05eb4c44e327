/** Tables of `pipeline/`. Times are epoch milliseconds, booleans 0 or 1, structured values JSON text. */
export interface PipelineTables {
  repository: RepositoryRow;
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
  poll_every_ms: number;
  created_at_ms: number;
  /** The newest commit seen on each watched branch: JSON `{branch: commit}`. */
  heads: string;
  polled_at_ms: number | null;
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
  /** JSON: which phase to hold after, by environment; asked for by `rollway deploy --hold-after`. */
  hold_after: string | null;
  /** Deploy even without the trigger: a person named this commit. */
  is_named: number;
  /** JSON `{digest, sizeBytes, tree}` once the tree is packed; what all its actions start from. */
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
  attempt: number;
  state: string;
  reason: string | null;
  /** Machine failures so far that the action's `retries` pay for. */
  rollout: string | null;
  environment: string | null;
  host: string | null;
  effect: string | null;
  outputs: string;
  /** Key of the build cache, for builds. */
  cache_key: string | null;
  /** Last words of the log, exit code: JSON. */
  result: string | null;
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

/** A rollback holds its deploy action until a person ends that, or a fix comes. */
interface DeployHoldRow {
  service: string;
  action: string;
  environment: string;
  by_actor: string;
  reason: string;
  rollout: string | null;
  /** The version that was rolled back from: a release that contains a fix for it ends the hold. */
  version: string | null;
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
