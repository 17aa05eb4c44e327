import type { Kysely } from 'kysely';

/** First schema of `disruption/`, the same on SQLite and PostgreSQL. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await createTasks(db);
  await createOperations(db);
  await db.schema
    .createTable('outage')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('cause', 'text', (c) => c.notNull())
    .addColumn('job', 'text')
    .addColumn('task_index', 'integer')
    .addColumn('host', 'text')
    .addColumn('operation', 'text')
    .addColumn('starts_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('deadline_at_ms', 'bigint')
    .addColumn('ended_at_ms', 'bigint')
    .execute();
  await db.schema.createIndex('outage_job').on('outage').columns(['job', 'ended_at_ms']).execute();
  await db.schema.createIndex('outage_host').on('outage').columns(['host', 'ended_at_ms']).execute();
}

async function createTasks(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('task')
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('task_index', 'integer', (c) => c.notNull())
    .addColumn('highest_incarnation', 'integer', (c) => c.notNull())
    .addColumn('served_once', 'integer', (c) => c.notNull())
    .addColumn('out_since_ms', 'bigint')
    .addColumn('failed_tries', 'integer', (c) => c.notNull())
    .addColumn('not_before_ms', 'bigint', (c) => c.notNull())
    .addColumn('failed_on', 'text')
    .addColumn('incarnation', 'integer')
    .addColumn('host', 'text')
    .addColumn('version', 'text')
    .addColumn('state', 'text')
    .addColumn('facts', 'text')
    .addColumn('others', 'text')
    .addPrimaryKeyConstraint('task_pk', ['job', 'task_index'])
    .execute();
  await db.schema.createIndex('task_host').on('task').columns(['host']).execute();
  await db.schema
    .createTable('task_report')
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('task_index', 'integer', (c) => c.notNull())
    .addColumn('incarnation', 'integer', (c) => c.notNull())
    .addColumn('host', 'text', (c) => c.notNull())
    .addColumn('sequence', 'bigint', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('task_report_pk', ['job', 'task_index', 'incarnation', 'host', 'sequence', 'at_ms'])
    .execute();
}

async function createOperations(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('operation')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('task_index', 'integer', (c) => c.notNull())
    .addColumn('kind', 'text', (c) => c.notNull())
    .addColumn('incarnation', 'integer', (c) => c.notNull())
    .addColumn('next_incarnation', 'integer', (c) => c.notNull())
    .addColumn('from_version', 'text')
    .addColumn('to_version', 'text')
    .addColumn('host', 'text')
    .addColumn('rollout', 'text')
    .addColumn('phase', 'integer')
    .addColumn('reason', 'text', (c) => c.notNull())
    .addColumn('state', 'text', (c) => c.notNull())
    .addColumn('blocked_by', 'text')
    .addColumn('still_out', 'integer')
    .addColumn('epoch', 'bigint')
    .addColumn('deadline_at_ms', 'bigint')
    .addColumn('proposed_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('admitted_at_ms', 'bigint')
    .addColumn('ended_at_ms', 'bigint')
    .addColumn('is_ended', 'integer', (c) => c.notNull())
    .addColumn('facts', 'text', (c) => c.notNull())
    .execute();
  await db.schema.createIndex('operation_job').on('operation').columns(['job', 'is_ended']).execute();
  await db.schema.createIndex('operation_rollout').on('operation').columns(['rollout']).execute();
  await db.schema
    .createTable('operation_answer')
    .addColumn('operation', 'text', (c) => c.notNull())
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('answer', 'text', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addPrimaryKeyConstraint('operation_answer_pk', ['operation', 'answer'])
    .execute();
  await db.schema.createIndex('operation_answer_job').on('operation_answer').columns(['job']).execute();
}
