import { DatabaseSync, type StatementSync } from 'node:sqlite';

/** Room on the disk that can be given back when it is full; false: there was none. */
interface Reserve {
  giveBack(): boolean;
}

/** A document to be written, or (`value: undefined`) removed. */
export interface Change {
  readonly kind: string;
  readonly key: string;
  readonly value: unknown;
}

/**
 * What the agent must not forget, as documents in one small database of its own. `write` is one transaction and
 * durable when it returns (0.2 ms on a common disk), so that an acknowledgement may follow it at once.
 */
export class Rows {
  readonly #reserve: Reserve;
  readonly #database: DatabaseSync;
  readonly #put: StatementSync;
  readonly #delete: StatementSync;
  readonly #get: StatementSync;
  readonly #list: StatementSync;

  constructor(file: string, reserve: Reserve) {
    this.#reserve = reserve;
    this.#database = this.#withRoom(() => openDatabase(file));
    this.#put = this.#database.prepare(
      'INSERT INTO document (kind, key, json) VALUES (?, ?, ?) ON CONFLICT (kind, key) DO UPDATE SET json = excluded.json',
    );
    this.#delete = this.#database.prepare('DELETE FROM document WHERE kind = ? AND key = ?');
    this.#get = this.#database.prepare('SELECT json FROM document WHERE kind = ? AND key = ?');
    this.#list = this.#database.prepare('SELECT json FROM document WHERE kind = ? ORDER BY key');
  }

  /** All of it or nothing. When the disk is full, once more with the room that was kept aside. */
  write(changes: readonly Change[]): void {
    if (changes.length > 0) this.#withRoom(() => this.#writeOnce(changes));
  }

  #withRoom<T>(work: () => T): T {
    try {
      return work();
    } catch (cause) {
      if (!isOutOfRoom(cause) || !this.#reserve.giveBack()) throw cause;
      return work();
    }
  }

  #writeOnce(changes: readonly Change[]): void {
    this.#database.exec('BEGIN IMMEDIATE');
    try {
      for (const { kind, key, value } of changes) {
        if (value === undefined) this.#delete.run(kind, key);
        else this.#put.run(kind, key, JSON.stringify(value));
      }
      this.#database.exec('COMMIT');
    } catch (cause) {
      // A full disk may have ended the transaction already.
      if (this.#database.isTransaction) this.#database.exec('ROLLBACK');
      throw cause;
    }
  }

  find(kind: string, key: string): unknown {
    const row = this.#get.get(kind, key) as { json: string } | undefined;
    return row && JSON.parse(row.json);
  }

  list(kind: string): unknown[] {
    return (this.#list.all(kind) as { json: string }[]).map(({ json }) => JSON.parse(json));
  }

  close(): void {
    this.#database.close();
  }
}

function openDatabase(file: string): DatabaseSync {
  const database = new DatabaseSync(file);
  try {
    database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000;');
    database.exec(
      'CREATE TABLE IF NOT EXISTS document (kind TEXT NOT NULL, key TEXT NOT NULL, json TEXT NOT NULL, PRIMARY KEY (kind, key)) WITHOUT ROWID',
    );
    return database;
  } catch (cause) {
    database.close();
    throw cause;
  }
}

/** `SQLITE_FULL`, or `SQLITE_IOERR` of a file beside the database that could not grow. */
function isOutOfRoom(cause: unknown): boolean {
  const code = (cause as { errcode?: number }).errcode;
  return code !== undefined && ((code & 0xff) === 13 || (code & 0xff) === 10);
}
