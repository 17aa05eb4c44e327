import type { BacktestView } from '../../api/index.ts';
import { type JobId, jobId, type PlannedJob, type PlanSpec, type ServiceSpec } from '../../model/index.ts';
import {
  assumedReleases,
  type BacktestRow,
  backtest,
  type PastRelease,
  type StrategyBook,
  type TaskPlace,
} from '../../rollout/index.ts';
import { readPastReleases } from '../../rollout/read.ts';
import { compileSpec } from '../../spec/index.ts';
import type { Handlers, ServerContext } from '../context.ts';
import { refuse } from '../errors.ts';
import { jobsReached, placesOf, specAt } from './plans.ts';

const templates = ['careful', 'standard', 'fast', 'everyone-at-once'] as const;
const pastLimit = 50;
/** A task is assumed to need this long from its start until it is ready, when nothing is known. */
const usualStartMs = 1500;

/** The plan of a commit, and every template, tried on what the service’s past releases showed. */
export function backtestHandlers(context: ServerContext) {
  const { store } = context;
  return {
    async backtestPlan({ params, body }, { signal }): Promise<BacktestView> {
      const found = await specAt(context, params.service, body.commit, body.environment, signal);
      const jobs = jobsReached(found);
      const chosen = body.job === undefined ? jobs[0] : jobs.find(({ job }) => job === body.job);
      const { spec, action } = found;
      if (chosen === undefined)
        return refuse('pipeline/no-such-target', `${spec.name} has no job ${body.job} in ${action.environment}.`);
      const id = jobId(spec.name, action.environment, chosen.job);
      const { places, past } = await store.read(async (tx) => ({
        places: await placesOf(tx, id, chosen.spec.tasks),
        past: await readPastReleases(tx, id, pastLimit),
      }));
      return backtestView(spec, id, chosen, places, past, context.strategies);
    },
  } satisfies Partial<Handlers>;
}

/** Own releases where there are any; where none were good, or none bad, assumed ones, and it says so. Pure. */
export function backtestView(
  spec: ServiceSpec,
  id: JobId,
  job: Pick<PlannedJob, 'plan' | 'spec'>,
  places: readonly TaskPlace[],
  past: readonly PastRelease[],
  strategies?: StrategyBook,
): BacktestView {
  const usualMs = spec.task.drainMs + usualStartMs;
  const good = past.filter(({ was }) => was === 'good');
  const bad = past.filter(({ was }) => was !== 'good');
  const releases = [
    ...(good.length > 0 ? good : assumedReleases(usualMs, 'good')),
    ...(bad.length > 0 ? bad : assumedReleases(good[0]?.taskMs ?? usualMs, 'bad')),
  ];
  const { budget } = job.spec;
  const whole = { percent: 100 };
  const rows = [
    rowOf('yours', backtest(job.plan, { places, budget, releases, strategies })),
    ...templates.map((name) => {
      const facts = { places, budget: name === 'everyone-at-once' ? whole : budget, releases };
      return rowOf(name, backtest(templatePlan(name, spec.judge.checks.length > 0), facts));
    }),
  ];
  const notes: string[] = [];
  if (good.length === 0) notes.push('No release has gone through here yet: how long tasks take is assumed.');
  if (bad.length === 0) notes.push('No release was bad here yet: four faults are assumed, from glaring to faint.');
  notes.push('Rates, controllers and failures of hosts are not part of it.');
  return { job: id, size: places.length, good: good.length, bad: bad.length, rows, notes };
}

function rowOf(plan: string, { doneMs, mostExposed, meanExposed, exposedTaskMs, missed }: BacktestRow) {
  return { plan, doneMs, mostExposed, meanExposed, exposedTaskMs, missed };
}

/** The phases that a service gets which says nothing but the template’s name. */
function templatePlan(template: (typeof templates)[number], isMeasured: boolean): PlanSpec {
  const metrics = isMeasured ? { metrics: '/metrics' } : {};
  const compiled = compileSpec({ name: 'any', command: 'any', phases: template, ...metrics }, 'rollway.yaml');
  if (!compiled.ok) throw new Error(compiled.error.map(({ detail }) => detail).join('\n'));
  const deploy = compiled.value.spec.pipeline.actions.find((action) => action.type === 'deploy');
  if (deploy === undefined) throw new Error('a template has no deployment');
  return deploy.plan;
}
