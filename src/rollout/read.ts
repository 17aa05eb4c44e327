import {
  type IncarnationFacts,
  isGone,
  type LedgerOperation,
  mayLive,
  type SharedLimits,
  type TaskFacts,
} from '../disruption/index.ts';
import { listOperationsOfRollout, listOutages, listTasks, loadOperations } from '../disruption/rows.ts';
import type {
  AssignmentRow,
  HostId,
  JobId,
  MaintenanceAnswer,
  Outage,
  Rollout,
  RolloutId,
  TaskIndex,
  VersionId,
} from '../model/index.ts';
import type { Tx } from '../store/index.ts';
import { type PastRelease, pastReleaseOf } from './backtest.ts';
import { membersOf } from './barrier.ts';
import { type Explanation, explainRollout } from './explain.ts';
import { maintainedSentence, underMaintenance } from './explain-maintenance.ts';
import type { JobFacts } from './facts.ts';
import { isRenewed, isRound } from './rounds.ts';
import {
  findJob,
  findRollout,
  listAssignment,
  listJobs,
  listLiveRollouts,
  listRollouts,
  listRolloutsOf,
  listVersionsInUse,
} from './rows.ts';
import { loadState } from './work/load.ts';

/** One dot on the screen. */
export interface TaskDot {
  readonly index: TaskIndex;
  readonly incarnation: number;
  readonly host: HostId | undefined;
  readonly version: VersionId | undefined;
  readonly assigned: VersionId | undefined;
  readonly state: string;
  /** Its newest folded report, whole. */
  readonly facts: IncarnationFacts | undefined;
  /** Since when it has been out; undefined while it serves or has never served. */
  readonly outSinceMs: number | undefined;
  /** `old`, `new` (of the running or newest rollout), `updating`, `failed`, `out` (not by us) or `absent`. */
  readonly look: 'old' | 'new' | 'updating' | 'failed' | 'out' | 'absent';
  /** Its phase in the rollout shown: 0 is the first; undefined when no phase has taken it. */
  readonly phase: number | undefined;
}

export interface JobScreen {
  readonly job: JobFacts;
  readonly tasks: readonly TaskFacts[];
  readonly dots: readonly TaskDot[];
  readonly operations: readonly LedgerOperation[];
  readonly outages: readonly Outage[];
}

export interface RolloutScreen extends JobScreen {
  readonly rollout: Rollout;
  /** Ended ones too, oldest first. */
  readonly history: readonly LedgerOperation[];
}

export async function readJob(tx: Tx, id: JobId, shown?: Rollout): Promise<JobScreen | undefined> {
  const job = await findJob(tx, id);
  if (job === undefined) return undefined;
  const tasks = await listTasks(tx, id);
  const operations = await loadOperations(tx, id);
  const assignment = new Map((await listAssignment(tx, id)).map((row) => [row.index, row]));
  const known = new Map(tasks.map((task) => [task.index, task]));
  const dots: TaskDot[] = [];
  for (let index = 0; index < job.size; index++) {
    const operation = operations.find((one) => one.index === index && one.admittedAtMs !== undefined);
    dots.push(dotOf(index, known.get(index), assignment.get(index), operation, shown));
  }
  for (const task of tasks)
    if (task.index >= job.size && !isGone(task))
      dots.push(dotOf(task.index, task, assignment.get(task.index), undefined, shown));
  return { job, tasks, dots, operations, outages: await listOutages(tx, id) };
}

export async function readRollout(tx: Tx, id: RolloutId): Promise<RolloutScreen | undefined> {
  const rollout = await findRollout(tx, id);
  if (rollout === undefined) return undefined;
  const screen = await readJob(tx, rollout.job, rollout);
  if (screen === undefined) return undefined;
  return { ...screen, rollout, history: await listOperationsOfRollout(tx, id) };
}

/** The rollouts of other jobs that go together with this one, ended ones too. */
export async function readOthers(tx: Tx, rollout: Rollout): Promise<ReadonlyMap<RolloutId, Rollout>> {
  const ids = membersOf(rollout).filter((id) => id !== rollout.id);
  return new Map((await listRolloutsOf(tx, ids)).map((one) => [one.id, one]));
}

/** Of each of these rollouts that is not alone: all that go together with it, those of earlier waves first. */
export async function readTogether(tx: Tx, ids: readonly RolloutId[]): Promise<Map<RolloutId, readonly RolloutId[]>> {
  const found = await listRolloutsOf(tx, [...new Set(ids)]);
  return new Map(found.flatMap((one) => (one.group === undefined ? [] : [[one.id, membersOf(one)] as const])));
}

/** All jobs, with the rollout that each of them is busy with, if any. */
export async function readJobs(tx: Tx): Promise<{ readonly job: JobFacts; readonly live: readonly Rollout[] }[]> {
  const screens: { job: JobFacts; live: Rollout[] }[] = [];
  for (const job of await listJobs(tx)) screens.push({ job, live: await listLiveRollouts(tx, job.id) });
  return screens;
}

