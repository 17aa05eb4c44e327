import type { Kysely } from 'kysely';

/** How often checks alarm on a service in which nothing changed: the newest answer per job. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('judge_calibration')
    .addColumn('job', 'text', (c) => c.primaryKey())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .execute();
}
