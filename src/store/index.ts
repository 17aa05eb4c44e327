/**
 * The database: schema, migrations, SQLite (embedded, default) and PostgreSQL. The only place that knows which one it is.
 * Everything else sees `Tx`: a Kysely instance bound to the open transaction (or to a reader).
 *
 * An area keeps the types of its tables in `tables/<area>.ts`, their DDL in `migrations/<area>.ts`, and all its SQL in
 * its own `rows.ts`. Statements that run with every turn are compiled once with `prepare`.
 */
export { addSerialKey, dialectOf, keptInKey } from './dialect.ts';
export { takeFileLock } from './file-lock.ts';
export { type Migration, migrations } from './migrations.ts';
export { openStore } from './open.ts';
export { byLength, byLimit, padded, prepare, prepareChange } from './prepare.ts';
export type { Schema, Tx } from './schema.ts';
export type { Store, StoreOptions } from './store.ts';
