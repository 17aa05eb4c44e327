import { type CommitGraphs, candidatesOf, carries, echoesIn, fixesByTrailer, markTest } from '../../blame/index.ts';
import * as blameRows from '../../blame/rows.ts';
import { type CommandRow, pendingCommands, type View } from '../../engine/index.ts';
import { isSilent } from '../../fleet/index.ts';
import * as fleetRows from '../../fleet/rows.ts';
import type {
  ArtifactRevision,
  Digest,
  EnvironmentName,
  ReleaseId,
  Rollout,
  RolloutId,
  ServiceSpec,
  VersionId,
} from '../../model/index.ts';
import { fleetDriver, isSameDriver } from '../../model/index.ts';
import { membersOf } from '../../rollout/index.ts';
import * as rolloutRows from '../../rollout/rows.ts';
import type { Tx } from '../../store/index.ts';
import { buildKey } from '../build-key.ts';
import type { RollbackChoices } from '../commands.ts';
import { openDraft } from '../draft.ts';
import { type AnyWait, listWaits } from '../explain.ts';
import type { ActionHost, DeployHold, Passed, PipelineState, ReleaseFacts, Run, ServiceFacts } from '../facts.ts';
import * as rows from '../rows.ts';
import { decideKind, type PipelineWorld } from './world.ts';

/** Below this share of free disk a host gets no action: builds stop first. */
const leastFreeDisk = 0.05;

export interface LoadedPipeline {
  readonly service: ServiceFacts;
  readonly state: PipelineState;
  readonly commands: readonly CommandRow[];
}

/** Everything a decision about a service's pipeline looks at; guards of its repository's marks and its order. */
export async function loadPipeline(
  view: View,
  { graphs, hasRoom }: Pick<PipelineWorld, 'graphs' | 'hasRoom'>,
  name: string,
): Promise<LoadedPipeline | undefined> {
  const { tx } = view;
  const service = await rows.findService(tx, name);
  if (service === undefined) return undefined;
  await view.guard('repository', service.repository);
  await view.guard('pipeline', name);
  const commands = await pendingCommands(tx, decideKind, name);
  const releases = await loadReleases(view, name, commands);
  const runs = await rows.listRuns(
    tx,
    name,
    releases.map(({ id }) => id),
  );
  const revisions = await rows.listRevisions(
    tx,
    name,
    releases.map(({ pipelineRevision }) => pipelineRevision),
  );
  const versions = releases.flatMap(({ version }) => (version === undefined ? [] : [version]));
  const holds = await rows.listHolds(tx, name);
  return {
    service,
    commands,
    state: {
      service: name,
      revisions,
      releases,
      runs,
      passed: await loadPassed(view, name, revisions),
      reports: await rows.listNewReports(tx, name),
      rollouts: await loadRollouts(
        view,
        runs.flatMap(({ rollout }) => (rollout === undefined ? [] : [rollout])),
      ),
      carriers: await blameRows.carriersAmong(tx, versions),
      holds,
      freeOfHold: await loadFreeOfHold(view, graphs, service, holds, releases),
      cache: await loadCache(view, releases, revisions),
      baselines: await loadBaselines(view, name, revisions),
      hosts: await loadHosts(view, commands.length > 0 || startsSomething(releases, runs, revisions)),
      hasRoom: hasRoom === undefined || (await hasRoom()),
    },
  };
}

/** Live ones, and those that a command names. */
async function loadReleases(view: View, service: string, commands: readonly CommandRow[]): Promise<ReleaseFacts[]> {
  const releases = await rows.listLiveReleases(view.tx, service);
  for (const { arguments: given } of commands) {
    if (typeof given.release !== 'string' || releases.some(({ id }) => id === given.release)) continue;
    const named = await rows.findRelease(view.tx, given.release as ReleaseId);
    if (named?.service === service) releases.push(named);
  }
  return releases;
}

