import type {
  Actor,
  HoldFor,
  JobId,
  PlanSpec,
  ReleaseId,
  Rollout,
  RolloutGroup,
  RolloutId,
  RolloutKind,
  VersionId,
} from '../model/index.ts';

export interface RolloutRequest {
  readonly id: RolloutId;
  readonly job: JobId;
  readonly release: ReleaseId | undefined;
  readonly to: VersionId;
  readonly kind: RolloutKind;
  readonly plan: PlanSpec;
  /** The service has checks to compare by. */
  readonly judged: boolean;
  readonly guarded?: boolean | undefined;
  readonly holdAfter: string | undefined;
  readonly holdFor?: HoldFor | undefined;
  /** Why it is forward-only, if it is. */
  readonly forwardOnly?: string | undefined;
  /** The rollouts of other jobs that it goes together with, if there are any. */
  readonly group?: RolloutGroup | undefined;
  /** A placebo: the deployment that waits for this round. */
  readonly placeboFor?: RolloutId | undefined;
  readonly createdBy: Actor;
  readonly reason: string | undefined;
}

/** A rollout as it is first stored: `waiting`. `job/decide` starts it when the job is free, and fixes its phases. */
export function newRollout(request: RolloutRequest, nowMs: number): Rollout {
  return {
    ...request,
    forwardOnly: request.forwardOnly,
    state: 'waiting',
    hold: undefined,
    firstDeployment: false,
    from: [],
    phases: [],
    currentPhase: 0,
    budgetOverride: undefined,
    promoted: undefined,
    failure: undefined,
    time: { accountedToMs: nowMs, activity: 'waiting', spentMs: {} },
    createdAtMs: nowMs,
    startedAtMs: undefined,
    endedAtMs: undefined,
  };
}
