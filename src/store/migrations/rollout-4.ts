import type { Kysely } from 'kysely';

/** Which tasks of a job clients are told of while two sets stand beside each other; null: all. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('job').addColumn('traffic', 'text').execute();
}
