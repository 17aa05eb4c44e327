import type { Selectable } from 'kysely';
import { noLimits } from '../disruption/index.ts';
import { parseKept } from '../kit/index.ts';
import {
  type AssignmentRow,
  isWatched,
  type JobId,
  type MaintenanceAnswer,
  type Rollout,
  type RolloutId,
  type ServiceName,
  type Traffic,
  type VersionId,
} from '../model/index.ts';
import { prepare, prepareChange, type Schema, type Tx } from '../store/index.ts';
import type { JobFacts, JobWish } from './facts.ts';

// ---------------------------------------------------------------- jobs

/**
 * Makes the job, or brings what its owner wants (size, budget, environment, labels) up to date; size, good versions
 * and all that is in force stay as they are until `job/decide`, which must be enqueued.
 */
export async function ensureJob(tx: Tx, wish: JobWish, nowMs: number): Promise<void> {
  const wanted = {
    wanted_size: wish.wantedSize,
    budget: JSON.stringify(wish.budget),
    limits: JSON.stringify(wish.limits),
    env: JSON.stringify(wish.env),
    host_labels: JSON.stringify(wish.hostLabels),
    driver: wish.driver,
    driver_settings: wish.driverSettings === undefined ? null : JSON.stringify(wish.driverSettings),
    task_control: wish.taskControl === undefined ? null : JSON.stringify(wish.taskControl),
    on_maintenance: wish.onMaintenance ?? null,
  };
  const { id, service, environment } = wish;
  await tx
    .insertInto('job')
    .values({
      id,
      service,
      environment,
      ...wanted,
      size: wish.wantedSize,
      resizing_from: null,
      good_versions: '[]',
      traffic: null,
      created_at_ms: nowMs,
    })
    .onConflict((on) => on.column('id').doUpdateSet(wanted))
    .execute();
}

const selectJob = prepare<{ id: string }, Selectable<Schema['job']>>((db, p) =>
  db.selectFrom('job').selectAll().where('id', '=', p.id),
);

export async function findJob(tx: Tx, id: JobId): Promise<JobFacts | undefined> {
  const [row] = await selectJob(tx, { id });
  return row && jobOf(row);
}

const selectTraffic = prepare<{ id: string }, { traffic: string | null }>((db, p) =>
  db.selectFrom('job').select('traffic').where('id', '=', p.id),
);

/** Which tasks clients are told of; undefined: all. */
export async function findTraffic(tx: Tx, id: JobId): Promise<Traffic | undefined> {
  const [row] = await selectTraffic(tx, { id });
  return row?.traffic == null ? undefined : JSON.parse(row.traffic);
}

export async function loadJob(tx: Tx, id: JobId): Promise<JobFacts> {
  return jobOf(await tx.selectFrom('job').selectAll().where('id', '=', id).executeTakeFirstOrThrow());
}

export async function listJobs(tx: Tx): Promise<JobFacts[]> {
  return (await tx.selectFrom('job').selectAll().orderBy('id').execute()).map(jobOf);
}

export async function listJobsOfService(tx: Tx, service: ServiceName): Promise<JobFacts[]> {
  const rows = await tx.selectFrom('job').selectAll().where('service', '=', service).orderBy('id').execute();
  return rows.map(jobOf);
}

/** What its owner wants, until the next deployment says it again; `job/decide` must be enqueued. */
export async function setWantedSize(tx: Tx, id: JobId, size: number): Promise<void> {
  await tx.updateTable('job').set({ wanted_size: size }).where('id', '=', id).execute();
}

/** What is in force; only `job/decide` writes it. */
export async function updateJobInForce(
  tx: Tx,
  job: Pick<JobFacts, 'id' | 'size' | 'resizingFrom' | 'goodVersions' | 'traffic'>,
): Promise<void> {
  await tx
    .updateTable('job')
    .set({
      size: job.size,
      resizing_from: job.resizingFrom ?? null,
      good_versions: JSON.stringify(job.goodVersions),
      traffic: job.traffic === undefined ? null : JSON.stringify(job.traffic),
    })
    .where('id', '=', job.id)
    .execute();
}

