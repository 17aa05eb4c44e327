import type { Kysely } from 'kysely';

/** First schema of `rollout/`, the same on SQLite and PostgreSQL. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('job')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('service', 'text', (c) => c.notNull())
    .addColumn('environment', 'text', (c) => c.notNull())
    .addColumn('wanted_size', 'integer', (c) => c.notNull())
    .addColumn('budget', 'text', (c) => c.notNull())
    .addColumn('env', 'text', (c) => c.notNull())
    .addColumn('host_labels', 'text', (c) => c.notNull())
    .addColumn('driver', 'text', (c) => c.notNull())
    .addColumn('size', 'integer', (c) => c.notNull())
    .addColumn('resizing_from', 'integer')
    .addColumn('good_versions', 'text', (c) => c.notNull())
    .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('assignment')
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('task_index', 'integer', (c) => c.notNull())
    .addColumn('version', 'text')
    .addColumn('rollout', 'text')
    .addColumn('last_good', 'text')
    .addPrimaryKeyConstraint('assignment_pk', ['job', 'task_index'])
    .execute();
  await db.schema
    .createTable('rollout')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('release', 'text')
    .addColumn('to_version', 'text', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('is_ended', 'integer', (c) => c.notNull())
    .addColumn('created_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('ended_at_ms', 'bigint')
    .addColumn('body', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('rollout_job').on('rollout').columns(['job', 'is_ended']).execute();
  await db.schema.createIndex('rollout_release').on('rollout').columns(['release']).execute();
}