async function loadPassed(view: View, service: string, revisions: ReadonlyMap<number, ServiceSpec>): Promise<Passed[]> {
  const actions = [...revisions.values()].flatMap(({ pipeline }) => pipeline.actions);
  const environments = new Set(actions.flatMap((one) => (one.type === 'deploy' ? [one.environment] : [])));
  const names = new Set(actions.filter(({ type }) => type !== 'deploy').map((one) => one.name));
  const found: (Passed | undefined)[] = [];
  for (const environment of environments) found.push(await rows.findHolder(view.tx, service, environment));
  for (const action of names) found.push(await rows.findNewestPassed(view.tx, service, action));
  return found.filter((passed) => passed !== undefined);
}

async function loadRollouts(view: View, ids: readonly RolloutId[]): Promise<Map<RolloutId, Rollout>> {
  const found = new Map<RolloutId, Rollout>();
  for (const id of new Set(ids)) {
    const rollout = await rolloutRows.findRollout(view.tx, id);
    if (rollout === undefined) continue;
    found.set(id, rollout);
    // Those of other jobs that the same run made.
    const others = membersOf(rollout).filter((other) => other !== id);
    for (const other of await rolloutRows.listRolloutsOf(view.tx, others)) found.set(other.id, other);
  }
  return found;
}

/**
 * Releases that a rollback's hold does not concern: none of the commits that were rolled back is in them unfixed,
 * told apart exactly as a mark tells carriers.
 */
async function loadFreeOfHold(
  view: View,
  graphs: CommitGraphs,
  service: ServiceFacts,
  holds: readonly DeployHold[],
  releases: readonly ReleaseFacts[],
): Promise<Map<EnvironmentName, Set<ReleaseId>>> {
  const free = new Map<EnvironmentName, Set<ReleaseId>>();
  if (holds.length === 0) return free;
  const graph = await blameRows.loadGraph(view.tx, graphs, service.repository);
  const speaking = await blameRows.listSpeakingCommits(view.tx, service.repository);
  for (const { environment, from, to } of holds) {
    const [bad, good] = [from && (await rows.findVersion(view.tx, from)), to && (await rows.findVersion(view.tx, to))];
    if (!bad || !good) continue;
    const candidates = candidatesOf(graph, bad.commit, [good.commit]);
    const fixes = fixesByTrailer(graph, { id: 'mark_hold', candidates, seenIn: bad.commit }, speaking);
    const test = markTest(graph, { candidates, fixes, targets: [service.name] }, echoesIn(graph, speaking));
    const passing = releases.filter(({ id, commit }) => {
      return !carries(graph, test, { id: `v_${id}`, service: service.name, commit });
    });
    free.set(environment, new Set(passing.map(({ id }) => id)));
  }
  return free;
}

/** Packages of builds that the live releases are about to make and that were made before. */
async function loadCache(
  view: View,
  releases: readonly ReleaseFacts[],
  revisions: ReadonlyMap<number, ServiceSpec>,
): Promise<Map<string, ArtifactRevision>> {
  const keys = new Set<string>();
  for (const { source, version, pipelineRevision } of releases) {
    if (source.kind !== 'ready' || version !== undefined) continue;
    for (const action of revisions.get(pipelineRevision)?.pipeline.actions ?? [])
      if (action.type === 'build' && action.inputs.length === 0) keys.add(buildKey(action, source.source.tree, {}));
  }
  const found = await rows.findCachedBuilds(view.tx, [...keys]);
  return new Map(found.map(({ key, digest, sizeBytes }) => [key, { kind: 'package', digest, sizeBytes }]));
}

