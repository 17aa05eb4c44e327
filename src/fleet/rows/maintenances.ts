import type { Maintenance, MaintenanceId } from '../../model/index.ts';
import { prepare, type Tx } from '../../store/index.ts';

const selectOpen = prepare<object, { body: string }>((db) =>
  db.selectFrom('maintenance').select('body').where('is_ended', '=', 0).orderBy('id'),
);

/** Those that have not ended, oldest first. */
export async function listOpenMaintenances(tx: Tx): Promise<Maintenance[]> {
  return (await selectOpen(tx, {})).map(({ body }) => JSON.parse(body) as Maintenance);
}

/** Ended ones, newest first. */
export async function listEndedMaintenances(tx: Tx, limit: number): Promise<Maintenance[]> {
  const rows = await tx
    .selectFrom('maintenance')
    .select('body')
    .where('is_ended', '=', 1)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ body }) => JSON.parse(body) as Maintenance);
}

export async function findMaintenance(tx: Tx, id: MaintenanceId): Promise<Maintenance | undefined> {
  const row = await tx.selectFrom('maintenance').select('body').where('id', '=', id).executeTakeFirst();
  return row && (JSON.parse(row.body) as Maintenance);
}

export async function saveMaintenance(tx: Tx, maintenance: Maintenance): Promise<void> {
  const values = {
    is_ended: maintenance.endedAtMs === undefined ? 0 : 1,
    ended_at_ms: maintenance.endedAtMs ?? null,
    body: JSON.stringify(maintenance),
  };
  await tx
    .insertInto('maintenance')
    .values({ id: maintenance.id, ...values })
    .onConflict((on) => on.column('id').doUpdateSet(values))
    .execute();
}

/** Those that ended before this time. Returns how many. */
export async function deleteEndedMaintenances(tx: Tx, beforeMs: number): Promise<number> {
  const gone = tx.deleteFrom('maintenance').where('is_ended', '=', 1).where('ended_at_ms', '<', beforeMs);
  return Number((await gone.executeTakeFirst()).numDeletedRows);
}
