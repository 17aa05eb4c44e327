import {
  type CompiledQuery,
  type DatabaseConnection,
  PostgresAdapter,
  PostgresQueryCompiler,
  type QueryResult,
} from 'kysely';
import pg from 'pg';
import { assert } from '../model/index.ts';
import type { Tx } from './schema.ts';
import type { Store } from './store.ts';
import { bindTx, inside, type Language, outside } from './transaction.ts';

export interface PostgresOptions {
  readonly url: string;
  /** Transactions at a time. Default 10. */
  readonly connections?: number;
}

const int8 = 20;
const numeric = 1700;

/** Opens a PostgreSQL database: a pool of connections, a transaction on each at a time. */
export function openPostgres({ url, connections = 10 }: PostgresOptions): Store {
  const language: Language = { compiler: new PostgresQueryCompiler(), adapter: new PostgresAdapter() };
  const pool = new pg.Pool({
    connectionString: url,
    max: connections,
    application_name: 'rollway',
    types: { getTypeParser: parserOf },
  });
  // An idle connection that breaks is replaced by the next use; without a listener it would end the process.
  pool.on('error', () => {});
  const names = new Map<string, string>();

  async function write<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    try {
      const result = await runBound(client, 'begin isolation level read committed', work);
      const { command } = await client.query('commit');
      // A statement failed and the failure was swallowed: PostgreSQL answers a commit with a rollback.
      assert(command === 'COMMIT', 'a transaction went on after a statement had failed');
      client.release();
      return result;
    } catch (error) {
      await giveUp(client);
      throw error;
    }
  }

  async function read<T>(work: (tx: Tx) => Promise<T>): Promise<T> {
    const client = await pool.connect();
    try {
      const result = await runBound(client, 'begin isolation level repeatable read read only', work);
      // Nobody needs to wait for the end of a transaction that wrote nothing.
      client.query('commit').then(
        () => client.release(),
        (error: Error) => client.release(error),
      );
      return result;
    } catch (error) {
      await giveUp(client);
      throw error;
    }
  }

  async function runBound<T>(client: pg.PoolClient, begin: string, work: (tx: Tx) => Promise<T>): Promise<T> {
    // Sent, not awaited: the first statement queues behind it, which saves waiting for its answer.
    const begun = client.query(begin);
    begun.catch(() => {});
    const { tx, end } = bindTx(language, new PostgresConnection(client, names));
    try {
      const result = await inside(() => work(tx));
      await begun;
      return result;
    } finally {
      end();
    }
  }

  async function giveUp(client: pg.PoolClient): Promise<void> {
    await client.query('rollback').then(
      () => client.release(),
      (error: Error) => client.release(error),
    );
  }

  return {
    kind: 'postgres',
    transaction: (work) => outside(() => write(work)),
    read: (work) => outside(() => read(work)),
    close: () => pool.end(),
  };
}

/** Times in ms, revisions and counts are whole numbers far below 2⁵³; as strings they would compare wrongly. */
const parserOf = ((oid: number, format?: 'text' | 'binary') => {
  if (oid === int8 || oid === numeric) return Number;
  return pg.types.getTypeParser(oid, format as 'text');
}) as typeof pg.types.getTypeParser;

class PostgresConnection implements DatabaseConnection {
  readonly #client: pg.PoolClient;
  readonly #names: Map<string, string>;

  constructor(client: pg.PoolClient, names: Map<string, string>) {
    this.#client = client;
    this.#names = names;
  }

  async executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    const { rows, rowCount } = await this.#client.query({
      name: this.#nameOf(query),
      text: query.sql,
      values: query.parameters as unknown[],
    });
    return { rows: rows as R[], numAffectedRows: BigInt(rowCount ?? 0) };
  }

  // biome-ignore lint/correctness/useYield: no caller streams; the interface asks for it
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming is not supported; read in pages');
  }

  /** A named statement is parsed and planned once per connection. DDL and long one-off statements are not named. */
  #nameOf({ sql, query }: CompiledQuery): string | undefined {
    if (!namedKinds.has(query.kind) || sql.length > 4000) return undefined;
    let name = this.#names.get(sql);
    if (name === undefined && this.#names.size < 1000) {
      name = `s${this.#names.size}`;
      this.#names.set(sql, name);
    }
    return name;
  }
}

const namedKinds = new Set(['SelectQueryNode', 'InsertQueryNode', 'UpdateQueryNode', 'DeleteQueryNode']);
