import type { Kysely } from 'kysely';

/** With thousands of repositories each reading of one went through the services and releases of all. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema.createIndex('service_by_repository').on('service').columns(['repository', 'name']).execute();
  await db.schema
    .createIndex('release_unconfigured')
    .on('release')
    .columns(['repository', 'is_configured', 'ended_at_ms'])
    .execute();
}
