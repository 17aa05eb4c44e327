import type { Kysely } from 'kysely';

/** What a job's driver is told, where it is a plug-in. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('job').addColumn('driver_settings', 'text').execute();
}
