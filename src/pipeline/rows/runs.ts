import type { Selectable } from 'kysely';
import type { ActionRunId, EnvironmentName, HostId, ReleaseId, RolloutId, ServiceName } from '../../model/index.ts';
import type { Schema, Tx } from '../../store/index.ts';
import type { ActionReport, Passed, Run } from '../facts.ts';

// ---------------------------------------------------------------- runs

/** All runs of these releases, and live runs of the service whatever their release. */
export async function listRuns(tx: Tx, service: ServiceName, releases: readonly ReleaseId[]): Promise<Run[]> {
  const rows = await tx
    .selectFrom('action_run')
    .selectAll()
    .where('service', '=', service)
    .where((eb) =>
      releases.length === 0
        ? eb('ended_at_ms', 'is', null)
        : eb.or([eb('ended_at_ms', 'is', null), eb('release', 'in', [...releases])]),
    )
    .orderBy('created_at_ms')
    .orderBy('id')
    .execute();
  return rows.map(runOf);
}

export async function saveRun(tx: Tx, run: Run): Promise<void> {
  const values = rowOf(run);
  await tx
    .insertInto('action_run')
    .values(values)
    .onConflict((on) => on.column('id').doUpdateSet(values))
    .execute();
}

/** How many actions each host has running, over all services. */
export async function countRunsByHost(tx: Tx): Promise<Map<HostId, number>> {
  const rows = await tx
    .selectFrom('action_run')
    .select(['host', (eb) => eb.fn.countAll().as('n')])
    .where('ended_at_ms', 'is', null)
    .where('host', 'is not', null)
    .groupBy('host')
    .execute();
  return new Map(rows.map((row) => [row.host ?? '', Number(row.n)]));
}

/** Services that have something running on the host: whose pipelines care when it is lost. */
export async function listServicesWithRunsOn(tx: Tx, host: HostId): Promise<ServiceName[]> {
  const rows = await tx
    .selectFrom('action_run')
    .select('service')
    .distinct()
    .where('host', '=', host)
    .where('ended_at_ms', 'is', null)
    .execute();
  return rows.map(({ service }) => service);
}

const standing = ['r.id', 'r.position', 'r.created_at_ms', 'r.commit_id', 'r.subject'] as const;

