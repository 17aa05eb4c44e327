import type { Kysely } from 'kysely';

/** Maintenance: what a person announced, what an outage knows of it, and what each job wants done meanwhile. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('maintenance')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('is_ended', 'integer', (c) => c.notNull())
    .addColumn('ended_at_ms', 'bigint')
    .addColumn('body', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('maintenance_ended').on('maintenance').columns(['is_ended']).execute();
  await db.schema.alterTable('outage').addColumn('work', 'text').execute();
  await db.schema.alterTable('job').addColumn('on_maintenance', 'text').execute();
}
