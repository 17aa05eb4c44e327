import type { Explanation, JobPlan, PlanView } from '../../api/index.ts';
import { readCarriers } from '../../blame/read.ts';
import { listHostOverviews, listMaintenances, readInventory } from '../../fleet/read.ts';
import { explainCalibrationTurn, type PhasePromise, promisePhases, promiseWindowMs } from '../../judge/index.ts';
import { readCalibration, readCalibrationTurn, readCurves } from '../../judge/read.ts';
import {
  type CommitId,
  type EnvironmentSpec,
  fleetDriver,
  isSameDriver,
  type JobId,
  jobId,
  jobsOf,
  type PlannedJob,
  type PlanSpec,
  partsOfJob,
  pluginDriver,
  type ReleaseId,
  type RolloutId,
  type ServiceName,
  type ServiceSpec,
} from '../../model/index.ts';
import {
  findRelease,
  findReleaseOfCommit,
  findRun,
  readReleases,
  readRepositories,
  readServices,
} from '../../pipeline/read.ts';
import { readWaits } from '../../pipeline/work.ts';
import { explainWatched, planOf as planOfRollout, type TaskPlace } from '../../rollout/index.ts';
import { findRolloutFacts, readExplanation, readJob, readJobs } from '../../rollout/read.ts';
import type { Tx } from '../../store/index.ts';
import { readConfigAt } from '../adapters/config-reader.ts';
import type { Handlers, ServerContext } from '../context.ts';
import { refuse, valueOrThrow } from '../errors.ts';
import { type DeployAction, decidePlan, decideTogether, type NamedPlan } from '../plan.ts';
import { budgetLine } from '../views/tasks.ts';
import { versionRefs } from '../views/versions.ts';
import { hostsById } from './rollouts.ts';
import { releaseSummaries } from './services.ts';