/** What the newest releases of a job showed, newest first: what another plan is tried on. */
export async function readPastReleases(tx: Tx, job: JobId, limit: number): Promise<PastRelease[]> {
  const found: PastRelease[] = [];
  for (const rollout of await listRollouts(tx, job, limit)) {
    if (rollout.endedAtMs === undefined) continue;
    const past = pastReleaseOf(rollout, await listOperationsOfRollout(tx, rollout.id));
    if (past !== undefined) found.push(past);
  }
  return found;
}

export interface RolloutFilter {
  readonly service?: string | undefined;
  readonly environment?: string | undefined;
  /** Only rollouts before this one: the last of the page before. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Rollouts of all jobs, newest first. */
export async function readRollouts(tx: Tx, filter: RolloutFilter): Promise<Rollout[]> {
  let query = tx.selectFrom('rollout').innerJoin('job', 'job.id', 'rollout.job').select('rollout.body');
  if (filter.service !== undefined) query = query.where('job.service', '=', filter.service);
  if (filter.environment !== undefined) query = query.where('job.environment', '=', filter.environment);
  if (filter.before !== undefined) query = query.where('rollout.id', '<', filter.before);
  const rows = await query.orderBy('rollout.id', 'desc').limit(filter.limit).execute();
  return rows.map((row) => JSON.parse(row.body) as Rollout);
}

/** Versions that some index is assigned or may be given back, or that a job counts as good. */
export async function readVersionsInUse(tx: Tx): Promise<VersionId[]> {
  return listVersionsInUse(tx);
}

/** Why a live rollout is not moving at this moment, and what will move it; undefined: it has ended, or is none. */
export async function readExplanation(
  tx: Tx,
  id: RolloutId,
  nowMs: number,
  limits?: SharedLimits,
): Promise<Explanation | undefined> {
  const rollout = await findRollout(tx, id);
  if (rollout === undefined || rollout.endedAtMs !== undefined) return undefined;
  // Nothing is committed from here, so no guard is compared.
  const state = await loadState({ tx, guard: async () => 0 }, rollout.job, limits);
  return state && explainRollout(state, rollout, nowMs);
}

/** The newest rollouts of a job, ended ones too, newest first. */
export async function readRolloutsOfJob(tx: Tx, job: JobId, limit: number): Promise<Rollout[]> {
  return listRollouts(tx, job, limit);
}

/** A rollout alone. */
export async function findRolloutFacts(tx: Tx, id: RolloutId): Promise<Rollout | undefined> {
  return findRollout(tx, id);
}

/** It runs what the rollout brings: the new version, or in a round a new incarnation. */
function isDoneBy(shown: Rollout, row: AssignmentRow | undefined, task: TaskFacts | undefined): boolean {
  if (!isRound(shown)) return task?.current?.version === shown.to;
  return row?.rollout === shown.id && row.renewAbove !== undefined && isRenewed(row, task);
}

function dotOf(
  index: TaskIndex,
  task: TaskFacts | undefined,
  row: AssignmentRow | undefined,
  operation: LedgerOperation | undefined,
  shown: Rollout | undefined,
): TaskDot {
  const current = task?.current;
  const isNew = shown !== undefined && isDoneBy(shown, row, task);
  const look = (): TaskDot['look'] => {
    if (operation !== undefined) return 'updating';
    if (current === undefined) return 'absent';
    if (current.state === 'failed' || current.state === 'crash-looping') return 'failed';
    if (current.state !== 'serving') return 'out';
    return isNew ? 'new' : 'old';
  };
  const phase = shown?.phases.findIndex((one) => one.members.includes(index));
  return {
    index,
    incarnation: current?.incarnation ?? 0,
    host: current?.host ?? operation?.host,
    version: current?.version,
    assigned: row?.version,
    state: current?.state ?? 'absent',
    facts: current,
    outSinceMs: task?.outSinceMs,
    look: look(),
    phase: phase === -1 ? undefined : phase,
  };
}

/** A task that is on one of these hosts: what becomes of it there. */
export interface MaintainedTask {
  readonly index: TaskIndex;
  readonly host: HostId;
  readonly state: string;
  /** It has a process, or may have: its host is silent. */
  readonly mayLive: boolean;
  /** Undefined: the maintenance has not begun. */
  readonly answer: MaintenanceAnswer | undefined;
  readonly sentence: string;
}

export async function readTasksOnHosts(
  tx: Tx,
  id: JobId,
  hosts: ReadonlySet<HostId>,
  nowMs: number,
  limits?: SharedLimits,
): Promise<MaintainedTask[]> {
  const state = await loadState({ tx, guard: async () => 0 }, id, limits);
  if (state === undefined) return [];
  const states = new Map(state.inventory.hosts.map((host) => [host.id, host.state]));
  return [...state.tasks.values()].flatMap(({ index, current }): MaintainedTask[] => {
    if (current === undefined || !hosts.has(current.host)) return [];
    const maintained = underMaintenance(state, index, nowMs);
    const sentence = maintained && maintainedSentence(state, maintained, nowMs);
    const lives = mayLive(current, (host) => states.get(host) ?? 'fenced');
    const facts = { index, host: current.host, state: current.state, mayLive: lives };
    return [{ ...facts, answer: maintained?.answer, sentence: sentence ?? 'It goes on as before until then.' }];
  });
}
