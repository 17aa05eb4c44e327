import type { Actor } from './actor.ts';
import type {
  ActionRunId,
  HostId,
  Incarnation,
  JobId,
  JobName,
  ReleaseId,
  RolloutId,
  TaskIndex,
  VersionId,
} from './ids.ts';
import type { GroupSpec, OnFail, PlanSpec } from './service-spec.ts';

/**
 * `waiting` (another rollout has the job) → `running` ⇄ `held` → `reverting` → an end.
 * A person's `pause` is a hold; so are those made by `onFail` and `onUndecided`.
 */
export const rolloutStates = [
  'waiting',
  'running',
  'held',
  'reverting',
  'succeeded',
  'reverted',
  'aborted',
  'superseded',
] as const;
export type RolloutState = (typeof rolloutStates)[number];

export const phaseStates = ['waiting', 'updating', 'judging', 'passed', 'failed'] as const;
export type PhaseState = (typeof phaseStates)[number];

/** One phase of a rollout; `members` (cumulative: a nested list) is fixed when the phase starts. */
export interface Phase {
  readonly name: string;
  readonly state: PhaseState;
  readonly members: readonly TaskIndex[];
  /** Tasks that a controller left to a later phase. */
  readonly deferred?: readonly TaskIndex[] | undefined;
  /** Indices that may be assigned to the not yet passed version while this phase is current (invariant I3). */
  readonly allowance: number;
  readonly concurrency: number;
  readonly minBakeMs: number;
  readonly maxBakeMs: number;
  readonly onFail: OnFail;
  readonly onUndecided: 'proceed' | 'hold' | undefined;
  readonly startedAtMs: number | undefined;
  /** When every member that is not out for another cause served the new version. */
  readonly updatedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
  /** A person asked to let it through as soon as its tasks are updated; the note says who and why. */
  readonly passAsked: string | undefined;
  /** How it passed: the judge, its `onUndecided` rule, or a person; with the note to show. */
  readonly passedBy:
    | { readonly by: 'judge' | 'onUndecided' | 'person' | 'basic-checks'; readonly note: string }
    | undefined;
}

export interface Hold {
  readonly by:
    | 'person'
    | 'onFail'
    | 'onUndecided'
    | 'no-good-version'
    | 'hold-after'
    | 'first-deployment'
    | 'watch'
    /** What its strategy says makes no sense, or the server does not have it. */
    | 'strategy'
    /** The server does not have its job's driver, or that driver cannot do what it takes. */
    | 'driver'
    | 'forward-only'
    /** Another job of its group has failed and is held. */
    | 'group';
  readonly reason: string;
  readonly sinceMs: number;
  /** What goes on when a person resumes it. */
  readonly resumesTo: 'waiting' | 'running' | 'reverting';
  /** When it ends by itself, and how. */
  readonly then: { readonly atMs: number; readonly do: 'resume' | 'revert' } | undefined;
  /** It neither hinders nor waits for anybody: the next release takes over. */
  readonly yields?: boolean | undefined;
}

/** How long a person wants to look after a phase, and what becomes of it when nobody says anything until then. */
export interface HoldFor {
  readonly ms: number;
  readonly next: 'revert' | 'resume';
}

/** The rollouts that one deploy action made, one for each job of its environment, as each of them knows it. */
export interface RolloutGroup extends GroupSpec {
  /** The action run that made them. */
  readonly id: ActionRunId;
  /** The job of this one. */
  readonly name: JobName;
  /** All of them, this one too; those of earlier waves first. */
  readonly members: readonly { readonly name: JobName; readonly job: JobId; readonly rollout: RolloutId }[];
}

/** Where a rollout's time went; the parts sum to the time from its start to `accountedToMs`. */
export interface TimeSplit {
  readonly accountedToMs: number;
  /** What the time since then goes to. */
  readonly activity: TimeUse;
  readonly spentMs: Readonly<Partial<Record<TimeUse, number>>>;
}
export const timeUses = ['waiting', 'updating', 'blocked', 'judging', 'watching', 'held', 'reverting'] as const;
export type TimeUse = (typeof timeUses)[number];

/** Why a rollout failed: what a mark is asked for with. */
export interface RolloutFailure {
  readonly by: 'judge' | 'basic-checks' | 'mark' | 'person' | 'group';
  /** One sentence. */
  readonly sentence: string;
  readonly atMs: number;
  /** Indices whose new tasks failed, and the hosts they failed on (basic checks), or that drive the verdict. */
  readonly indices: readonly TaskIndex[];
  readonly hosts: readonly HostId[];
  /** When the conditions for writing a mark held and `blame/` was asked; undefined: not (yet). */
  readonly markAskedAtMs: number | undefined;
}

/** A release that a watch may find guilty. */
export interface WatchedRelease {
  readonly rollout: RolloutId;
  readonly release: ReleaseId | undefined;
  readonly version: VersionId;
  /** What ran before it. */
  readonly from: readonly VersionId[];
  readonly startedAtMs: number;
  readonly endedAtMs: number;
  readonly untilMs: number;
}

