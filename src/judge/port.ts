import type { JudgeSpec, JudgeVerdict, RolloutId, Sample, TaskIndex, VersionId } from '../model/index.ts';

/** Everything fixed about one judged phase. */
export interface JudgePlan {
  readonly rollout: RolloutId;
  readonly phase: number;
  readonly phaseName: string;
  readonly spec: JudgeSpec;
  readonly newVersion: VersionId;
  /** Task updates of this rollout: when each index's update was admitted (baseline frozen) and when it served again. */
  readonly updates: readonly {
    readonly index: TaskIndex;
    readonly admittedAtMs: number;
    readonly servingAtMs: number | undefined;
  }[];
  readonly phaseStartedAtMs: number;
  /** All members of the phase serve the new version since then. */
  readonly updatedAtMs: number | undefined;
  readonly deadlineAtMs: number;
  /** Phases planned in all, to share α. */
  readonly phases: number;
}

/**
 * What cannot be computed again: looks used, α spent, cohorts. A few kB of JSON; committed with the verdict event
 * under its look id, so that a crash never spends a look twice.
 */
export interface JudgeMemory {
  readonly looks: number;
  readonly alphaSpent: number;
  readonly lastLookAtMs: number;
  /** Anything more the method keeps; plain JSON. */
  readonly state: Readonly<Record<string, unknown>>;
}

export interface Judgement {
  readonly verdict: JudgeVerdict;
  readonly memory: JudgeMemory;
  /** Whether any check had data in both groups; none: "basic checks only". */
  readonly measured: boolean;
  /** A metric that was there and vanished, or never was. */
  readonly missing: readonly string[];
}

/** Pure: the same plan, samples, memory and time give the same judgement, bit for bit. */
export type Judge = (
  plan: JudgePlan,
  samples: readonly Sample[],
  memory: JudgeMemory | undefined,
  nowMs: number,
) => Judgement;
