/**
 * The database: schema, migrations, SQLite (embedded, default) and PostgreSQL. The only place that knows which one it is.
 * Everything else sees `Tx`: a Kysely instance bound to the open transaction (or to a reader).
 */
export type { Schema, Tx } from './schema.ts';
