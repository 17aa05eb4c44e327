import type { Kysely } from 'kysely';

/** Rollouts that have ended and are still watched for slow regressions. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('rollout')
    .addColumn('is_watched', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
  await db.schema.createIndex('rollout_watched').on('rollout').columns(['job', 'is_watched', 'id']).execute();
}
