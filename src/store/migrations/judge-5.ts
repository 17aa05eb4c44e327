import type { Kysely } from 'kysely';

/** Calibrations that begin by themselves: what each quiet time showed, and when the next one is. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .createTable('judge_calibration_run')
    .addColumn('job', 'text', (c) => c.notNull())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addColumn('from_ms', 'bigint', (c) => c.notNull())
    .addColumn('until_ms', 'bigint', (c) => c.notNull())
    .addColumn('settings', 'text', (c) => c.notNull())
    .addColumn('body', 'text', (c) => c.notNull())
    .addPrimaryKeyConstraint('judge_calibration_run_pk', ['job', 'at_ms'])
    .execute();
  await db.schema
    .createTable('judge_calibration_turn')
    .addColumn('job', 'text', (c) => c.primaryKey())
    .addColumn('at_ms', 'bigint', (c) => c.notNull())
    .addColumn('next_at_ms', 'bigint', (c) => c.notNull())
    .addColumn('refused', 'text')
    .execute();
}
