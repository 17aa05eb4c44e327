import type { ActionRunId, ServiceName, Version, VersionId } from '../model/index.ts';
import type { Tx } from '../store/index.ts';
import type { ActionReport } from './facts.ts';

// ---------------------------------------------------------------- versions

export async function findVersion(tx: Tx, id: VersionId): Promise<Version | undefined> {
  return (await listVersions(tx, [id]))[0];
}

/** Those of the versions that exist, in no particular order. */
export async function listVersions(tx: Tx, ids: readonly VersionId[]): Promise<Version[]> {
  if (ids.length === 0) return [];
  const rows = await tx
    .selectFrom('version')
    .selectAll()
    .where('id', 'in', [...ids])
    .execute();
  return rows.map(toVersion);
}

/** Writing the same version again changes nothing. */
export async function insertVersion(tx: Tx, version: Version): Promise<void> {
  await tx
    .insertInto('version')
    .values({
      id: version.id,
      service: version.service,
      repository: version.repository,
      commit_id: version.commit,
      release: version.release ?? null,
      package: version.package,
      task: JSON.stringify(version.task),
      created_at_ms: version.createdAtMs,
    })
    .onConflict((on) => on.column('id').doNothing())
    .execute();
}

interface StoredVersion {
  id: string;
  service: string;
  repository: string;
  commit_id: string;
  release: string | null;
  package: string;
  task: string;
  created_at_ms: number;
}

function toVersion(row: StoredVersion): Version {
  return {
    id: row.id as VersionId,
    service: row.service,
    repository: row.repository,
    commit: row.commit_id,
    release: (row.release ?? undefined) as Version['release'],
    package: row.package,
    task: JSON.parse(row.task),
    createdAtMs: Number(row.created_at_ms),
  };
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

/** Which service a run belongs to, and on which host it was ordered: whether that host may report and log for it. */
export async function findRunPlace(
  tx: Tx,
  run: ActionRunId,
): Promise<{ readonly service: ServiceName; readonly host: string | undefined } | undefined> {
  const row = await tx.selectFrom('action_run').select(['service', 'host']).where('id', '=', run).executeTakeFirst();
  return row && { service: row.service, host: row.host ?? undefined };
}