/** What would happen, and why it does not happen yet. */
export function planHandlers(context: ServerContext) {
  const { store, clock } = context;

  return {
    async planDeploy({ params, body }, { signal }) {
      return planOf(context, params.service, body.commit, body.environment, signal);
    },
    async explain({ params }, { signal }): Promise<Explanation> {
      const { kind, id } = params;
      if (kind === 'service') return explainService(id, signal);
      return store.read((tx) => {
        if (kind === 'rollout') return explainRollout(tx, id as RolloutId);
        if (kind === 'job') return explainJob(tx, id as JobId);
        return kind === 'release' ? explainRelease(tx, id as ReleaseId) : explainRun(tx, id);
      });
    },
  } satisfies Partial<Handlers>;

  async function explainRelease(tx: Tx, id: ReleaseId): Promise<Explanation> {
    const release = await findRelease(tx, id);
    if (!release) return refuse('release/unknown', `There is no release ${id}.`);
    const [summary] = await releaseSummaries(tx, [release], undefined);
    const rollouts = summary?.rollouts ?? [];
    const current = rollouts.at(-1);
    const inner = current === undefined ? undefined : await explainRollout(tx, current);
    const isLive = release.endedAtMs === undefined;
    const isStillOn = (inner?.reasons.length ?? 0) > 0;
    const own = release.reason ?? (isLive ? 'It is moving: its actions run.' : `It has ${release.state}.`);
    const sentence = isLive && inner && release.reason === undefined ? inner.sentence : own;
    const { graphs, disk } = context;
    const world = { graphs, hasRoom: async () => (await disk.checkRoom()).ok };
    const waits = await readWaits(tx, world, id, context.clock.nowMs());
    const reasons = [
      ...waits.map((wait) => ({ sentence: wait.sentence, unblocker: wait.unblocker, sinceMs: null })),
      // One that a watch after the last phase found bad has the job again, although its release is over.
      ...(isLive || isStillOn ? (inner?.reasons ?? []) : []),
    ];
    return { subject: `release/${id}`, sentence, reasons, settings: [] };
  }

  /** The newest release of a service, with its name. */
  async function explainNewest(
    tx: Tx,
    name: ServiceName,
  ): Promise<Pick<Explanation, 'sentence' | 'reasons'> | undefined> {
    const [newest] = await readReleases(tx, name, 1);
    if (!newest) return undefined;
    const { sentence, reasons } = await explainRelease(tx, newest.id);
    return { sentence: `${newest.commit.slice(0, 10)} "${newest.subject}": ${sentence}`, reasons };
  }

  async function explainRollout(tx: Tx, id: RolloutId): Promise<Explanation> {
    const rollout = await findRolloutFacts(tx, id);
    if (!rollout) return refuse('rollout/unknown', `There is no rollout ${id}.`);
    const subject = `rollout/${id}`;
    const why = await readExplanation(tx, id, clock.nowMs(), context.settings.limits);
    if (!why) {
      const sentence = rollout.failure
        ? `It has ${rollout.state}: ${rollout.failure.sentence}`
        : `It has ${rollout.state}.`;
      const watched = explainWatched(rollout, clock.nowMs());
      const { fromMs: sinceMs = null } = rollout.watch ?? {};
      const still = watched && { sentence: watched.sentence, unblocker: capital(watched.next), sinceMs };
      return { subject, sentence, reasons: still ? [still] : [], settings: [] };
    }
    const { sentence, next } = why;
    const sinceMs = rollout.hold?.sinceMs ?? null;
    const reasons = [
      ...silentDriver(rollout.job),
      { sentence, unblocker: capital(next), sinceMs },
      ...(await dishonestChecks(tx, rollout.job)),
    ];
    return { subject, sentence, reasons, settings: [] };
  }

  /** Whatever else it waits for: without its driver nothing of it moves. */
  function silentDriver(job: JobId): Explanation['reasons'] {
    return context.driverFindings().flatMap((one) => {
      if (one.job !== job) return [];
      const { plugin, sinceMs, sentence: why } = one;
      const sentence = `The driver ${plugin} does not answer since ${new Date(sinceMs).toISOString()}: ${why}.`;
      return [{ sentence: sentence.replace(/\.\.$/, '.'), unblocker: 'It is tried again by itself', sinceMs }];
    });
  }

  /** Checks that may only hold because they alarm when nothing has changed. */
  async function dishonestChecks(tx: Tx, job: JobId): Promise<Explanation['reasons']> {
    const known = await readCalibration(tx, job);
    const bad = known?.calibration.checks.filter(({ isHonest }) => !isHonest) ?? [];
    const unblocker = `rollway judge calibrate ${partsOfJob(job).service}`;
    return bad.map(({ sentence }) => ({ sentence, unblocker, sinceMs: known?.atMs ?? null }));
  }

  async function explainJob(tx: Tx, id: JobId): Promise<Explanation> {
    const screen = await readJob(tx, id);
    if (!screen) return refuse('api/not-found', `There is no job ${id}.`);
    const live = (await readJobs(tx)).find(({ job }) => job.id === id)?.live ?? [];
    const first = live[0];
    if (first) return { ...(await explainRollout(tx, first.id)), subject: `job/${id}` };
    const { sentence } = budgetLine(screen, await hostsById(tx));
    const tried = await readCalibrationTurn(tx, id);
    const words = tried === undefined ? '' : ` ${explainCalibrationTurn(tried, 'auto')}`;
    const reasons = await dishonestChecks(tx, id);
    return { subject: `job/${id}`, sentence: `No rollout is under way; ${sentence}.${words}`, reasons, settings: [] };
  }

  async function explainRun(tx: Tx, id: string): Promise<Explanation> {
    const run = await findRun(tx, id as `run_${string}`);
    if (!run) return refuse('api/not-found', `There is no action run ${id}.`);
    return { subject: `run/${id}`, sentence: run.reason ?? `It is ${run.state}.`, reasons: [], settings: [] };
  }

  /** Every setting in force with the layer that set it. */
  async function explainService(name: string, signal: AbortSignal): Promise<Explanation> {
    const { service, location, head } = await store.read((tx) => findService(tx, name));
    if (head === undefined) {
      return { subject: `service/${name}`, sentence: 'Its repository was not read yet.', reasons: [], settings: [] };
    }
    const { mirrors, settings } = context;
    const config = await readConfigAt(mirrors, settings.dataFolder, location, head, service.configPath, signal);
    const subject = `service/${name}`;
    if (!config.ok) {
      const reasons = config.error.map((problem) => ({
        sentence: problem.detail,
        unblocker: problem.remedy,
        sinceMs: null,
      }));
      return { subject, sentence: `The configuration of ${head.slice(0, 10)} is not valid.`, reasons, settings: [] };
    }
    const origins = config.value.origins.map(({ path, value, layer }) => ({ path, value, origin: layer }));
    const newest = await store.read((tx) => explainNewest(tx, service.name));
    const sentence = newest?.sentence ?? `${name} was never released.`;
    return { subject, sentence, reasons: newest?.reasons ?? [], settings: origins };
  }
}

export interface FoundSpec {
  readonly spec: ServiceSpec;
  readonly action: DeployAction;
  readonly commit: CommitId;
}

/** What a commit's configuration says of one environment. */
export async function specAt(
  { git, mirrors, settings, store }: ServerContext,
  name: string,
  commitish: string | undefined,
  environment: string | undefined,
  signal: AbortSignal,
): Promise<FoundSpec> {
  const { service, location, head } = await store.read((tx) => findService(tx, name));
  const revision = commitish ?? head ?? service.branch;
  const commit: CommitId = valueOrThrow(await git.resolve(location, revision, signal));
  const config = await readConfigAt(mirrors, settings.dataFolder, location, commit, service.configPath, signal);
  if (!config.ok) {
    const [first] = config.error;
    return refuse(first?.code ?? 'spec/invalid', first?.detail ?? 'The configuration is not valid.', {
      problems: config.error,
    });
  }
  const { spec } = config.value;
  return { spec, action: deployActionOf(spec, environment), commit };
}

