import type { Kysely } from 'kysely';

/** A restart or move wants an incarnation newer than this one. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('assignment').addColumn('renew_above', 'integer').execute();
}
