import {
  type ActionRun,
  type ActionRunId,
  type ActionSpec,
  type Actor,
  assert,
  type JobId,
  type NewEvent,
  type PlanSpec,
  type ReleaseId,
  type Rollout,
  type RolloutId,
  rollway,
  type ServiceSpec,
  type Version,
  type VersionId,
} from '../model/index.ts';
import { membersOf } from '../rollout/index.ts';
import type { DeployHold, PipelineState, ReleaseFacts, Run, Standing } from './facts.ts';
import { compareReleases } from './order.ts';
import type { ActionOrder } from './ports.ts';

/** What a decision wants done, apart from the rows it changes. */
export type Want =
  | { readonly kind: 'order'; readonly run: Run; readonly order: ActionOrder }
  | { readonly kind: 'cancel'; readonly run: Run }
  | { readonly kind: 'source'; readonly release: ReleaseId }
  | {
      readonly kind: 'rollout';
      readonly run: Run;
      readonly release: ReleaseFacts;
      readonly spec: ServiceSpec;
      /** One for each job of the environment, in the order of `jobsOf`; the first is the run's own. */
      readonly rollouts: readonly RolloutId[];
    }
  | {
      readonly kind: 'rollback';
      readonly run: Run;
      readonly targets: readonly RollbackTarget[];
      readonly by: Actor;
      readonly reason: string;
    }
  | { readonly kind: 'version'; readonly version: Version }
  | { readonly kind: 'hold'; readonly hold: DeployHold }
  | { readonly kind: 'end-hold'; readonly hold: DeployHold };

/** A job that is rolled back, by which rollout, to what and how. */
export interface RollbackTarget {
  readonly job: JobId;
  readonly rollout: RolloutId;
  readonly version: VersionId;
  readonly plan: PlanSpec;
}

/** New names, made from the turn's clock and chance. */
export interface Names {
  run(): ActionRunId;
  rollout(): RolloutId;
}

/** A pipeline's state while a decision changes it: copies of the rows, what changed, and what is wanted. */
export interface Draft {
  readonly state: PipelineState;
  readonly nowMs: number;
  readonly names: Names;
  readonly runs: Map<ActionRunId, Run>;
  readonly releases: Map<ReleaseId, ReleaseFacts>;
  readonly changedRuns: Set<ActionRunId>;
  readonly changedReleases: Set<ReleaseId>;
  readonly endedHolds: Set<DeployHold>;
  readonly events: NewEvent[];
  readonly wants: Want[];
}

export function openDraft(state: PipelineState, nowMs: number, names: Names): Draft {
  return {
    state,
    nowMs,
    names,
    runs: new Map(state.runs.map((run) => [run.id, run])),
    releases: new Map(state.releases.map((release) => [release.id, release])),
    changedRuns: new Set(),
    changedReleases: new Set(),
    endedHolds: new Set(),
    events: [],
    wants: [],
  };
}

export function saveRun(draft: Draft, run: Run): void {
  draft.runs.set(run.id, run);
  draft.changedRuns.add(run.id);
}

export function saveRelease(draft: Draft, release: ReleaseFacts): void {
  draft.releases.set(release.id, release);
  draft.changedReleases.add(release.id);
}

export function emit(draft: Draft, release: ReleaseId, type: string, data: Record<string, unknown>): void {
  draft.events.push({ stream: `release/${release}`, type, actor: rollway('pipeline'), data });
}

/** Ends a run; what stands after it is looked at again in the same decision. */
export function endRun(draft: Draft, run: Run, end: Pick<ActionRun, 'state'> & Partial<Run>): void {
  const ended = { ...run, ...end, endedAtMs: draft.nowMs, dueAtMs: undefined };
  saveRun(draft, ended);
  emit(draft, run.release, `action.${end.state}`, {
    run: run.id,
    action: run.action,
    attempt: run.attempt,
    reason: ended.reason,
    rollout: ended.rollout,
  });
}

// ---------------------------------------------------------------- questions

