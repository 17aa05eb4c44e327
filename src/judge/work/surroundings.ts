import { listTasks } from '../../disruption/rows.ts';
import { listIllHosts } from '../../fleet/rows.ts';
import { type JobId, type JudgeSpec, partsOfJob, type Rollout, type Sample } from '../../model/index.ts';
import { findService, listRevisions } from '../../pipeline/rows.ts';
import { listJobsOfService, listRollouts } from '../../rollout/rows.ts';
import type { Tx } from '../../store/index.ts';
import { believable, declaredConfounders } from '../confounders.ts';
import { alphaBeside } from '../levels.ts';
import { judgeNeighbour } from '../neighbours.ts';
import type { Confounder, JudgeMemory, JudgePlan, NeighbourSeen } from '../port.ts';
import type { SampleStore } from '../samples.ts';

/** How far back a neighbour's own past is looked at, in bins. */
const pastBins = 120;
/** Episodes of tasks on ill hosts that are remembered in one rollout. */
const maxEpisodes = 500;

/** What is kept of the surroundings of a rollout between looks; plain JSON. */
interface SurroundingsMemory {
  readonly episodes: readonly Confounder[];
  readonly neighbours: Readonly<Record<string, JudgeMemory>>;
}

export interface Surroundings {
  readonly confounders: readonly Confounder[];
  readonly neighbours: readonly NeighbourSeen[];
  /** Causes that have lasted too long to be believed any more. */
  readonly lasting: readonly string[];
  readonly memory: SurroundingsMemory;
}

/** What happens around a rollout that its own tasks do not tell: hosts in trouble, third parties, callers and callees. */
export async function loadSurroundings(
  tx: Tx,
  rollout: Rollout,
  plan: JudgePlan,
  store: SampleStore,
  memory: JudgeMemory | undefined,
  nowMs: number,
): Promise<Surroundings> {
  const before = (memory?.state.surroundings ?? { episodes: [], neighbours: {} }) as SurroundingsMemory;
  const episodes = await followHosts(tx, rollout.job, before.episodes, nowMs);
  const third: Confounder[] = [];
  for (const one of plan.spec.confounders ?? []) {
    const jobs =
      one.service === null ? [rollout.job] : await jobsOf(tx, one.service, partsOfJob(rollout.job).environment);
    const fromMs = plan.phaseStartedAtMs - pastBins * plan.spec.binMs;
    const seen = samplesOf(store, jobs, fromMs, [one.metric]);
    const judged = { job: rollout.job, version: plan.newVersion };
    third.push(...declaredConfounders([one], seen, plan.spec.binMs, judged));
  }
  const { believed, lasting } = believable([...episodes, ...third], plan.phaseStartedAtMs, nowMs);
  const neighbours: NeighbourSeen[] = [];
  const memories: Record<string, JudgeMemory> = {};
  const asked = plan.spec.neighbours ?? [];
  for (const [place, neighbour] of asked.entries()) {
    // The same service may be named twice: in two environments, or with other checks and another trust.
    const isFirst = asked.findIndex(({ service }) => service === neighbour.service) === place;
    const key = isFirst ? neighbour.service : `${neighbour.service}/${place}`;
    const found = await lookAtNeighbour(tx, rollout, plan, store, neighbour, before.neighbours[key], nowMs);
    neighbours.push(found.seen);
    if (found.memory) memories[key] = found.memory;
  }
  return { confounders: believed, neighbours, lasting, memory: { episodes, neighbours: memories } };
}

/** Tasks of the job on hosts that are silent now, and those that were since the rollout began. */
async function followHosts(
  tx: Tx,
  job: JobId,
  known: readonly Confounder[],
  nowMs: number,
): Promise<readonly Confounder[]> {
  const hosts = await listIllHosts(tx);
  const now = new Map<string, Confounder>();
  for (const { index, current } of hosts.size === 0 ? [] : await listTasks(tx, job)) {
    const fromMs = current && hosts.get(current.host);
    if (fromMs === undefined) continue;
    const one = { what: `host ${current!.host}`, fromMs, toMs: undefined, indices: [index] };
    now.set(`${one.what}/${index}`, one);
  }
  const keyOf = ({ what, indices = [] }: Confounder) => `${what}/${indices[0]}`;
  // A task that was placed again elsewhere, or whose host came back, is itself again.
  const followed = known.map((one) => (one.toMs !== undefined || now.has(keyOf(one)) ? one : { ...one, toMs: nowMs }));
  const open = new Set(followed.filter(({ toMs }) => toMs === undefined).map(keyOf));
  return [...followed, ...[...now].flatMap(([key, one]) => (open.has(key) ? [] : [one]))].slice(-maxEpisodes);
}

async function lookAtNeighbour(
  tx: Tx,
  rollout: Rollout,
  plan: JudgePlan,
  store: SampleStore,
  { service, environment, checks, trust }: NonNullable<JudgeSpec['neighbours']>[number],
  memory: JudgeMemory | undefined,
  nowMs: number,
) {
  const jobs = await jobsOf(tx, service, environment ?? partsOfJob(rollout.job).environment);
  const revision = (await findService(tx, service))?.revision;
  const spec = revision === undefined ? undefined : (await listRevisions(tx, service, [revision])).get(revision)?.judge;
  const beganAtMs = rollout.startedAtMs ?? plan.phaseStartedAtMs;
  const request = {
    ...{ service, checks, trust, beganAtMs, about: plan },
    spec: spec ?? { checks: [], failShare: 0, alpha: plan.spec.alpha, binMs: plan.spec.binMs, warmupMs: 0 },
    alpha: alphaBeside(plan.spec).eachNeighbour,
    ownChange: await changeOf(tx, jobs, beganAtMs),
  };
  const fromMs = beganAtMs - pastBins * request.spec.binMs;
  return judgeNeighbour(request, samplesOf(store, jobs, fromMs), memory, nowMs);
}

/** A rollout of the neighbour's own that has touched it since. */
async function changeOf(tx: Tx, jobs: readonly JobId[], sinceMs: number): Promise<string | undefined> {
  for (const job of jobs) {
    const own = (await listRollouts(tx, job, 20)).find(
      ({ startedAtMs, endedAtMs }) => startedAtMs !== undefined && (endedAtMs ?? Number.POSITIVE_INFINITY) > sinceMs,
    );
    if (own) return own.id;
  }
  return undefined;
}

/** All jobs of a service in one environment. */
async function jobsOf(tx: Tx, service: string, environment: string): Promise<JobId[]> {
  const jobs = await listJobsOfService(tx, service);
  return jobs.map(({ id }) => id).filter((id) => partsOfJob(id).environment === environment);
}

/** Tasks of several jobs as if they were of one: their indices are kept apart. */
const jobStride = 1_000_000;

function samplesOf(store: SampleStore, jobs: readonly JobId[], fromMs: number, metrics?: readonly string[]): Sample[] {
  const toMs = store.closedUntilMs();
  return jobs.flatMap((job, place) => {
    const found = store.query({ job, fromMs, toMs, ...(metrics && { metrics }) });
    return place === 0 ? found : found.map((one) => ({ ...one, index: one.index + place * jobStride }));
  });
}
