import { candidatesOf, carries, echoesIn, markTest } from '../../blame/index.ts';
import * as blameRows from '../../blame/rows.ts';
import type { JobLimits } from '../../disruption/index.ts';
import type { CommandAnswer, CommandRow, Enqueue, NewEffect, Proposal, Turn, View } from '../../engine/index.ts';
import * as fleetRows from '../../fleet/rows.ts';
import { listCurves } from '../../judge/rows.ts';
import {
  type ActionRunId,
  type EffectId,
  err,
  fleetDriver,
  type JobId,
  type JobSpec,
  type JudgeSpec,
  jobId,
  jobsOf,
  type MarkId,
  type NewEvent,
  type PlanSpec,
  type Problem,
  partsOfDriver,
  partsOfJob,
  pluginDriver,
  problem,
  type Result,
  rollway,
  type ServiceSpec,
  type Version,
  type VersionId,
} from '../../model/index.ts';
import {
  type JobFacts,
  type JobWish,
  newRollout,
  placeboBakeMs,
  placeboPlan,
  placeboTasks,
} from '../../rollout/index.ts';
import * as rolloutRows from '../../rollout/rows.ts';
import type { Tx } from '../../store/index.ts';
import { type CommandFacts, decideCommand, type PipelineCommand } from '../commands.ts';
import { decidePipeline, nextDueMs } from '../decide.ts';
import { type Draft, liveReleases, liveRuns, type Want } from '../draft.ts';
import { firstWait } from '../explain.ts';
import type { ReleaseFacts, Run } from '../facts.ts';
import * as rows from '../rows.ts';
import type { CancelActionPayload, PackSourcePayload, RunActionPayload } from './effects.ts';
import { type LoadedPipeline, loadChoices, loadPipeline } from './load.ts';
import { decideKind, effectKinds, type PipelineWorld } from './world.ts';

type RolloutRequest = Parameters<typeof newRollout>[0];

/** How often a pipeline looks after its hosts while it has something running, or waits for room. */
const lookAfterMs = 5000;

type Wanted<K extends Want['kind']> = Extract<Want, { kind: K }>;

/** One decision about a service's pipeline, committed whole. */
export function decideService(world: PipelineWorld, turn: Turn): Promise<void> {
  return turn.commit((view) => attempt(world, turn, view)) as Promise<void>;
}

async function attempt(world: PipelineWorld, turn: Turn, view: View): Promise<Proposal<void> | undefined> {
  const loaded = await loadPipeline(view, world, turn.key);
  if (loaded === undefined) return undefined;
  const answers: CommandAnswer[] = [];
  const commands = await readCommands(view, loaded);
  const names = { run: () => turn.id('run'), rollout: () => turn.id('ro') };
  const draft = decidePipeline(loaded.state, turn.nowMs, names, (open) => {
    for (const { row, command, facts } of commands) {
      const done = command.ok ? decideCommand(open, command.value, facts) : command;
      const detail = done.ok ? done.value : `${done.error.detail} ${done.error.remedy}`;
      answers.push({ id: row.id, ok: done.ok, detail });
    }
  });
  return propose(world, turn, view, loaded, draft, answers);
}

// ---------------------------------------------------------------- commands

interface ReadCommand {
  readonly row: CommandRow;
  readonly command: Result<PipelineCommand, Problem>;
  readonly facts: CommandFacts;
}

async function readCommands(view: View, { service, commands, state }: LoadedPipeline): Promise<ReadCommand[]> {
  const read: ReadCommand[] = [];
  for (const row of commands) {
    const releases = new Map<VersionId, ReleaseFacts>();
    const { environment } = row.arguments;
    const known = typeof environment === 'string' ? await loadChoices(view, service.name, environment) : [];
    const good = known.flatMap((choice) => choice.good);
    const wanted = [...new Set([...good, ...(row.arguments.to ? [row.arguments.to as VersionId] : [])])];
    for (const version of await rows.listVersions(view.tx, wanted)) {
      if (version.service !== service.name || version.release === undefined) continue;
      const live = state.releases.find(({ id }) => id === version.release);
      const release = live ?? (await rows.findRelease(view.tx, version.release));
      if (release !== undefined) releases.set(version.id, release);
    }
    const facts: CommandFacts = {
      actor: row.actor,
      choices: (name) => (name === environment ? known : []),
      releaseOf: (version) => releases.get(version),
    };
    read.push({ row, command: commandOf(row), facts });
  }
  return read;
}

