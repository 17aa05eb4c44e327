import type { Kysely } from 'kysely';

/** What people say of verdicts afterwards: true or false. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('verdict_label')
    .addColumn('rollout', 'text', (c) => c.primaryKey())
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('is_true', 'integer', (c) => c.notNull())
    .addColumn('actor', 'text', (c) => c.notNull())
    .addColumn('reason', 'text')
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('verdict_label_job').on('verdict_label').columns(['job', 'rollout']).execute();
}
