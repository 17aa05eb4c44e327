import type { Attention, EnvironmentSummary, JobState, ServiceSummary } from '../../api/index.ts';
import type { VerdictRow } from '../../judge/read.ts';
import { type JobId, partsOfJob, type Rollout } from '../../model/index.ts';
import type { ServiceOverview } from '../../pipeline/read.ts';
import type { JobScreen } from '../../rollout/read.ts';
import type { VersionsById } from './rollouts.ts';
import { budgetLine, type HostsById, taskDots } from './tasks.ts';

/** One service in one environment, as the home page shows it. */
export function environmentSummary(
  screen: JobScreen,
  live: readonly Rollout[],
  hosts: HostsById,
  versions: VersionsById,
  verdicts: readonly VerdictRow[],
): EnvironmentSummary {
  const dots = taskDots(screen, hosts);
  const active = live.find((rollout) => rollout.state !== 'waiting') ?? live[0];
  const budget = budgetLine(screen, hosts, active);
  const version = commonVersion(screen);
  const since = dots.flatMap((dot) => (dot.version === version && dot.sinceMs !== null ? [dot.sinceMs] : []));
  return {
    environment: screen.job.environment,
    job: screen.job.id,
    name: partsOfJob(screen.job.id).name ?? null,
    size: screen.job.size,
    state: jobState(screen, active, budget.out),
    version: (version === undefined ? undefined : versions.get(version)) ?? null,
    sinceMs: since.length === 0 ? null : Math.min(...since),
    rollout: active?.id ?? null,
    dots: dots.map((dot) => dot.dot),
    budget,
    errors: active ? errorsOf(verdicts) : null,
  };
}

/** Errors old against new at each look of the judge: the sparkline of the home page. */
function errorsOf(verdicts: readonly VerdictRow[]): EnvironmentSummary['errors'] {
  const points = verdicts.slice(-60).flatMap(({ verdict }) => {
    const errors = verdict.perCheck.find(({ check }) => check === 'errors');
    return errors ? [{ atMs: verdict.atMs, old: errors.oldLevel ?? null, new: errors.newLevel ?? null }] : [];
  });
  return points.length === 0 ? null : points;
}

/** An environment of the configuration that nothing was deployed to yet. */
export function emptyEnvironment(job: JobId, tasks: number): EnvironmentSummary {
  const { environment, name } = partsOfJob(job);
  return {
    environment,
    job,
    name: name ?? null,
    size: tasks,
    state: 'empty',
    version: null,
    sinceMs: null,
    rollout: null,
    dots: Array.from({ length: tasks }, () => 'absent' as const),
    budget: { out: 0, budget: 0, indices: [], sentence: '0 of 0 out' },
    errors: null,
  };
}

/** What most tasks run. */
export function commonVersion(screen: JobScreen): JobScreen['dots'][number]['version'] {
  const counts = new Map<string, number>();
  for (const { version } of screen.dots) if (version !== undefined) counts.set(version, (counts.get(version) ?? 0) + 1);
  const [most] = [...counts].sort(([, a], [, b]) => b - a);
  return most?.[0] as JobScreen['dots'][number]['version'];
}

function jobState(screen: JobScreen, active: Rollout | undefined, out: number): JobState {
  if (active?.state === 'held') return 'held';
  if (active?.state === 'reverting') return 'reverting';
  if (active?.state === 'running') return 'rolling';
  if (screen.dots.every((dot) => dot.look === 'absent')) return 'empty';
  return out > 0 ? 'degraded' : 'steady';
}

/** What needs a person first; then by name. */
export function serviceSummary(
  service: ServiceOverview,
  environments: readonly EnvironmentSummary[],
  attention: readonly Attention[],
): ServiceSummary {
  return {
    name: service.name,
    repository: service.repository,
    environments: [...environments],
    attention: [...attention],
  };
}

/** Holds end only by a person, unless they say when. */
export function attentionOf(rollouts: readonly Rollout[]): Attention[] {
  return rollouts.flatMap((rollout) =>
    rollout.hold
      ? [
          {
            sentence: `${rollout.job} is held: ${rollout.hold.reason}`,
            remedy: rollout.hold.then ? `It will ${rollout.hold.then.do} by itself.` : 'Resume, revert or abort it.',
            subject: `rollout/${rollout.id}`,
            sinceMs: rollout.hold.sinceMs,
          },
        ]
      : [],
  );
}
