/** Tables of `judge/`. Times are epoch milliseconds, booleans 0 or 1, structured values JSON text. */
export interface JudgeTables {
  verdict: VerdictTable;
  judge_memory: JudgeMemoryTable;
  age_curve: AgeCurveTable;
  verdict_label: VerdictLabelTable;
  judge_history: JudgeHistoryTable;
  judge_calibration: JudgeCalibrationTable;
  judge_calibration_run: JudgeCalibrationRunTable;
  judge_calibration_turn: JudgeCalibrationTurnTable;
}

/** One look at one phase of a rollout. */
export interface VerdictTable {
  rollout: string;
  phase: number;
  look_id: string;
  verdict: string;
  /** 1: some check had data in both groups. */
  is_measured: number;
  at_ms: number;
  /** JSON `Judgement` without its memory. */
  body: string;
}

/** What cannot be computed again, per rollout. */
export interface JudgeMemoryTable {
  rollout: string;
  job: string;
  /** JSON `JudgeMemory`. */
  memory: string;
  at_ms: number;
}

/** How restarted tasks of a service differ from others by age: one row per ended rollout. */
export interface AgeCurveTable {
  rollout: string;
  job: string;
  ended_at_ms: number;
  /** JSON: check → mean difference per age. */
  curve: string;
}

/** What a person says of a rollout's verdict afterwards. */
export interface VerdictLabelTable {
  rollout: string;
  job: string;
  /** 1: the verdict was right. */
  is_true: number;
  /** JSON `Actor`. */
  actor: string;
  reason: string | null;
  at_ms: number;
}

/** One step of a job's past: the level of each check over all its tasks. */
export interface JudgeHistoryTable {
  job: string;
  step_ms: number;
  from_ms: number;
  /** JSON `HistoryStep` without its times. */
  body: string;
}

/** How often checks alarm although nothing changed; one row per job. */
export interface JudgeCalibrationTable {
  job: string;
  at_ms: number;
  /** JSON `Calibration`. */
  body: string;
}

/** What one quiet time showed. */
export interface JudgeCalibrationRunTable {
  job: string;
  at_ms: number;
  from_ms: number;
  until_ms: number;
  settings: string;
  /** JSON `Calibration`. */
  body: string;
}

/** The last time a job was calibrated by itself, or was to be, and the next; one row per job. */
export interface JudgeCalibrationTurnTable {
  job: string;
  at_ms: number;
  next_at_ms: number;
  /** Why nothing could be tried; null: it was. */
  refused: string | null;
}
