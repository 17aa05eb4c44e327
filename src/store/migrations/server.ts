import type { Kysely } from 'kysely';

/** First schema of `server/`, the same on SQLite and PostgreSQL. */
export async function up(_db: Kysely<unknown>): Promise<void> {}
