import type { ActionRunView, PipelineView, ReleaseSummary } from '../../api/index.ts';
import type { ActionRun, MarkId, Release, ReleaseId, RolloutId, ServiceSpec } from '../../model/index.ts';
import type { ReleaseOverview, RunOverview, ServiceOverview } from '../../pipeline/read.ts';
import { actorView } from './events.ts';

/** Runs that stand on their action now. */
const standing: ReadonlySet<string> = new Set(['ready', 'running', 'blocked', 'parked', 'waiting']);

export function releaseSummary(
  release: ReleaseOverview,
  runs: readonly RunOverview[],
  marks: readonly MarkId[],
  spec: ServiceSpec | undefined,
  /** Of a run's rollout: all that go together with it. */
  together: ReadonlyMap<string, readonly RolloutId[]> = new Map(),
): ReleaseSummary {
  const own = runs.filter((run) => run.release === release.id);
  return {
    id: release.id,
    service: release.service,
    repository: release.repository,
    commit: release.commit,
    subject: release.subject,
    author: release.author,
    position: release.position,
    pipelineRevision: release.pipelineRevision,
    createdAtMs: release.createdAtMs,
    createdBy: actorView(release.createdBy),
    state: release.state as Release['state'],
    version: release.version ?? null,
    standsOn: standsOn(release, own, spec),
    through: [...throughOf(own)],
    why: release.reason ?? null,
    marks: [...marks],
    rollouts: own.flatMap(({ rollout }) =>
      rollout === undefined ? [] : (together.get(rollout) ?? [rollout as RolloutId]),
    ),
  };
}

/** Where it runs or waits; when nothing of it runs, the first actions that are open to it. */
function standsOn(release: ReleaseOverview, runs: readonly RunOverview[], spec: ServiceSpec | undefined): string[] {
  if (release.endedAtMs !== undefined) return [];
  const live = runs.filter((run) => standing.has(run.state)).map((run) => run.action);
  if (live.length > 0) return [...new Set(live)];
  const through = throughOf(runs);
  const open = (spec?.pipeline.actions ?? []).filter((action) => !through.has(action.name));
  return open.filter((action) => action.needs.every((need) => through.has(need))).map((action) => action.name);
}

function throughOf(runs: readonly RunOverview[]): Set<string> {
  return new Set(runs.filter((run) => run.state === 'succeeded' || run.state === 'skipped').map((run) => run.action));
}

export function pipelineView(
  service: Pick<ServiceOverview, 'branch'>,
  revision: number,
  spec: ServiceSpec,
  releases: readonly ReleaseSummary[],
): PipelineView {
  return {
    revision,
    branch: service.branch,
    trigger: spec.pipeline.trigger,
    nodes: spec.pipeline.actions.map((action) => ({
      action: action.name,
      type: action.type,
      environment: 'environment' in action ? action.environment : null,
      needs: [...action.needs],
      releases: releases.filter((release) => release.standsOn.includes(action.name)).map(({ id }) => id as ReleaseId),
    })),
  };
}

export function actionRunView(run: RunOverview, spec: ServiceSpec | undefined): ActionRunView {
  const type = spec?.pipeline.actions.find((action) => action.name === run.action)?.type ?? 'deploy';
  return {
    id: run.id,
    release: run.release,
    action: run.action,
    type,
    attempt: run.attempt,
    state: run.state as ActionRun['state'],
    reason: run.reason ?? null,
    rollout: (run.rollout ?? null) as RolloutId | null,
    host: run.host ?? null,
    outputs: Object.entries(run.outputs).map(([name, { kind, digest, sizeBytes }]) => ({
      name,
      kind,
      digest,
      sizeBytes,
    })),
    hasLog: run.host !== undefined,
    startedAtMs: run.startedAtMs ?? null,
    endedAtMs: run.endedAtMs ?? null,
  };
}
