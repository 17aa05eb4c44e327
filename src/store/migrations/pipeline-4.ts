import type { Kysely } from 'kysely';

/** How long a release's rollouts hold after a phase, and what they do then. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.alterTable('release').addColumn('hold_for', 'text').execute();
}
