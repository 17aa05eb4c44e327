import type { Kysely } from 'kysely';

/** First schema of `judge/`, the same on SQLite and PostgreSQL. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('verdict')
    .addColumn('rollout', 'text', (c) => c.notNull())
    .addColumn('phase', 'integer', (c) => c.notNull())
    .addColumn('look_id', 'text', (c) => c.notNull())
    .addColumn('verdict', 'text', (c) => c.notNull())
    .addColumn('is_measured', 'integer', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('verdict_pk', ['rollout', 'look_id'])
    .execute();
  await db.schema.createIndex('verdict_phase').on('verdict').columns(['rollout', 'phase', 'at_ms']).execute();
  await db.schema
    .createTable('judge_memory')
    .addColumn('rollout', 'text', (c) => c.primaryKey())
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('memory', 'text', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .execute();
  await db.schema
    .createTable('age_curve')
    .addColumn('rollout', 'text', (c) => c.primaryKey())
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('ended_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('curve', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('age_curve_job').on('age_curve').columns(['job', 'ended_at_ms']).execute();
}
