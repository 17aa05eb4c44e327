import type { Kysely } from 'kysely';

/** First schema of `pipeline/`, the same on SQLite and PostgreSQL. */
export async function up(_db: Kysely<unknown>): Promise<void> {}
