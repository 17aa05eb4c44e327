import type {
  ControlAnswer,
  ControlFacts,
  LedgerOperation,
  OperationAnswer,
  RateBucket,
  TaskFacts,
} from '../disruption/index.ts';
import type { ExecuteRequest } from '../drivers/index.ts';
import type { Inventory, Placement } from '../fleet/index.ts';
import type {
  Actor,
  AssignmentRow,
  HoldFor,
  HostId,
  MarkId,
  NewEvent,
  Outage,
  OutageId,
  Rollout,
  RolloutCommand,
  RolloutId,
  TaskControlRequest,
  TaskIndex,
  TaskReport,
  Verdict,
  Version,
  VersionId,
} from '../model/index.ts';
import type { JobFacts } from './facts.ts';

/** What the judge last said of a rollout's phase. */
export interface PhaseEvidence {
  readonly phase: number;
  readonly verdict: Verdict;
  readonly atMs: number;
  /** Any check had data in both groups. */
  readonly measured: boolean;
  /** There was data before, and it is gone. */
  readonly lostData: boolean;
  /** What checks found that may hold a rollout, but not revert it. */
  readonly holds?: readonly string[] | undefined;
  /** The power reached is what the plan promised. */
  readonly powerReached: boolean;
  /** What that was, in words; and the checks whose margin it cannot show, however long one looks. */
  readonly promised?: string | undefined;
  readonly cannotShow?: readonly string[] | undefined;
  /** What the fleet saw of the new tasks by itself, and found no harm in. */
  readonly guards?: readonly string[] | undefined;
  /** Checks that fail, though not the phase: they are not critical. */
  readonly failed?: readonly string[] | undefined;
  readonly sentence: string;
  /** Of a watch: the rollouts that what was found is tied to. */
  readonly named?: readonly RolloutId[] | undefined;
  /** Tasks that drive it, worst first. */
  readonly drivers: readonly TaskIndex[];
}

/** A person's command to a rollout of this job. */
export interface JobCommand {
  readonly id: string;
  readonly rollout: RolloutId;
  readonly command: RolloutCommand;
  readonly actor: Actor;
  readonly reason: string | undefined;
  /** For `raise-budget`. */
  readonly count: number | undefined;
  /** For `hold-after`: the name of a phase. */
  readonly phase?: string | undefined;
  readonly holdFor?: HoldFor | undefined;
}

export interface CommandOutcome {
  readonly id: string;
  readonly ok: boolean;
  readonly detail: string;
}

/** Everything one decision about a job is made from. */
export interface JobState {
  readonly job: JobFacts;
  /** The job's guard, as read. */
  readonly revision: number;
  readonly assignment: ReadonlyMap<TaskIndex, AssignmentRow>;
  /** Live ones, oldest first. */
  readonly rollouts: readonly Rollout[];
  /** Rollouts of other jobs that those go together with, ended ones too. */
  readonly others?: ReadonlyMap<RolloutId, Rollout> | undefined;
  /** Ended ones whose watch after the last phase goes on. */
  readonly watched?: readonly Rollout[] | undefined;
  /** Live ones. */
  readonly operations: readonly LedgerOperation[];
  /** Open ones: of this job's tasks, and maintenance of the hosts they are on. */
  readonly outages: readonly Outage[];
  readonly tasks: ReadonlyMap<TaskIndex, TaskFacts>;
  readonly inventory: Inventory;
  /** All that are assigned, good, run by a task or rolled out to. */
  readonly versions: ReadonlyMap<VersionId, Version>;
  /** Versions that carry a live mark which no person overrode for them. */
  readonly carriers: ReadonlyMap<VersionId, readonly MarkId[]>;
  readonly evidence: ReadonlyMap<RolloutId, PhaseEvidence>;
  /** Every rate that may concern this job, and what was taken of it, by whomever. */
  readonly buckets: readonly RateBucket[];
  /** The calls to its TaskController so far; undefined: none. */
  readonly control?: ControlFacts | undefined;
  // the inbox: folded by the decision, then empty
  readonly reports: readonly TaskReport[];
  readonly answers: readonly OperationAnswer[];
  readonly controlAnswers?: readonly ControlAnswer[];
  readonly commands: readonly JobCommand[];
}

/** Something to be sent to an agent. */
export type Dispatch =
  | { readonly kind: 'execute'; readonly operation: LedgerOperation; readonly request: ExecuteRequest }
  | { readonly kind: 'cancel'; readonly operation: LedgerOperation }
  /** An order that was sent and is not written down yet is taken back. */
  | { readonly kind: 'withdraw'; readonly operation: LedgerOperation };

/** What `blame/` is told of a failed rollout. */
export interface MarkWish {
  readonly rollout: Rollout;
  readonly areOldTasksWell: boolean;
  /** Hosts where a new task failed and `lastGood` has served since. */
  readonly lastGoodServesOn: readonly HostId[];
}

/** What a decision about a job wants committed. */
export interface JobDecision {
  /** The job after it, inbox empty. */
  readonly after: JobState;
  readonly changed: Changes;
  readonly dispatches: readonly Dispatch[];
  readonly events: readonly NewEvent[];
  readonly outcomes: readonly CommandOutcome[];
  readonly markWishes: readonly MarkWish[];
  /** Rollouts whose phase wants the judge to look. */
  readonly looks: readonly RolloutId[];
  /** Some rollout of the job wants its watch looked at. */
  readonly watches: readonly RolloutId[];
  readonly ended: readonly RolloutId[];
  /** To be put to the job's TaskController now. */
  readonly controllerRequest: TaskControlRequest | undefined;
  /** When it wants to be asked again although nothing happens. */
  readonly wakeAtMs: number | undefined;
  /**
   * It wants to place something and does not know what other jobs take (`inventory.others` is unread): it is void, and
   * to be made again with that.
   */
  readonly wantsRoom: boolean;
}

export interface Changes {
  readonly control: boolean;
  readonly job: boolean;
  readonly tasks: ReadonlySet<TaskIndex>;
  readonly retired: ReadonlySet<TaskIndex>;
  readonly assignment: ReadonlySet<TaskIndex>;
  readonly rollouts: ReadonlyMap<RolloutId, Rollout>;
  readonly operations: ReadonlyMap<string, LedgerOperation>;
  readonly outages: ReadonlyMap<OutageId, Outage>;
  readonly buckets: ReadonlyMap<string, RateBucket>;
  readonly placed: readonly Placement[];
  readonly unplaced: readonly Pick<Placement, 'job' | 'index' | 'incarnation'>[];
}