function commandOf(row: CommandRow): Result<PipelineCommand, Problem> {
  const given = row.arguments;
  const reason = row.reason ?? '';
  const value = (command: PipelineCommand): Result<PipelineCommand, Problem> => ({ ok: true, value: command });
  switch (row.name) {
    case 'cancel-release':
      return value({ name: 'cancel-release', release: given.release as string, reason });
    case 'retry':
      return value({ name: 'retry', release: given.release as string, action: given.action as string | undefined });
    case 'rollback': {
      const { environment, job, to } = given as { environment: string; job?: string; to?: VersionId };
      return value({ name: 'rollback', environment, job, to, reason });
    }
    case 'end-hold':
      return value({ name: 'end-hold', environment: given.environment as string, reason });
    default:
      return err(problem('api/bad-request', `Pipelines know no command "${row.name}".`));
  }
}

// ---------------------------------------------------------------- what is committed

async function propose(
  world: PipelineWorld,
  turn: Turn,
  view: View,
  { service, state }: LoadedPipeline,
  draft: Draft,
  answers: readonly CommandAnswer[],
): Promise<Proposal<void> | undefined> {
  const repository = await rows.findRepository(view.tx, service.repository);
  const runs = [...draft.changedRuns].map((id) => draft.runs.get(id)!);
  const releases = [...draft.changedReleases].map((id) => draft.releases.get(id)!);
  const of = <K extends Want['kind']>(kind: K) => draft.wants.filter((want): want is Wanted<K> => want.kind === kind);
  const carried = new Map<VersionId, MarkId[]>();
  for (const { version } of of('version')) carried.set(version.id, await marksCarriedBy(world, view, version));
  const deployments = await findDeployments(world, view, turn, draft, [...of('rollout'), ...of('rollback')]);
  const isChanged = runs.length + releases.length + answers.length + draft.wants.length + state.reports.length > 0;
  const timer = timerOf(draft);
  if (!isChanged) return timer === undefined ? undefined : { work: [timer], result: undefined };
  return {
    bump: [{ kind: 'pipeline', id: service.name }],
    write: async (tx) => {
      for (const run of runs) await rows.saveRun(tx, run);
      for (const release of releases) await writeRelease(tx, state.releases, release);
      for (const run of runs) await keepBuild(tx, run, turn.nowMs);
      for (const { version } of of('version')) {
        await rows.insertVersion(tx, version);
        await blameRows.insertCarriers(tx, version.id, carried.get(version.id) ?? []);
      }
      for (const { hold } of of('end-hold')) await rows.deleteHold(tx, hold);
      for (const { hold } of of('hold')) await rows.saveHold(tx, hold);
      for (const { job, rollout, placebo } of deployments) {
        if (job !== undefined) {
          await rolloutRows.ensureJob(tx, job, turn.nowMs);
          await fleetRows.saveDriver(tx, job.driver, job.id, job.driverSettings);
        }
        await rolloutRows.insertRollout(tx, newRollout(rollout, turn.nowMs));
        if (placebo !== undefined) await rolloutRows.insertRollout(tx, newRollout(placebo, turn.nowMs));
      }
      await rows.endReports(tx, state.reports);
    },
    effects: [
      ...of('order').map(orderEffect),
      ...of('cancel').map(({ run }) => cancelEffect(turn, run)),
      ...of('source').map(({ release }) => packEffect(turn, repository?.location ?? '', draft.releases.get(release)!)),
    ],
    withdraw: of('cancel').map(({ run }) => orderEffectId(run.id)),
    answers,
    events: [...draft.events, ...deployments.flatMap(placeboEvent)],
    work: [
      ...(timer === undefined ? [] : [timer]),
      ...deployments.map(({ rollout }) => ({ kind: 'job/decide', key: rollout.job, urgent: true })),
      // Whether the new version carries a mark is known from the next turn on.
      ...(carried.size > 0 ? [{ kind: decideKind, key: service.name }] : []),
    ],
    result: undefined,
  };
}