/**
 * `watching` → `quiet` (nothing was found until its end), `failing` (found bad; it waits until nobody else has the job)
 * → `failed`, `handed-over` (a newer release watches both), or `ended` (rolled back, or a person let it through).
 */
export const watchStates = ['watching', 'failing', 'quiet', 'failed', 'handed-over', 'ended'] as const;
export type WatchState = (typeof watchStates)[number];

/** The time after the last phase, in which slow regressions are looked for. The job is free meanwhile. */
export interface Watch {
  readonly state: WatchState;
  readonly fromMs: number;
  readonly untilMs: number;
  /** Releases before it whose own watch was not over when it succeeded, oldest first: each may be to blame. */
  readonly earlier: readonly WatchedRelease[];
  /** Rollouts that what was found is tied to, oldest first; more than one: it cannot be told which. */
  readonly named: readonly RolloutId[];
  /** How it ended, or what was found: one sentence. */
  readonly note: string | undefined;
}

export interface ControllerOverride {
  readonly askedBy: Actor;
  readonly reason: string;
  readonly askedAtMs: number;
  /** Undefined: it does not hold yet. */
  readonly confirmedBy: Actor | undefined;
  readonly confirmedAtMs: number | undefined;
}

/** A deployment or a step back; or a round that renews tasks as they are: restarted in place, or moved elsewhere. */
export const rolloutKinds = ['deploy', 'rollback', 'restart', 'move'] as const;
export type RolloutKind = (typeof rolloutKinds)[number];

export interface Rollout {
  readonly id: RolloutId;
  readonly job: JobId;
  readonly release: ReleaseId | undefined;
  readonly to: VersionId;
  readonly kind: RolloutKind;
  readonly state: RolloutState;
  /** As its owner wrote it; `phases` is what becomes of it on this job. */
  readonly plan: PlanSpec;
  /** Nothing to go back to: on failure it holds with the tasks as they are. */
  readonly firstDeployment: boolean;
  /** Why its change must not be undone by itself; undefined: it may. */
  readonly forwardOnly: string | undefined;
  /** The service has checks to compare by; without: basic checks only. */
  readonly judged: boolean;
  /** The fleet's own figures are looked at: they can stop it, and none is waited for. */
  readonly guarded?: boolean | undefined;
  /** The versions the old group ran when it started: what a mark's candidates are told apart from. */
  readonly from: readonly VersionId[];
  readonly hold: Hold | undefined;
  readonly phases: readonly Phase[];
  readonly currentPhase: number;
  /** A person let it through fully: no gate but basic checks is waited for any more; the note says who and why. */
  readonly promoted: string | undefined;
  /** A person looked when it was asked to hold, or at what a watch found, and let it go on. */
  readonly approved?: string | undefined;
  /** Names a phase after which a person wants to look. */
  readonly holdAfter: string | undefined;
  /** Left out: until a person ends it. */
  readonly holdFor?: HoldFor | undefined;
  /** Raises the job's budget for this rollout, with the reason in the audit. */
  readonly budgetOverride: { readonly count: number; readonly reason: string } | undefined;
  /** The TaskController that its operations wait for, as people call it; undefined: none. */
  readonly controller?: string | undefined;
  /** Two persons let it go on without that controller: one asks, another one confirms. */
  readonly controllerOverride?: ControllerOverride | undefined;
  readonly failure: RolloutFailure | undefined;
  /** The rollouts of other jobs that it goes together with; undefined: it is alone. */
  readonly group?: RolloutGroup | undefined;
  /** A round before this deployment, which waits for it: what it shows of restarts is what the judge compares with. */
  readonly placeboFor?: RolloutId | undefined;
  /** A person let it go on without waiting for the other jobs; the note says who and why. */
  readonly unbarred?: string | undefined;
  /** A person resumed it although another job had failed before this time. */
  readonly heedsFailuresFromMs?: number | undefined;
  /** After the last phase; undefined: nothing was watched. */
  readonly watch?: Watch | undefined;
  readonly time: TimeSplit;
  /** A person's reason for asking for it. */
  readonly reason: string | undefined;
  readonly createdBy: Actor;
  readonly createdAtMs: number;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
}

/** Row (job, index) → version. Owned by rollouts alone. */
export interface AssignmentRow {
  readonly job: JobId;
  readonly index: TaskIndex;
  readonly version: VersionId | undefined;
  readonly rollout: RolloutId | undefined;
  readonly lastGood: VersionId | undefined;
  /** A restart or move wants an incarnation newer than this one. */
  readonly renewAbove?: Incarnation | undefined;
}

/** Commands a person can give a rollout; which are legal in which state is `rollout/transitions.ts`. */
export const rolloutCommands = [
  'pause',
  'resume',
  'abort',
  'revert',
  'promote',
  'skip-bake',
  'raise-budget',
  'hold-after',
  'pass-barrier',
  'override-controller',
  'confirm-override',
] as const;
export type RolloutCommand = (typeof rolloutCommands)[number];

/** It has ended, and is still looked at. */
export function isWatched({ watch, endedAtMs }: Pick<Rollout, 'watch' | 'endedAtMs'>): boolean {
  return endedAtMs !== undefined && (watch?.state === 'watching' || watch?.state === 'failing');
}
