import type { DatabaseSync } from 'node:sqlite';
import type { DatabaseConnection } from 'kysely';
import type { Tx } from './schema.ts';
import { bindTx, type Language } from './transaction.ts';
import type { Turnstile } from './turnstile.ts';

/** So that nobody waits long for the commit. */
const largestGroup = 64;

interface Member {
  readonly work: (tx: Tx) => Promise<unknown>;
  readonly resolve: (result: unknown) => void;
  readonly reject: (error: unknown) => void;
}

/**
 * Writes through one connection. Transactions that wait for each other anyway share a commit: each runs as a savepoint
 * of its own, so that one that throws leaves no trace and the others stand; and each is answered only when the commit
 * that holds it is on the disk. A commit costs as much as ten transactions, most of it the wait for the disk.
 */
export function createWriter(
  db: DatabaseSync,
  connection: DatabaseConnection,
  language: Language,
  turnstile: Turnstile,
): (work: (tx: Tx) => Promise<unknown>) => Promise<unknown> {
  const [begin, commit, rollback, open, close, undo] = [
    'begin immediate',
    'commit',
    'rollback',
    'savepoint one',
    'release one',
    'rollback to one',
  ].map((sql) => db.prepare(sql)) as StatementTuple;
  const waiting: Member[] = [];
  let isDriving = false;

  async function drive(): Promise<void> {
    isDriving = true;
    while (waiting.length > 0) {
      // Between groups, so that reads that share the connection have their turn.
      await turnstile.enter();
      try {
        await runGroup();
      } finally {
        turnstile.leave();
      }
    }
    isDriving = false;
  }

  async function runGroup(): Promise<void> {
    const done: (() => void)[] = [];
    const group: Member[] = [];
    try {
      begin.run();
      for (let member = waiting.shift(); member !== undefined; member = nextOf(group)) {
        group.push(member);
        const isAlone = group.length === 1 && waiting.length === 0;
        if (!isAlone) open.run();
        try {
          const result = await runBound(member.work);
          if (!isAlone) close.run();
          const { resolve } = member;
          done.push(() => resolve(result));
        } catch (error) {
          const { reject } = member;
          done.push(() => reject(error));
          if (isAlone) {
            rollback.run();
            break;
          }
          undo.run();
          close.run();
        }
      }
      if (db.isTransaction) commit.run();
    } catch (error) {
      // The database itself refused: nothing of this group stands.
      if (db.isTransaction) rollback.run();
      if (group.length === 0) waiting.shift()?.reject(error);
      for (const { reject } of group) reject(error);
      return;
    }
    for (const answer of done) answer();
  }

  const nextOf = (group: readonly Member[]) => (group.length < largestGroup ? waiting.shift() : undefined);

  async function runBound(work: (tx: Tx) => Promise<unknown>): Promise<unknown> {
    const { tx, end } = bindTx(language, connection);
    try {
      return await work(tx);
    } finally {
      end();
    }
  }

  return (work) =>
    new Promise((resolve, reject) => {
      waiting.push({ work, resolve, reject });
      if (!isDriving) void drive();
    });
}

type Statement = ReturnType<DatabaseSync['prepare']>;
type StatementTuple = [Statement, Statement, Statement, Statement, Statement, Statement];