// ---------------------------------------------------------------- assignment

const selectAssignment = prepare<{ job: string }, Selectable<Schema['assignment']>>((db, p) =>
  db.selectFrom('assignment').selectAll().where('job', '=', p.job).orderBy('task_index'),
);

export async function listAssignment(tx: Tx, job: JobId): Promise<AssignmentRow[]> {
  return (await selectAssignment(tx, { job })).map(assignmentOf);
}

const upsertAssignment = prepareChange<Selectable<Schema['assignment']>>((db, p) => {
  const values = { version: p.version, rollout: p.rollout, last_good: p.last_good, renew_above: p.renew_above };
  return db
    .insertInto('assignment')
    .values({ job: p.job, task_index: p.task_index, ...values })
    .onConflict((on) => on.columns(['job', 'task_index']).doUpdateSet(values));
});

export async function saveAssignment(tx: Tx, row: AssignmentRow): Promise<void> {
  const { job, index, version = null, rollout = null, lastGood = null, renewAbove = null } = row;
  await upsertAssignment(tx, {
    job,
    task_index: index,
    version,
    rollout,
    last_good: lastGood,
    renew_above: renewAbove,
  });
}

export async function deleteAssignment(tx: Tx, job: JobId, index: number): Promise<void> {
  await tx.deleteFrom('assignment').where('job', '=', job).where('task_index', '=', index).execute();
}

/** Versions that some index is assigned, may be given back, or that a job counts as good: their packages are kept. */
export async function listVersionsInUse(tx: Tx): Promise<VersionId[]> {
  const rows = await tx.selectFrom('assignment').select(['version', 'last_good']).distinct().execute();
  const jobs = await tx.selectFrom('job').select('good_versions').execute();
  const rollouts = await tx.selectFrom('rollout').select('to_version').where('is_ended', '=', 0).execute();
  const ids = new Set<string>();
  for (const row of rows) for (const id of [row.version, row.last_good]) if (id !== null) ids.add(id);
  for (const row of jobs) for (const id of JSON.parse(row.good_versions) as string[]) ids.add(id);
  for (const row of rollouts) ids.add(row.to_version);
  return [...ids].sort() as VersionId[];
}

// ---------------------------------------------------------------- rollouts

/**
 * Stores a rollout made by `newRollout`, without a guard: it waits until `job/decide`, which must be enqueued in the
 * same proposal, takes it up. Once stored, only `job/decide` writes it.
 */
export async function insertRollout(tx: Tx, rollout: Rollout): Promise<void> {
  await tx.insertInto('rollout').values(rowOfRollout(rollout)).execute();
}

type RolloutChange = Pick<RolloutRow, 'id' | 'state' | 'is_ended' | 'is_watched' | 'ended_at_ms' | 'body'>;
const updateRollout = prepareChange<RolloutChange>((db, p) =>
  db
    .updateTable('rollout')
    .set({ state: p.state, is_ended: p.is_ended, is_watched: p.is_watched, ended_at_ms: p.ended_at_ms, body: p.body })
    .where('id', '=', p.id),
);

/** What a rollout is for never changes; its state does, and its body. */
export async function saveRollout(tx: Tx, rollout: Rollout): Promise<void> {
  await updateRollout(tx, rowOfRollout(rollout));
}

/** Of all jobs. */
export async function listLiveRolloutIds(tx: Tx): Promise<RolloutId[]> {
  const rows = await tx.selectFrom('rollout').select('id').where('is_ended', '=', 0).orderBy('id').execute();
  return rows.map((row) => row.id as RolloutId);
}

const selectRollout = prepare<{ id: string }, { body: string }>((db, p) =>
  db.selectFrom('rollout').select('body').where('id', '=', p.id),
);

export async function findRollout(tx: Tx, id: RolloutId): Promise<Rollout | undefined> {
  const [row] = await selectRollout(tx, { id });
  return row && rolloutOf(row.body);
}

