import type { Kysely } from 'kysely';

/** Hosts of drivers that are plug-ins, and what each such driver was told by its job's configuration. */
export async function up(db: Kysely<unknown>): Promise<void> {
  await db.schema
    .alterTable('host')
    .addColumn('driver', 'text', (c) => c.notNull().defaultTo('fleet'))
    .execute();
  await db.schema
    .createTable('driver')
    .addColumn('id', 'text', (c) => c.primaryKey())
    .addColumn('settings', 'text', (c) => c.notNull())
    .addColumn('is_retired', 'integer', (c) => c.notNull().defaultTo(0))
    .execute();
}
