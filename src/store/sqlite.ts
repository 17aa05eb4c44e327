import { DatabaseSync, type SQLInputValue, type StatementSync } from 'node:sqlite';
import {
  type CompiledQuery,
  type DatabaseConnection,
  type LimitNode,
  type QueryResult,
  SqliteAdapter,
  SqliteQueryCompiler,
  ValueNode,
} from 'kysely';
import { ProblemError, problem } from '../model/index.ts';
import type { Tx } from './schema.ts';
import { createWriter } from './sqlite-writer.ts';
import type { Store } from './store.ts';
import { bindTx, inside, type Language, outside } from './transaction.ts';
import { createTurnstile, type Turnstile } from './turnstile.ts';

export interface SqliteOptions {
  /** A file, or `:memory:`. */
  readonly path: string;
}

const busyTimeoutMs = 10_000;
/** Statements kept prepared per connection; the whole program has a few hundred. */
const statementsKept = 1000;

/** Opens a SQLite database: one connection writes, a second one (of a file) reads snapshots beside it. */
export function openSqlite({ path }: SqliteOptions): Store {
  const language: Language = { compiler: new PlainLimitCompiler(), adapter: new SqliteAdapter() };
  const isFile = path !== ':memory:';
  const writerDb = openDatabase(path, isFile);
  const readerDb = isFile ? openDatabase(path, isFile) : writerDb;
  const writerGate = createTurnstile();
  const readerGate = isFile ? createTurnstile() : writerGate;
  const writer = new SqliteConnection(writerDb);
  const write = createWriter(writerDb, writer, language, writerGate);
  const read = createReader(readerDb, isFile ? new SqliteConnection(readerDb) : writer, language, readerGate);
  return {
    kind: 'sqlite',
    transaction: <T>(work: (tx: Tx) => Promise<T>) =>
      outside(() => write((tx) => inside(() => work(tx)))) as Promise<T>,
    read: (work) => outside(() => read((tx) => inside(() => work(tx)))),
    close: async () => {
      for (const gate of new Set([writerGate, readerGate])) await gate.enter();
      for (const db of new Set([writerDb, readerDb])) db.close();
    },
  };
}

type Read = <T>(work: (tx: Tx) => Promise<T>) => Promise<T>;

/** Each `read` sees one snapshot, beside whatever is being written. */
function createReader(db: DatabaseSync, connection: SqliteConnection, language: Language, gate: Turnstile): Read {
  const begin = db.prepare('begin');
  const rollback = db.prepare('rollback');
  return async (work) => {
    await gate.enter();
    const { tx, end } = bindTx(language, connection);
    try {
      begin.run();
      return await work(tx);
    } finally {
      end();
      if (db.isTransaction) rollback.run();
      gate.leave();
    }
  };
}

function openDatabase(path: string, isFile: boolean): DatabaseSync {
  try {
    const db = new DatabaseSync(path, { timeout: busyTimeoutMs });
    // FULL: a commit that was answered survives a power cut, not only a killed process.
    if (isFile) db.exec('pragma journal_mode = wal; pragma synchronous = full; pragma wal_autocheckpoint = 4000');
    db.exec('pragma foreign_keys = on; pragma temp_store = memory; pragma cache_size = -65536');
    return db;
  } catch (cause) {
    throw new ProblemError(problem('server/data-folder', `The database ${path} cannot be opened.`, { path }), {
      cause,
    });
  }
}

/**
 * Writes `limit 20` instead of `limit ?`: SQLite plans a statement anew whenever the parameter of its limit is bound,
 * which takes longer than most statements take to run (measured: 4.3 µs instead of 1.3).
 */
class PlainLimitCompiler extends SqliteQueryCompiler {
  protected override visitLimit(node: LimitNode): void {
    if (ValueNode.is(node.limit) && typeof node.limit.value === 'number') {
      this.append(`limit ${Math.trunc(node.limit.value)}`);
    } else super.visitLimit(node);
  }
}

interface Prepared {
  readonly statement: StatementSync;
  /** Names of the columns it answers with; none: it only changes something. */
  readonly columns: readonly string[];
}

const noRows: never[] = [];

class SqliteConnection implements DatabaseConnection {
  readonly #db: DatabaseSync;
  readonly #prepared = new Map<string, Prepared>();

  constructor(db: DatabaseSync) {
    this.#db = db;
  }

  executeQuery<R>(query: CompiledQuery): Promise<QueryResult<R>> {
    try {
      const { statement, columns } = this.#prepare(query.sql);
      const parameters = query.parameters as SQLInputValue[];
      if (columns.length > 0) return Promise.resolve({ rows: rowsOf<R>(columns, statement.all(...parameters)) });
      const { changes } = statement.run(...parameters);
      return Promise.resolve({ numAffectedRows: BigInt(changes), rows: noRows });
    } catch (error) {
      return Promise.reject(withFacts(error, query));
    }
  }

  // biome-ignore lint/correctness/useYield: no caller streams; the interface asks for it
  async *streamQuery<R>(): AsyncIterableIterator<QueryResult<R>> {
    throw new Error('streaming is not supported; read in pages');
  }

  #prepare(sql: string): Prepared {
    const known = this.#prepared.get(sql);
    if (known !== undefined) return known;
    const statement = this.#db.prepare(sql);
    const prepared = { statement, columns: statement.columns().map(({ name }) => name) };
    if (prepared.columns.length > 0) statement.setReturnArrays(true);
    if (this.#prepared.size >= statementsKept) this.#prepared.clear();
    this.#prepared.set(sql, prepared);
    return prepared;
  }
}

/**
 * Objects made here share one shape; those that SQLite's binding makes are dictionaries, slow to make and to read
 * (measured: 12 rows of 14 columns, 19 µs against 10).
 */
function rowsOf<R>(columns: readonly string[], answers: readonly unknown[]): R[] {
  return (answers as readonly unknown[][]).map((values) => {
    const row: Record<string, unknown> = {};
    for (let at = 0; at < columns.length; at++) row[columns[at]!] = values[at];
    return row as R;
  });
}

function withFacts(error: unknown, query: CompiledQuery): unknown {
  if (!(error instanceof Error)) return error;
  return new Error(`${error.message} [${query.sql}]`, { cause: error });
}