/** The plan of a deploy as it stands now; also what a `planHash` is compared with. */
export async function planOf(
  context: ServerContext,
  name: string,
  commitish: string | undefined,
  environment: string | undefined,
  signal: AbortSignal,
): Promise<PlanView> {
  const found = await specAt(context, name, commitish, environment, signal);
  return context.store.read(async (tx) => {
    const plans: NamedPlan[] = [];
    for (const job of jobsReached(found)) {
      plans.push({ name: job.job ?? '', plan: job.plan, view: await planOfJob(context, tx, found, job) });
    }
    const { group } = environmentOf(found);
    const [first] = plans;
    if (first === undefined) return refuse('pipeline/no-such-target', `${name} has no job there.`);
    return group === undefined ? { ...first.view, together: null } : decideTogether(group, plans);
  });
}

async function planOfJob(
  context: ServerContext,
  tx: Tx,
  { spec, action, commit }: FoundSpec,
  job: PlannedJob,
): Promise<JobPlan> {
  const id = jobId(spec.name, action.environment, job.job);
  const places = await placesOf(tx, id, job.spec.tasks);
  const screen = await readJob(tx, id);
  const running = new Set(screen?.dots.flatMap(({ version }) => version ?? []) ?? []);
  const versions = await versionRefs(tx, running);
  const release = await findReleaseOfCommit(tx, spec.name, commit);
  const carriers = release?.version
    ? (await readCarriers(tx)).filter(({ version }) => version === release.version)
    : [];
  const hosts = await listHostOverviews(tx);
  const { driver: said = fleetDriver } = job.spec;
  const wanted = typeof said === 'object' ? pluginDriver(said.plugin, id) : said;
  return decidePlan({
    spec,
    job,
    maintenances: await listMaintenances(tx, 0),
    environment: action.environment,
    commit,
    places,
    from: [...versions.values()],
    marks: carriers
      .filter(({ override }) => !override)
      .map(({ mark }) => `It carries ${mark}: a deploy would be blocked.`),
    strategies: context.strategies,
    drivers: context.driverBook,
    hasHosts: hosts.some(({ state, driver }) => state === 'up' && isSameDriver(driver, wanted)),
    inventory: await readInventory(tx, id, wanted),
    curves: (await readCurves(tx, id, spec.judge.binMs, 20)).length,
    promises: await promisesOf(tx, context, spec, id, job.plan, places),
    nowMs: context.clock.nowMs(),
  });
}

/** What recent traffic lets each phase show. */
async function promisesOf(
  tx: Tx,
  { samples, strategies }: ServerContext,
  { judge }: ServiceSpec,
  job: JobId,
  plan: PlanSpec,
  places: readonly TaskPlace[],
): Promise<PhasePromise[]> {
  const planned = planOfRollout({ plan, places, budget: { count: 1 }, isFirst: false, strategies });
  const phases = planned.phases.map(({ spec: phase, members }) => ({ ...phase, members }));
  const parts = phases.length + ((plan.watchMs ?? 0) > 0 ? 1 : 0);
  const request = { spec: judge, phases, parts, pastCurves: await readCurves(tx, job, judge.binMs, 20) };
  const toMs = samples.closedUntilMs();
  return promisePhases(request, samples.query({ job, fromMs: toMs - promiseWindowMs(request), toMs }));
}

function environmentOf({ spec, action }: FoundSpec): EnvironmentSpec {
  const found = spec.environments.find(({ name }) => name === action.environment);
  return found ?? refuse('pipeline/no-such-target', `${spec.name} has no environment ${action.environment}.`);
}

/** The jobs that a deploy goes over, those of earlier waves first. */
export function jobsReached(found: FoundSpec): readonly PlannedJob[] {
  return jobsOf(environmentOf(found), found.action);
}

function deployActionOf(spec: ServiceSpec, environment: string | undefined): DeployAction {
  const deploys = spec.pipeline.actions.filter((action): action is DeployAction => action.type === 'deploy');
  const action = environment === undefined ? deploys[0] : deploys.find((one) => one.environment === environment);
  return action ?? refuse('pipeline/no-such-target', `${spec.name} deploys to no environment ${environment ?? ''}.`);
}

/** Where the job's tasks are; indices that are not there yet are nowhere. */
export async function placesOf(tx: Tx, job: JobId, tasks: number): Promise<TaskPlace[]> {
  const screen = await readJob(tx, job);
  const hosts = await hostsById(tx);
  return Array.from({ length: screen?.job.size ?? tasks }, (_, index) => {
    const host = screen?.dots[index]?.facts?.host;
    return { index, host, labels: (host === undefined ? undefined : hosts.get(host)?.labels) ?? {} };
  });
}

/** A service with where its repository lies, and the newest commit seen on its branch. */
export async function findService(tx: Tx, name: string) {
  const service = (await readServices(tx)).find((one) => one.name === name);
  if (!service) return refuse('service/unknown', `There is no service ${name}.`);
  const repository = (await readRepositories(tx)).find((one) => one.name === service.repository);
  if (!repository) return refuse('service/unknown', `The repository of ${name} is not watched any more.`);
  return { service, location: repository.location, head: repository.heads[service.branch] };
}

function capital(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1)}.`;
}
