import { AsyncLocalStorage } from 'node:async_hooks';
import {
  type CompiledQuery,
  type DatabaseConnection,
  DefaultQueryExecutor,
  type Dialect,
  type DialectAdapter,
  type Driver,
  Kysely,
  type QueryCompiler,
  type QueryResult,
} from 'kysely';
import { assert } from '../model/index.ts';
import type { Schema, Tx } from './schema.ts';

/** What turns a query into this database's SQL; needs no connection. */
export interface Language {
  readonly compiler: QueryCompiler;
  readonly adapter: DialectAdapter;
}

/**
 * Sends every statement straight to one connection: whoever holds it has begun the transaction and will end it.
 * Kysely's own way takes a dozen promises more per statement, which an in-memory database notices.
 */
class BoundExecutor extends DefaultQueryExecutor {
  readonly #connection: DatabaseConnection;
  #isOpen = true;

  constructor(language: Language, connection: DatabaseConnection) {
    super(language.compiler, language.adapter, { provideConnection: (consumer) => consumer(connection) });
    this.#connection = connection;
  }

  override executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    // A statement that comes late (an await was forgotten) must not slip into the next transaction.
    assert(this.#isOpen, 'a statement after the end of its transaction', { sql: query.sql });
    return this.#connection.executeQuery<R>(query);
  }

  end(): void {
    this.#isOpen = false;
  }
}

// Kysely asks for these beside an executor, and uses them only to open connections of its own, which nobody does here.
const unused = { driver: {} as Driver, dialect: {} as Dialect };

/** A `Tx` that is good until `end()`. */
export function bindTx(language: Language, connection: DatabaseConnection): { tx: Tx; end(): void } {
  const executor = new BoundExecutor(language, connection);
  const tx = new Kysely<Schema>({ ...unused, config: unused, executor });
  return { tx, end: () => executor.end() };
}

const whether = new AsyncLocalStorage<true>();

/** Runs the inside of a transaction. */
export function inside<T>(work: () => Promise<T>): Promise<T> {
  return whether.run(true, work);
}

/** Opens a transaction; one inside another would wait for itself for ever, so it throws. */
export async function outside<T>(open: () => Promise<T>): Promise<T> {
  assert(whether.getStore() === undefined, 'a transaction was opened inside another one');
  return open();
}
