import { sql } from 'kysely';
import { afterAll, describe, expect, test } from 'vitest';
import { needsThat } from '../../test/skip.ts';
import { rollway } from '../model/index.ts';
import { openStore, type Store, type Tx } from '../store/index.ts';
import { startPostgres } from '../store/testing/postgres.ts';
import { engineConformance } from './conformance.ts';
import type { Engine } from './index.ts';
import { runConformance } from './run.conformance.ts';
import { runDueConformance } from './run-due.conformance.ts';
import { createBook, readPage, writeLine } from './testing/book.ts';
import { createWorld } from './testing/world.ts';

const postgres = await startPostgres();
const isThere = needsThat('createDatabase' in postgres, 'postgres', 'the engine is tested on a real PostgreSQL');
afterAll(async () => {
  if ('stop' in postgres) await postgres.stop();
});

async function openEmpty(): Promise<Store> {
  if (!('createDatabase' in postgres)) throw new Error(postgres.impossible);
  return openStore({ kind: 'postgres', url: await postgres.createDatabase() });
}

const actor = rollway('test');
const guardRef = { kind: 'repository', id: 'guestbook' } as const;

describe.skipIf(!isThere)('with a server', () => {
  engineConformance('PostgreSQL', openEmpty);
  runConformance('PostgreSQL', 3, openEmpty);
  runDueConformance('PostgreSQL', 2, openEmpty);

  describe.each([
    ['a guard that nobody ever bumped', 0],
    ['a guard with a history', 3],
  ])('decisions that really overlap, on %s', (_, history) => {
    async function prepare(): Promise<{ store: Store; engine: Engine }> {
      const store = await openEmpty();
      await createBook(store);
      const { engine } = createWorld(store);
      for (let i = 0; i < history; i++) await bump(engine, async () => {});
      return { store, engine };
    }

    test.each([
      ['bumps', [guardRef]],
      ['only reads', []],
    ])('one that %s it decides again when it changed while it was deciding', async (_, bumped) => {
      const { store, engine } = await prepare();
      const decidedFirst = Promise.withResolvers<void>();
      const changed = Promise.withResolvers<void>();
      const seen: boolean[] = [];
      const deciding = engine.commitAs(actor, async ({ tx, guard }) => {
        await guard('repository', guardRef.id);
        seen.push((await readPage(tx, 'book')).includes('marked'));
        decidedFirst.resolve();
        await changed.promise;
        return { bump: bumped, write: (writing) => writeLine(writing, 'book', `saw ${seen.at(-1)}`), result: true };
      });
      await decidedFirst.promise;
      await bump(engine, async (tx) => writeLine(tx, 'book', 'marked'));
      changed.resolve();
      await deciding;
      expect(seen).toEqual([false, true]);
      expect(await store.read((tx) => readPage(tx, 'book'))).toEqual(['marked', 'saw true']);
      await store.close();
    });

    test('one that commits while another one is committing waits for it, and decides again', async () => {
      const { store, engine } = await prepare();
      const isCommitting = Promise.withResolvers<void>();
      const mayCommit = Promise.withResolvers<void>();
      const marking = bump(engine, async (tx) => {
        await writeLine(tx, 'book', 'marked');
        isCommitting.resolve();
        await mayCommit.promise;
      });
      await isCommitting.promise;
      const seen: boolean[] = [];
      let isOver = false;
      const deciding = engine
        .commitAs(actor, async ({ tx, guard }) => {
          await guard('repository', guardRef.id);
          seen.push((await readPage(tx, 'book')).includes('marked'));
          return { write: (writing) => writeLine(writing, 'book', 'assigned'), result: true };
        })
        .finally(() => {
          isOver = true;
        });
      await expect.poll(async () => isOver || (await countWaiting(store)) > 0, { timeout: 10_000 }).toBe(true);
      mayCommit.resolve();
      await Promise.all([marking, deciding]);
      expect(seen).toEqual([false, true]);
      await store.close();
    });
  });

  test('two transactions in a deadlock: both are done in the end, nobody is told of trouble', async () => {
    const store = await openEmpty();
    await createBook(store);
    const troubles: unknown[] = [];
    const { engine } = createWorld(store, { onTrouble: (trouble) => troubles.push(trouble) });
    let here = 0;
    const both = Promise.withResolvers<void>();
    const met = () => {
      here += 1;
      if (here === 2) both.resolve();
      return both.promise;
    };
    const write = (order: readonly number[], line: string) => async (tx: Tx) => {
      await lockBoth(tx, order, met);
      await writeLine(tx, 'book', line);
    };
    await Promise.all([
      engine.append({ write: write([1, 2], 'one'), work: [{ kind: 'read', key: 'a' }] }),
      engine.append({ write: write([2, 1], 'two'), work: [{ kind: 'read', key: 'a' }] }),
    ]);
    // One of them ran twice, and left one line all the same.
    expect(here).toBe(3);
    expect([...(await store.read((tx) => readPage(tx, 'book')))].sort()).toEqual(['one', 'two']);
    expect(troubles).toEqual([]);
    await store.close();
  });
});

/** Both hold one lock before they ask for the other's: PostgreSQL ends one of the two. */
async function lockBoth(tx: Tx, [first, second]: readonly number[], met: () => Promise<void>): Promise<void> {
  await sql`select pg_advisory_xact_lock(${first})`.execute(tx);
  await met();
  await sql`select pg_advisory_xact_lock(${second})`.execute(tx);
}

function bump(engine: Engine, write: (tx: Parameters<typeof readPage>[0]) => Promise<void>): Promise<unknown> {
  return engine.commitAs(actor, async ({ guard }) => {
    await guard('repository', guardRef.id);
    return { bump: [guardRef], write, result: true };
  });
}

/** Transactions that wait for a lock of another one. */
async function countWaiting(store: Store): Promise<number> {
  const { rows } = await store.read((tx) =>
    sql<{ n: number }>`select count(*) as n from pg_stat_activity where wait_event_type = 'Lock'`.execute(tx),
  );
  return rows[0]?.n ?? 0;
}