export function specOf(draft: Draft, release: ReleaseFacts): ServiceSpec {
  const spec = draft.state.revisions.get(release.pipelineRevision);
  assert(spec, 'the revision of a live release is loaded', { release: release.id });
  return spec;
}

/** The actions this release goes through: all of its revision, or those needed for the one environment asked for. */
export function actionsOf(draft: Draft, release: ReleaseFacts): readonly ActionSpec[] {
  const { actions } = specOf(draft, release).pipeline;
  if (release.onlyTo === undefined) return actions;
  const wanted = new Set<string>();
  const add = (name: string): void => {
    if (wanted.has(name)) return;
    wanted.add(name);
    for (const need of actions.find((action) => action.name === name)?.needs ?? []) add(need);
  };
  for (const action of actions) if (action.type === 'deploy' && action.environment === release.onlyTo) add(action.name);
  return actions.filter(({ name }) => wanted.has(name));
}

export function liveReleases(draft: Draft): ReleaseFacts[] {
  return [...draft.releases.values()].filter(({ endedAtMs }) => endedAtMs === undefined).sort(compareReleases);
}

/** The rollouts that a run made: one for each job it went over, those of earlier waves first. */
export function rolloutsOf({ state }: Draft, { rollout }: Run): readonly Rollout[] {
  const first = rollout && state.rollouts.get(rollout);
  return first ? membersOf(first).flatMap((id) => state.rollouts.get(id) ?? []) : [];
}

/** All attempts of an action for a release, oldest first. */
export function attemptsOf(draft: Draft, release: ReleaseId, action: string): Run[] {
  return [...draft.runs.values()]
    .filter((run) => run.release === release && run.action === action && run.kind === 'action')
    .sort((a, b) => a.attempt - b.attempt);
}

export function isLive(run: Run): boolean {
  return run.endedAtMs === undefined;
}

export function liveRuns(draft: Draft): Run[] {
  return [...draft.runs.values()].filter(isLive);
}

/**
 * Where an action stands for a release. `open`: it may start (again) once nothing blocks it. A try that a machine
 * spoiled opens it again while `retries` last.
 */
export type Stage = 'open' | 'live' | 'done' | 'failed' | 'parked';

export function stageOf(draft: Draft, release: ReleaseId, action: ActionSpec): Stage {
  const attempts = attemptsOf(draft, release, action.name);
  const last = attempts.at(-1);
  if (last === undefined || last.state === 'cancelled') return 'open';
  if (isLive(last)) return 'live';
  if (last.state === 'succeeded' || last.state === 'skipped') return 'done';
  if (last.state === 'parked') return 'parked';
  if (!last.isMachineFault) return 'failed';
  return triesLeft(attempts, action) > 0 ? 'open' : 'failed';
}

/** Tries that machines spoilt in a row are paid for by `retries`: 2 retries and 1 spoilt try → 2 left. */
function triesLeft(attempts: readonly Run[], action: ActionSpec): number {
  const lastOther = attempts.findLastIndex((run) => !(run.state === 'failed' && run.isMachineFault));
  return action.retries + 1 - (attempts.length - 1 - lastOther);
}

/** The newest release an action let through, this decision's news included; of a deploy action: what its target holds. */
export function passedOf(draft: Draft, action: ActionSpec): Standing | undefined {
  const environment = action.type === 'deploy' ? action.environment : undefined;
  const known = draft.state.passed.find((passed) =>
    environment === undefined ? passed.action === action.name : passed.environment === environment,
  )?.release;
  const news = [...draft.changedRuns]
    .map((id) => draft.runs.get(id)!)
    .filter((run) => run.state === 'succeeded')
    .filter((run) => (environment === undefined ? run.action === action.name : run.environment === environment))
    .map((run) => draft.releases.get(run.release))
    .filter((release) => release !== undefined);
  if (environment !== undefined) return news.at(-1) ?? known;
  return [...news, ...(known ? [known] : [])].sort(compareReleases).at(-1);
}