/** What is deployed where some live release is to be measured beside it. Of several jobs, the first that has anything. */
async function loadBaselines(
  view: View,
  service: string,
  revisions: ReadonlyMap<number, ServiceSpec>,
): Promise<Map<EnvironmentName, Digest>> {
  const actions = [...revisions.values()].flatMap(({ pipeline }) => pipeline.actions);
  const asked = new Set(actions.flatMap((one) => (one.type === 'perf-test' ? [one.environment] : [])));
  const found = new Map<EnvironmentName, Digest>();
  if (asked.size === 0) return found;
  for (const { environment, goodVersions } of await rolloutRows.listJobsOfService(view.tx, service)) {
    const [good] = goodVersions;
    if (good === undefined || !asked.has(environment) || found.has(environment)) continue;
    const version = await rows.findVersion(view.tx, good);
    if (version !== undefined) found.set(environment, version.package);
  }
  return found;
}

/** Whether an action that runs on a host has not succeeded yet: only then hosts are compared. */
function startsSomething(
  releases: readonly ReleaseFacts[],
  runs: readonly Run[],
  revisions: ReadonlyMap<number, ServiceSpec>,
): boolean {
  return releases.some(({ id, pipelineRevision }) =>
    (revisions.get(pipelineRevision)?.pipeline.actions ?? []).some(
      ({ name, type }) =>
        type !== 'deploy' &&
        type !== 'bake' &&
        !runs.some((run) => run.release === id && run.action === name && run.state === 'succeeded'),
    ),
  );
}

/** How busy each is, is counted only when something may be started on one. */
async function loadHosts(view: View, areCompared: boolean): Promise<ActionHost[]> {
  const memory = await fleetRows.loadWatchMemory(view.tx);
  const hosts = await fleetRows.listHosts(view.tx);
  const claims = areCompared ? await fleetRows.countPlacements(view.tx) : undefined;
  const running = areCompared ? await rows.countRunsByHost(view.tx) : undefined;
  // Builds and actions run through agents alone.
  const own = hosts.filter(({ driver }) => isSameDriver(driver, fleetDriver));
  return own.map((host) => ({
    id: host.id,
    canWork: host.state === 'up' && !isSilent(memory, host.id) && host.freeDiskRatio >= leastFreeDisk,
    isGone: !memory.massSilence && (host.state === 'lost' || host.state === 'fenced'),
    runningActions: running?.get(host.id) ?? 0,
    runningTasks: claims?.get(host.id) ?? 0,
  }));
}

/** Among so many the last deployment is looked for. */
const lastRollouts = 50;

/** What each job of an environment can go back to. */
export async function loadChoices(
  view: View,
  service: string,
  environment: EnvironmentName,
): Promise<RollbackChoices[]> {
  const found: RollbackChoices[] = [];
  for (const job of await rolloutRows.listJobsOfService(view.tx, service)) {
    if (job.environment !== environment) continue;
    const live = (await rolloutRows.listLiveRollouts(view.tx, job.id)).findLast(
      (rollout) => rollout.startedAtMs !== undefined,
    );
    const marked: ReadonlySet<VersionId> = new Set((await blameRows.carriersAmong(view.tx, job.goodVersions)).keys());
    const last = (await rolloutRows.listRollouts(view.tx, job.id, lastRollouts)).find(({ kind }) => kind === 'deploy');
    const current = live?.to ?? job.goodVersions[0];
    found.push({ job: job.id, current, good: job.goodVersions, strategy: last?.plan.strategy, marked });
  }
  return found;
}

/** Why a live release is where it is, for people: each wait with its unblocker. Reads only. */
export async function readWaits(
  tx: Tx,
  world: Pick<PipelineWorld, 'graphs' | 'hasRoom'>,
  id: ReleaseId,
  nowMs: number,
): Promise<AnyWait[]> {
  const release = await rows.findRelease(tx, id);
  if (release === undefined || release.endedAtMs !== undefined) return [];
  const loaded = await loadPipeline({ tx, guard: async () => 0 }, world, release.service);
  if (loaded === undefined) return [];
  const nobody = () => {
    throw new Error('an explanation makes nothing');
  };
  const draft = openDraft(loaded.state, nowMs, { run: nobody, rollout: nobody });
  return listWaits(draft, draft.releases.get(id) ?? release);
}