/** Those of these ids that there are. */
export async function listRolloutsOf(tx: Tx, ids: readonly RolloutId[]): Promise<Rollout[]> {
  if (ids.length === 0) return [];
  const rows = await tx
    .selectFrom('rollout')
    .select('body')
    .where('id', 'in', [...ids])
    .orderBy('id')
    .execute();
  return rows.map((row) => rolloutOf(row.body));
}

const selectLive = prepare<{ job: string }, { body: string }>((db, p) =>
  db.selectFrom('rollout').select('body').where('job', '=', p.job).where('is_ended', '=', 0).orderBy('id'),
);

/** Rollouts of a job that have not ended, oldest first. */
export async function listLiveRollouts(tx: Tx, job: JobId): Promise<Rollout[]> {
  return (await selectLive(tx, { job })).map((row) => rolloutOf(row.body));
}

const selectWatched = prepare<{ job: string }, { body: string }>((db, p) =>
  db.selectFrom('rollout').select('body').where('job', '=', p.job).where('is_watched', '=', 1).orderBy('id'),
);

/** Rollouts of a job that have ended and are still watched, oldest first. */
export async function listWatchedRollouts(tx: Tx, job: JobId): Promise<Rollout[]> {
  return (await selectWatched(tx, { job })).map((row) => rolloutOf(row.body));
}

/** The newest rollouts of a job, ended ones too, newest first. */
export async function listRollouts(tx: Tx, job: JobId, limit: number): Promise<Rollout[]> {
  const rows = await tx
    .selectFrom('rollout')
    .select('body')
    .where('job', '=', job)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map((row) => rolloutOf(row.body));
}

// ---------------------------------------------------------------- rows ↔ facts

function jobOf(row: Selectable<Schema['job']>): JobFacts {
  return {
    id: row.id as JobId,
    service: row.service,
    environment: row.environment,
    wantedSize: row.wanted_size,
    budget: JSON.parse(row.budget),
    limits: row.limits === null ? noLimits : JSON.parse(row.limits),
    env: JSON.parse(row.env),
    hostLabels: JSON.parse(row.host_labels),
    driver: row.driver,
    driverSettings: row.driver_settings === null ? undefined : JSON.parse(row.driver_settings),
    taskControl: row.task_control === null ? undefined : JSON.parse(row.task_control),
    onMaintenance: (row.on_maintenance ?? undefined) as MaintenanceAnswer | undefined,
    size: row.size,
    resizingFrom: row.resizing_from ?? undefined,
    goodVersions: JSON.parse(row.good_versions),
    traffic: row.traffic === null ? undefined : JSON.parse(row.traffic),
    createdAtMs: row.created_at_ms,
  };
}

function assignmentOf(row: Selectable<Schema['assignment']>): AssignmentRow {
  return {
    job: row.job as JobId,
    index: row.task_index,
    version: (row.version ?? undefined) as VersionId | undefined,
    rollout: (row.rollout ?? undefined) as RolloutId | undefined,
    lastGood: (row.last_good ?? undefined) as VersionId | undefined,
    renewAbove: row.renew_above ?? undefined,
  };
}

const parseBody = parseKept(8_000_000);

/**
 * `undefined` members are absent in JSON: they are absent in what is read back, which reads the same. A rollout is read
 * by each decision and by each look of the judge, and changes in few of them.
 */
function rolloutOf(body: string): Rollout {
  return parseBody(body) as Rollout;
}

type RolloutRow = ReturnType<typeof rowOfRollout>;

function rowOfRollout(rollout: Rollout) {
  return {
    id: rollout.id,
    job: rollout.job,
    release: rollout.release ?? null,
    to_version: rollout.to,
    kind: rollout.kind,
    state: rollout.state,
    is_ended: rollout.endedAtMs === undefined ? 0 : 1,
    is_watched: isWatched(rollout) ? 1 : 0,
    created_at_ms: rollout.createdAtMs,
    ended_at_ms: rollout.endedAtMs ?? null,
    body: JSON.stringify(rollout),
  };
}
