import type { Kysely } from 'kysely';

/** TaskControl: who is asked for a job, the calls so far, and the inbox of what came of them. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('job').addColumn('task_control', 'text').execute();
  await db.schema
    .createTable('job_control')
    .addColumn('job', 'text', (c) => c.primaryKey())
    .addColumn('body', 'text', (c) => c.notNull())
    .addColumn('alarm', 'text')
    .execute();
  await db.schema
    .createTable('control_answer')
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('sequence', 'bigint', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('control_answer_pk', ['job', 'sequence', 'at_ms'])
    .execute();
}
