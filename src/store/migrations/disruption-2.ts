import type { Kysely } from 'kysely';

/** Rates across jobs: one row per limit, taken by a conditional UPDATE; and what limits a job beside its budget. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('rate_bucket')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('revision', 'bigint', (c) => c.notNull())
    .addColumn('taken_at_ms', 'text', (c) => c.notNull())
    .execute();
  await db.schema.alterTable('job').addColumn('limits', 'text').execute();
}
