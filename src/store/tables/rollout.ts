/** Tables of `rollout/`. Times are epoch milliseconds, booleans 0 or 1, structured values JSON text. */
export interface RolloutTables {
  job: JobTable;
  assignment: AssignmentTable;
  rollout: RolloutTable;
}

export interface JobTable {
  id: string;
  service: string;
  environment: string;
  /** What its owner wants; `job/decide` makes it so. */
  wanted_size: number;
  /** JSON `Amount`. */
  budget: string;
  /** JSON `JobLimits`; null: none. */
  limits: string | null;
  env: string;
  /** Labels that its hosts must have; JSON. */
  host_labels: string;
  driver: string;
  /** JSON; null: it is told nothing. */
  driver_settings: string | null;
  /** JSON `TaskControlSpec`; null: the budget is the only limit. */
  task_control: string | null;
  /** What becomes of tasks on a host under maintenance; null: they are moved. */
  on_maintenance: string | null;
  /** What is in force, written by `job/decide` alone. */
  size: number;
  /** The size before, while a resize is going on. */
  resizing_from: number | null;
  /** JSON list of version ids, newest first. */
  good_versions: string;
  /** JSON `Traffic`; null: clients are told of all tasks. */
  traffic: string | null;
  created_at_ms: number;
}

/** (job, index) → version. Written by `job/decide` for rollouts alone. */
export interface AssignmentTable {
  job: string;
  task_index: number;
  version: string | null;
  rollout: string | null;
  last_good: string | null;
  /** A restart or move wants an incarnation newer than this one. */
  renew_above: number | null;
}

export interface RolloutTable {
  id: string;
  job: string;
  release: string | null;
  to_version: string;
  kind: string;
  state: string;
  /** 0 while it has the job or waits for it. */
  is_ended: number;
  /** 1 while an ended one is watched for slow regressions. */
  is_watched: number;
  created_at_ms: number;
  ended_at_ms: number | null;
  /** JSON of the whole `Rollout`. */
  body: string;
}
