import type { Kysely } from 'kysely';

/** Tokens that hand in metrics speak for a job or a task. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('api_token').addColumn('scope', 'text').execute();
}
