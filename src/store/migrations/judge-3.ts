import type { Kysely } from 'kysely';

/** The level of each check over a whole job, step by step: what a watch after a rollout is held against. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('judge_history')
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('step_ms', 'bigint', (c) => c.notNull())
    .addColumn('from_ms', 'bigint', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('judge_history_pk', ['job', 'step_ms', 'from_ms'])
    .execute();
}