/** A version's carriers are written with it: compared with the marks under the repository's guard. */
async function marksCarriedBy(world: PipelineWorld, view: View, version: Version): Promise<MarkId[]> {
  const marks = await blameRows.listLiveMarks(view.tx, version.repository);
  const targeted = marks.filter(({ targets }) => targets.includes(version.service));
  if (targeted.length === 0) return [];
  const graph = await blameRows.loadGraph(view.tx, world.graphs, version.repository);
  const echoes = echoesIn(graph, await blameRows.listSpeakingCommits(view.tx, version.repository));
  return targeted.filter((mark) => carries(graph, markTest(graph, mark, echoes), version)).map(({ id }) => id);
}

async function writeRelease(tx: Tx, before: readonly ReleaseFacts[], release: ReleaseFacts): Promise<void> {
  await rows.saveRelease(tx, release);
  const known = before.find(({ id }) => id === release.id);
  if (known !== undefined && known.source !== release.source) await rows.updateSource(tx, release.id, release.source);
}

/** What a build made is found again by its key. */
async function keepBuild(tx: Tx, run: Run, nowMs: number): Promise<void> {
  const [output] = Object.values(run.outputs);
  if (run.state !== 'succeeded' || run.cacheKey === undefined || output === undefined) return;
  await rows.saveCachedBuild(tx, run.cacheKey, output.digest, output.sizeBytes, run.id, nowMs);
}

interface Deployment {
  /** What the environment's specification wants of the job; a rollback leaves the job as it is. */
  readonly job: JobWish | undefined;
  readonly rollout: Parameters<typeof newRollout>[0];
  /** Old tasks that are restarted before it. */
  readonly placebo?: Parameters<typeof newRollout>[0] | undefined;
}

async function findDeployments(
  world: PipelineWorld,
  view: View,
  turn: Turn,
  draft: Draft,
  wants: readonly (Wanted<'rollout'> | Wanted<'rollback'>)[],
): Promise<Deployment[]> {
  const found: Deployment[] = [];
  for (const want of wants) {
    found.push(...(want.kind === 'rollback' ? rollbacksOf(want) : await deploymentsOf(world, view, turn, draft, want)));
  }
  return found;
}

/** Each job at once: what it goes back to has been good there. */
function rollbacksOf({ run, targets, by: createdBy, reason }: Wanted<'rollback'>): Deployment[] {
  const members = targets.map(({ job, rollout }) => ({
    name: partsOfJob(job).name ?? partsOfJob(job).environment,
    job,
    rollout,
  }));
  const waves = [members.map(({ name }) => name)];
  const base = { release: run.release, createdBy, reason, kind: 'rollback' as const };
  return targets.map(({ job, rollout: id, version: to, plan }, at) => {
    const group = { id: run.id, name: members[at]!.name, waves, barrier: 'none' as const, members };
    const alone = members.length === 1 ? {} : { group };
    return { job: undefined, rollout: { ...base, id, job, to, plan, judged: false, holdAfter: undefined, ...alone } };
  });
}

