import type { Kysely } from 'kysely';

/** A release whose change must not be undone by itself, and why. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('release').addColumn('forward_only', 'text').execute();
}
