import { type Kysely, sql } from 'kysely';

/** Counted by host for every action that starts: the runs that have not ended, however many have. */
export async function up(db: Kysely<unknown>): Promise<void> {
  const isLive = sql<boolean>`ended_at_ms is null`;
  await db.schema.createIndex('action_run_live').on('action_run').columns(['host']).where(isLive).execute();
}