async function deploymentsOf(
  world: PipelineWorld,
  view: View,
  turn: Turn,
  draft: Draft,
  { run, release, spec, rollouts }: Wanted<'rollout'>,
): Promise<Deployment[]> {
  const action = spec.pipeline.actions.find(({ name }) => name === run.action);
  const environment = spec.environments.find(({ name }) => name === run.environment);
  if (action?.type !== 'deploy' || environment === undefined) return [];
  const jobs = jobsOf(environment, action);
  const members = jobs.map(({ job: name }, at) => ({
    name: name ?? environment.name,
    job: jobId(run.service, environment.name, name),
    rollout: rollouts[at]!,
  }));
  const found: Deployment[] = [];
  for (const [at, { spec: job, plan }] of jobs.entries()) {
    const { job: id, name, rollout } = members[at]!;
    const known = await rolloutRows.findJob(view.tx, id);
    const { waves = [members.map((one) => one.name)], barrier = 'phase' } = environment.group ?? {};
    const to = draft.releases.get(release.id)?.version ?? release.version!;
    const placebo = await placeboBefore(view, turn, { rollout, job: id, plan, judge: spec.judge, to }, known);
    found.push({
      placebo,
      job: {
        id,
        service: run.service,
        environment: environment.name,
        wantedSize: job.tasks,
        budget: job.budget,
        limits: limitsOf(spec, job),
        env: job.env,
        hostLabels: job.hosts,
        ...driverFor(id, job, known),
        // A pipeline stored by an earlier version does not have it.
        taskControl: job.taskControl ?? undefined,
        onMaintenance: job.onMaintenance ?? undefined,
      },
      rollout: {
        id: rollout,
        job: id,
        release: release.id,
        to,
        kind: 'deploy',
        plan,
        judged: spec.judge.checks.length > 0,
        guarded: (spec.judge.guards ?? []).length > 0,
        holdAfter: release.holdAfter,
        holdFor: release.holdFor,
        forwardOnly: await forwardOnlyOf(world, view, release, plan, known),
        ...(members.length === 1 ? {} : { group: { id: run.id, name, waves, barrier, members } }),
        createdBy: release.createdBy,
        reason: undefined,
      },
    });
  }
  return found;
}

/**
 * Old tasks that are restarted before a deployment, where the service wants it and it is worth it: a round of its own,
 * which goes through the ledger like any, and which the deployment waits for.
 */
async function placeboBefore(
  { tx }: View,
  turn: Turn,
  wanted: Pick<RolloutRequest, 'job' | 'plan' | 'to'> & { rollout: RolloutRequest['id']; judge: JudgeSpec },
  job: JobFacts | undefined,
): Promise<RolloutRequest | undefined> {
  const { rollout, judge, plan, to } = wanted;
  const { placebo } = judge;
  const old = job?.goodVersions[0];
  // Nothing runs yet, what runs is not known to be good, or it runs already.
  if (job === undefined || old === undefined || old === to || placebo === undefined || placebo === 'off')
    return undefined;
  if (judge.checks.length + (judge.guards ?? []).length === 0) return undefined;
  const curves = (await listCurves(tx, job.id, judge.binMs, 20)).length;
  const tasks = placeboTasks({ placebo, size: job.size, budget: job.budget, curves });
  if (tasks.length === 0) return undefined;
  return {
    id: turn.id('ro'),
    job: job.id,
    release: undefined,
    to: old,
    kind: 'restart',
    plan: placeboPlan(tasks, placeboBakeMs(plan)),
    judged: false,
    holdAfter: undefined,
    placeboFor: rollout,
    createdBy: rollway('judge'),
    reason: `placebo restarts before ${rollout}, to see what a restart alone does`,
  };
}

function placeboEvent({ rollout, placebo }: Deployment): NewEvent[] {
  if (placebo === undefined) return [];
  const { id, createdBy: actor } = placebo;
  const [phase] = placebo.plan.phases;
  const select = phase!.select;
  const data = { rollout: id, tasks: 'tasks' in select ? select.tasks : [], bakeMs: phase!.maxBakeMs };
  return [{ stream: `rollout/${rollout.id}`, type: 'rollout.placebo-planned', actor, data }];
}

