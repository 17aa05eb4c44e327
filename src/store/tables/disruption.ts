/** Tables of `disruption/`. Times are epoch milliseconds, booleans 0 or 1, structured values JSON text. */
export interface DisruptionTables {
  task: TaskTable;
  task_report: TaskReportTable;
  operation: OperationTable;
  operation_answer: OperationAnswerTable;
  outage: OutageTable;
  rate_bucket: RateBucketTable;
  job_control: JobControlTable;
  control_answer: ControlAnswerTable;
}

/** What is known of one index: the newest folded report of its newest incarnation, and what is left of others. */
export interface TaskTable {
  job: string;
  task_index: number;
  highest_incarnation: number;
  served_once: number;
  out_since_ms: number | null;
  failed_tries: number;
  not_before_ms: number;
  /** JSON list of hosts; null when there is none. */
  failed_on: string | null;
  /** The newest incarnation that was reported; null before the first. */
  incarnation: number | null;
  host: string | null;
  version: string | null;
  state: string | null;
  /** JSON of everything else in `IncarnationFacts`. */
  facts: string | null;
  /** JSON list of `IncarnationFacts`; null when there is none. */
  others: string | null;
}

/** The inbox. A report that was sent twice is the same row. */
export interface TaskReportTable {
  job: string;
  task_index: number;
  incarnation: number;
  host: string;
  sequence: number;
  at_ms: number;
  body: string;
}

export interface OperationTable {
  id: string;
  job: string;
  task_index: number;
  kind: string;
  incarnation: number;
  next_incarnation: number;
  from_version: string | null;
  to_version: string | null;
  host: string | null;
  rollout: string | null;
  phase: number | null;
  reason: string;
  state: string;
  blocked_by: string | null;
  still_out: number | null;
  epoch: number | null;
  deadline_at_ms: number | null;
  proposed_at_ms: number;
  admitted_at_ms: number | null;
  ended_at_ms: number | null;
  /** 0 while it lives. */
  is_ended: number;
  /** What else belongs to it: exemption, forced, the effect that carries it, cancel asked for; JSON. */
  facts: string;
}

/** Inbox of what receivers answered to `execute` and `cancel`. */
export interface OperationAnswerTable {
  operation: string;
  job: string;
  answer: string;
  at_ms: number;
}

export interface OutageTable {
  id: string;
  cause: string;
  job: string | null;
  task_index: number | null;
  host: string | null;
  operation: string | null;
  starts_at_ms: number;
  deadline_at_ms: number | null;
  ended_at_ms: number | null;
  /** JSON `PlannedWork`, of a host under maintenance. */
  work: string | null;
}

/** What was taken of one rate, by whichever job. */
export interface RateBucketTable {
  id: string;
  revision: number;
  /** JSON list of times, ascending. */
  taken_at_ms: string;
}

/** The calls to a job's TaskController, written by `job/decide` alone. */
export interface JobControlTable {
  job: string;
  /** JSON `ControlFacts`. */
  body: string;
  /** Whether a person has to hear of it, for the list of findings: `silent`, `withholding`. */
  alarm: string | null;
}

/** Inbox of what came of calls. */
export interface ControlAnswerTable {
  job: string;
  sequence: number;
  at_ms: number;
  /** JSON `ControlAnswer`. */
  body: string;
}
