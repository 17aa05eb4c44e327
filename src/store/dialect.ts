import { type CreateTableBuilder, type Kysely, PostgresAdapter, sql } from 'kysely';

/** Which database a transaction is on. Only for `rows.ts` and migrations, where a statement must differ. */
export function dialectOf(tx: Pick<Kysely<unknown>, 'getExecutor'>): 'sqlite' | 'postgres' {
  return tx.getExecutor().adapter instanceof PostgresAdapter ? 'postgres' : 'sqlite';
}

/**
 * A primary key that grows with every insert: the order of arrival (of inserts, not of commits). Never used again
 * after a delete.
 */
export function addSerialKey<T extends string, C extends string>(
  db: Kysely<unknown>,
  table: CreateTableBuilder<T, C>,
  column: string,
): CreateTableBuilder<T, C | string> {
  return dialectOf(db) === 'postgres'
    ? table.addColumn(column, sql`bigint generated always as identity`, (c) => c.primaryKey())
    : table.addColumn(column, 'integer', (c) => c.primaryKey().autoIncrement());
}

/**
 * Keeps a table's rows in its primary key instead of beside it: one page less to write with every change, and the key
 * is part of every index. For tables of small rows with a natural key. (PostgreSQL knows no such thing.)
 */
export function keptInKey<T extends string, C extends string>(
  db: Kysely<unknown>,
  table: CreateTableBuilder<T, C>,
): CreateTableBuilder<T, C> {
  return dialectOf(db) === 'postgres' ? table : table.modifyEnd(sql`without rowid`);
}
