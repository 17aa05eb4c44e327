import type {
  CheckResult,
  CheckSpec,
  JudgeSpec,
  JudgeVerdict,
  RolloutId,
  Sample,
  TaskIndex,
  VersionId,
} from '../model/index.ts';

/** Everything fixed about one judged phase. */
export interface JudgePlan {
  readonly rollout: RolloutId;
  readonly phase: number;
  readonly phaseName: string;
  readonly spec: JudgeSpec;
  readonly newVersion: VersionId;
  /** What the old group runs; tasks of any third version belong to nobody. Absent: every other version is old. */
  readonly oldVersions?: readonly VersionId[] | undefined;
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
  /** What past rollouts of this job taught about restarts, newest first; at most 20. Fewer than three: a wide guess. */
  readonly pastCurves?: readonly Readonly<Record<string, RolloutCurve>>[] | undefined;
  /** What was promised for this phase before the rollout began; absent: nothing was seen of the service then. */
  readonly promise?: PhasePromise | undefined;
  /** What else was to blame, and when: those bins belong to nobody. */
  readonly confounders?: readonly Confounder[] | undefined;
  /** Of a second set: who had no traffic when. Those bins belong to nobody too, and nothing is to blame for it. */
  readonly unserved?: readonly Confounder[] | undefined;
  /** What was seen of callers and callees at this look. */
  readonly neighbours?: readonly NeighbourSeen[] | undefined;
  /** The same, already made into one. */
  readonly ageCurves?: AgeCurves | undefined;
  /** Per check, where hardly an old task is left to compare with: what its own past says of this time of day. */
  readonly seasons?: Readonly<Record<string, SeasonalChange>> | undefined;
}

/** What a level changed by between the same two times a day or a week ago, on the scale of logarithms. */
export interface SeasonalChange {
  readonly season: 'day' | 'week';
  readonly change: number;
  /** Of the difference between that change and the one of now, by all of the job's past. */
  readonly deviation: number;
  readonly freedom: number;
}

/** Something outside of the version that was in trouble for a time. */
export interface Confounder {
  /** `host-3`, `payments-provider` */
  readonly what: string;
  readonly fromMs: number;
  /** Undefined: it still is. */
  readonly toMs: number | undefined;
  /** Only these tasks; absent: all. */
  readonly indices?: readonly TaskIndex[] | undefined;
}

/** What the checks of another service say since a rollout began. */
export interface NeighbourSeen {
  readonly service: string;
  readonly trust: CheckSpec['trust'];
  readonly results: readonly CheckResult[];
}

/** What the traffic before a rollout promises that one check can show at the end of a phase's longest bake. */
export interface CheckPromise {
  readonly check: string;
  /**
   * The smallest worsening that is found with 80 % chance: relative, or of an error ratio (`isShare`) the rise in the
   * share of all requests that fail. Undefined: none, and `why` says why.
   */
  readonly smallest: number | undefined;
  readonly isShare: boolean;
  readonly worse: 'higher' | 'lower';
  readonly oldLevel: number | undefined;
  /** Whether that is no more than the margin that the owner can live with. */
  readonly canShowMargin: boolean;
  /** The chance of error that the look at the end has. */
  readonly level: number;
  /** Of a latency check. */
  readonly quantile: number | undefined;
  readonly why: string | undefined;
}

export interface PhasePromise {
  readonly phase: string;
  /** Tasks on the new version when the phase is judged. */
  readonly newTasks: number;
  readonly checks: readonly CheckPromise[];
}

/** How the restarted tasks of one harmless rollout differed from their peers, by age in bins; null: nothing seen. */
export interface RolloutCurve {
  /** Mean log difference of its new tasks at each age. */
  readonly mean: readonly (number | null)[];
  /** The same over what a look at this age compares, for each of `windowShares`: all bins since the warm-up, or later ones. */
  readonly windows: readonly (readonly (number | null)[])[];
  /** How uncertain each of these is, as a variance. */
  readonly noise: readonly (readonly (number | null)[])[];
  /** Variance between its restarted tasks beyond that between old ones; negative by chance; null: too few tasks. */
  readonly jitter: number | null;
  /** Of old tasks that were restarted on purpose: known even when it is the only one. */
  readonly isPlacebo?: true | undefined;
}

/** Parts of the bins since the warm-up that a window may leave out, because they still feel the restart. */
export const windowShares = [0, 1 / 3, 2 / 3] as const;

/** How restarted tasks differ from others by age, per check. */
export type AgeCurves = Readonly<Record<string, AgeCurve>>;
export interface AgeCurve {
  /** Rollouts it was learnt from. */
  readonly rollouts: number;
  /** Mean log difference of a restarted task from its peers at each age, in bins. */
  readonly mean: readonly number[];
  /** Variance between rollouts of what is left after that, in each window that a look at this age may compare. */
  readonly variance: readonly (readonly number[])[];
  /** Variance between tasks that a restart adds: no old task shows it, and few new ones do not average it out. */
  readonly jitter: number;
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
  /** Checks had data in both groups and have it no more, or a required metric is missing on the new tasks. */
  readonly lostData: boolean;
  /** Sentences of checks that failed and are trusted to hold, not to revert. */
  readonly holds?: readonly string[] | undefined;
  /** Of a watch: the rollouts that what was found is tied to. */
  readonly named?: readonly RolloutId[] | undefined;
  /** What was seen suffices for the power that the traffic before the rollout promised for the longest bake. */
  readonly powerReached: boolean;
  /** What was promised for this phase, in words; undefined: nothing was seen of the service before. */
  readonly promised?: string | undefined;
  /** What the fleet sees of new tasks by itself, and found no harm in: names of guards. */
  readonly guards?: readonly string[] | undefined;
  /** Said beforehand: what runs here cannot show the margin of these checks, however long it is watched. */
  readonly cannotShow?: readonly string[] | undefined;
}

/** Pure: the same plan, samples, memory and time give the same judgement, bit for bit. */
export type Judge = (
  plan: JudgePlan,
  samples: readonly Sample[],
  memory: JudgeMemory | undefined,
  nowMs: number,
) => Judgement;
