import type { Kysely } from 'kysely';

/** Claims are counted by host. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('placement_host').on('placement').columns(['host']).execute();
}
