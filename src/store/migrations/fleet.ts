import type { Kysely } from 'kysely';

/** First schema of `fleet/`, the same on SQLite and PostgreSQL. */
export async function up(_db: Kysely<unknown>): Promise<void> {}