/** A pipeline stored by an earlier version says nothing of it: then everything stays as it is. */
function driverFor(
  id: JobId,
  { driver: said }: JobSpec,
  known: JobFacts | undefined,
): Pick<JobWish, 'driver' | 'driverSettings'> {
  if (typeof said === 'object') return { driver: pluginDriver(said.plugin, id), driverSettings: said.settings };
  const before = known?.driver ?? fleetDriver;
  if (said === undefined) return { driver: before, driverSettings: known?.driverSettings };
  return { driver: partsOfDriver(before) === undefined ? before : fleetDriver };
}

/**
 * Why a deployment must not be undone by itself: a person said so, its configuration does, or a commit that is new to
 * the job says it in its message.
 */
async function forwardOnlyOf(
  world: PipelineWorld,
  view: View,
  release: ReleaseFacts,
  plan: PlanSpec,
  job: JobFacts | undefined,
): Promise<string | undefined> {
  if (release.forwardOnly !== undefined) return release.forwardOnly;
  if (plan.forwardOnly) return 'its configuration says that it cannot be undone';
  if (job === undefined) return undefined;
  const speaking = await blameRows.listSpeakingCommits(view.tx, release.repository);
  const said = new Map(speaking.map(({ id, trailers }) => [id, trailers.forwardOnly]));
  if (![...said.values()].some((why) => why !== undefined)) return undefined;
  const assigned = (await rolloutRows.listAssignment(view.tx, job.id)).flatMap(({ version }) => version ?? []);
  const old = await rows.listVersions(view.tx, [...new Set([...assigned, ...job.goodVersions.slice(0, 1)])]);
  const graph = await blameRows.loadGraph(view.tx, world.graphs, release.repository);
  const before = old.filter(({ commit }) => commit !== release.commit).map(({ commit }) => commit);
  const named = candidatesOf(graph, release.commit, before).find((commit) => said.get(commit) !== undefined);
  return named === undefined ? undefined : `${named.slice(0, 10)} says of itself "${said.get(named)}"`;
}

function limitsOf({ rates }: ServiceSpec, { budgetPerDomain, budgetPerGroup }: JobSpec): JobLimits {
  return { budgetPerDomain, budgetPerGroup, rate: rates.service, ratePerDomain: rates.perDomain };
}

// ---------------------------------------------------------------- effects and timers

/** One order per run, so that a cancel can take back what was not sent yet. */
function orderEffectId(run: ActionRunId): EffectId {
  return `eff_order_${run}`;
}

function orderEffect({ run, order }: Wanted<'order'>): NewEffect {
  const payload: RunActionPayload = { host: run.host!, order };
  const receiver = `agent/${run.host}`;
  return { id: orderEffectId(run.id), kind: effectKinds.runAction, receiver, orderKey: run.id, payload };
}

function cancelEffect(turn: Turn, run: Run): NewEffect {
  const payload: CancelActionPayload = { host: run.host!, run: run.id };
  const receiver = `agent/${run.host}`;
  return { id: turn.id('eff'), kind: effectKinds.cancelAction, receiver, orderKey: run.id, payload };
}

function packEffect(turn: Turn, location: string, release: ReleaseFacts): NewEffect {
  const { service, repository, id, commit } = release;
  const payload: PackSourcePayload = { service, location, release: id, commit };
  return { id: turn.id('eff'), kind: effectKinds.packSource, receiver: `git/${repository}`, orderKey: id, payload };
}

function timerOf(draft: Draft): Enqueue | undefined {
  const due = nextDueMs(draft);
  const isWatching =
    liveRuns(draft).some(({ host }) => host !== undefined) ||
    liveReleases(draft).some((release) => firstWait(draft, release)?.kind === 'host');
  const times = [...(due === undefined ? [] : [due]), ...(isWatching ? [draft.nowMs + lookAfterMs] : [])];
  if (times.length === 0) return undefined;
  return { kind: decideKind, key: draft.state.service, dueAtMs: Math.min(...times) };
}