/** Of each action the newest release that it let through. */
export async function findNewestPassed(tx: Tx, service: ServiceName, action: string): Promise<Passed | undefined> {
  const row = await tx
    .selectFrom('action_run as a')
    .innerJoin('release as r', 'r.id', 'a.release')
    .select(standing)
    .where('a.service', '=', service)
    .where('a.action', '=', action)
    .where('a.state', '=', 'succeeded')
    .orderBy('r.position', 'desc')
    .orderBy('r.created_at_ms', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && passedOf(action, undefined, row);
}

/** What a target holds: the release of the last deployment or rollback there that succeeded. */
export async function findHolder(
  tx: Tx,
  service: ServiceName,
  environment: EnvironmentName,
): Promise<Passed | undefined> {
  const row = await tx
    .selectFrom('action_run as a')
    .innerJoin('release as r', 'r.id', 'a.release')
    .select(standing)
    .where('a.service', '=', service)
    .where('a.environment', '=', environment)
    .where('a.state', '=', 'succeeded')
    .orderBy('a.created_at_ms', 'desc')
    .orderBy('a.id', 'desc')
    .limit(1)
    .executeTakeFirst();
  return row && passedOf('', environment, row);
}

function passedOf(
  action: string,
  environment: EnvironmentName | undefined,
  row: { id: string; position: number; created_at_ms: number; commit_id: string; subject: string },
): Passed {
  const release = {
    id: row.id as ReleaseId,
    position: Number(row.position),
    createdAtMs: Number(row.created_at_ms),
    commit: row.commit_id,
    subject: row.subject,
  };
  return { action, environment, release };
}

// ---------------------------------------------------------------- reports of agents

/**
 * Appends what an agent says of an action run to the inbox, without a guard; the same report twice is one row.
 * Gives the service whose `pipeline/decide` shall be enqueued in the same transaction; undefined: no such run, drop it.
 */
export async function appendActionReport(tx: Tx, report: ActionReport): Promise<ServiceName | undefined> {
  const run = await tx.selectFrom('action_run').select('service').where('id', '=', report.run).executeTakeFirst();
  if (!run) return undefined;
  await tx
    .insertInto('action_report')
    .values({
      run: report.run,
      state: report.state,
      host: report.host,
      payload: JSON.stringify(report),
      at_ms: report.atMs,
      is_folded: 0,
    })
    .onConflict((on) => on.columns(['run', 'state']).doNothing())
    .execute();
  return run.service;
}

/** Reports about runs of this service that no decision has seen. */
export async function listNewReports(tx: Tx, service: ServiceName): Promise<ActionReport[]> {
  const rows = await tx
    .selectFrom('action_report as p')
    .innerJoin('action_run as a', 'a.id', 'p.run')
    .select('p.payload')
    .where('p.is_folded', '=', 0)
    .where('a.service', '=', service)
    .orderBy('p.at_ms')
    .execute();
  return rows.map((row) => JSON.parse(row.payload) as ActionReport);
}

/** That they came is remembered, so that a repetition is no news; what they said is in the runs now. */
export async function endReports(tx: Tx, reports: readonly ActionReport[]): Promise<void> {
  for (const { run, state } of reports)
    await tx
      .updateTable('action_report')
      .set({ is_folded: 1, payload: '' })
      .where('run', '=', run)
      .where('state', '=', state)
      .execute();
}

/** Which service a run belongs to, and on which host it was ordered: whether that host may report and log for it. */
export async function findRunPlace(
  tx: Tx,
  run: ActionRunId,
): Promise<{ readonly service: ServiceName; readonly host: string | undefined } | undefined> {
  const row = await tx.selectFrom('action_run').select(['service', 'host']).where('id', '=', run).executeTakeFirst();
  return row && { service: row.service, host: row.host ?? undefined };
}

// ---------------------------------------------------------------- rows ↔ facts

function runOf(row: Selectable<Schema['action_run']>): Run {
  return {
    id: row.id as ActionRunId,
    release: row.release as ReleaseId,
    service: row.service,
    action: row.action,
    kind: row.kind,
    attempt: row.attempt,
    state: row.state as Run['state'],
    reason: row.reason ?? undefined,
    rollout: (row.rollout ?? undefined) as RolloutId | undefined,
    environment: row.environment ?? undefined,
    host: row.host ?? undefined,
    inputs: JSON.parse(row.inputs),
    outputs: JSON.parse(row.outputs),
    cacheKey: row.cache_key ?? undefined,
    isMachineFault: row.is_machine_fault === 1,
    createdAtMs: Number(row.created_at_ms),
    startedAtMs: row.started_at_ms === null ? undefined : Number(row.started_at_ms),
    dueAtMs: row.due_at_ms === null ? undefined : Number(row.due_at_ms),
    endedAtMs: row.ended_at_ms === null ? undefined : Number(row.ended_at_ms),
  };
}

function rowOf(run: Run): Selectable<Schema['action_run']> {
  return {
    id: run.id,
    release: run.release,
    service: run.service,
    action: run.action,
    kind: run.kind,
    attempt: run.attempt,
    state: run.state,
    reason: run.reason ?? null,
    rollout: run.rollout ?? null,
    environment: run.environment ?? null,
    host: run.host ?? null,
    inputs: JSON.stringify(run.inputs),
    outputs: JSON.stringify(run.outputs),
    cache_key: run.cacheKey ?? null,
    is_machine_fault: run.isMachineFault ? 1 : 0,
    created_at_ms: run.createdAtMs,
    started_at_ms: run.startedAtMs ?? null,
    due_at_ms: run.dueAtMs ?? null,
    ended_at_ms: run.endedAtMs ?? null,
  };
}
