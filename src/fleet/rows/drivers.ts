import type { DriverId, PluginSettings } from '../../model/index.ts';
import { partsOfDriver } from '../../model/index.ts';
import type { Tx } from '../../store/index.ts';

/** A driver that is a plug-in, for one job. */
export interface StoredDriver {
  readonly id: DriverId;
  readonly settings: PluginSettings;
  /** Its job has another driver now; it is kept until nothing is on its hosts any more. */
  readonly isRetired: boolean;
}

export async function listDrivers(tx: Tx): Promise<StoredDriver[]> {
  const rows = await tx.selectFrom('driver').selectAll().orderBy('id').execute();
  return rows.map(({ id, settings, is_retired }) => {
    return { id, settings: JSON.parse(settings) as PluginSettings, isRetired: is_retired === 1 };
  });
}

/** The job's driver, by its configuration; another plug-in that it had before is on its way out. */
export async function saveDriver(tx: Tx, id: DriverId, job: string, settings: PluginSettings = {}): Promise<void> {
  for (const other of await listDrivers(tx)) {
    if (other.id === id || partsOfDriver(other.id)?.job !== job) continue;
    await tx.updateTable('driver').set({ is_retired: 1 }).where('id', '=', other.id).execute();
  }
  if (partsOfDriver(id) === undefined) return;
  const row = { settings: JSON.stringify(settings), is_retired: 0 };
  await tx
    .insertInto('driver')
    .values({ id, ...row })
    .onConflict((on) => on.column('id').doUpdateSet(row))
    .execute();
}

export async function deleteDriver(tx: Tx, id: DriverId): Promise<void> {
  await tx.deleteFrom('driver').where('id', '=', id).execute();
}
