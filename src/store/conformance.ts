import { sql } from 'kysely';
import { describe, expect, test } from 'vitest';
import { openStore, prepare, type Store, type StoreOptions, type Tx } from './index.ts';
import type { Migration } from './migrations.ts';

/** What every database must do, whatever it is. `makeEmpty` gives the options of a new, empty one each time. */
export function storeConformance(name: string, makeEmpty: () => Promise<StoreOptions>): void {
  describe(`the store on ${name}`, () => {
    describe('migrations', () => {
      test('a new database gets every step, and opening it again changes nothing', async () => {
        const options = await makeEmpty();
        await using first = await opened(options);
        const before = await stepsOf(first.store);
        await first.close();
        await using second = await opened(options);
        expect(before.length).toBeGreaterThan(8);
        expect(await stepsOf(second.store)).toEqual(before);
      });

      test('an older database gets what it lacks and keeps its rows', async () => {
        const options = await makeEmpty();
        const [one, two] = [makeTable('one'), makeTable('two')];
        await using older = await opened(options, [one]);
        await older.store.transaction((tx) => sql`insert into one (name) values ('kept')`.execute(tx).then(() => {}));
        await older.close();
        await using newer = await opened(options, [one, two]);
        expect(await namesIn(newer.store, 'one')).toEqual(['kept']);
        expect(await namesIn(newer.store, 'two')).toEqual([]);
      });

      test('a database that a newer program wrote is refused, and left as it is', async () => {
        const options = await makeEmpty();
        const [one, two] = [makeTable('one'), makeTable('two')];
        await using newer = await opened(options, [one, two]);
        await newer.close();
        await expect(openStore(options, [one])).rejects.toMatchObject({ problem: { code: 'server/newer-store' } });
        await using again = await opened(options, [one, two]);
        expect(await stepsOf(again.store)).toEqual(['one', 'two']);
      });

      test('a step that reads differently than when it ran is refused', async () => {
        const options = await makeEmpty();
        await using first = await opened(options, [makeTable('one')]);
        await first.close();
        const changed = { ...makeTable('other'), name: 'one' };
        await expect(openStore(options, [changed])).rejects.toMatchObject({
          problem: { code: 'server/changed-store' },
        });
      });

      test('a step that fails leaves nothing of itself, nor of the steps before it', async () => {
        const options = await makeEmpty();
        const broken: Migration = {
          name: 'broken',
          up: async (db) => {
            await db.schema.createTable('half').addColumn('name', 'text').execute();
            await sql`insert into nowhere (name) values ('x')`.execute(db);
          },
        };
        await expect(openStore(options, [makeTable('one'), broken])).rejects.toThrow('nowhere');
        await using mended = await opened(options, [makeTable('one'), makeTable('half')]);
        expect(await stepsOf(mended.store)).toEqual(['one', 'half']);
      });
    });

    describe('transactions', () => {
      test('one that throws leaves nothing', async () => {
        await using it = await opened(await makeEmpty(), [makeTable('one')]);
        const work = it.store.transaction(async (tx) => {
          await insert(tx, 'lost');
          throw new Error('on purpose');
        });
        await expect(work).rejects.toThrow('on purpose');
        expect(await namesIn(it.store, 'one')).toEqual([]);
      });

      test('of many at once, those that throw leave nothing and the others stand', async () => {
        await using it = await opened(await makeEmpty(), [makeTable('one')]);
        const all = Array.from({ length: 40 }, (_, i) =>
          it.store.transaction(async (tx) => {
            await insert(tx, `${100 + i}`);
            if (i % 3 === 0) throw new Error('on purpose');
            return i;
          }),
        );
        const ends = await Promise.allSettled(all);
        const kept = ends.flatMap((end) => (end.status === 'fulfilled' ? [`${100 + end.value}`] : []));
        expect(kept).toHaveLength(26);
        expect(await namesIn(it.store, 'one')).toEqual(kept);
      });

      test('one that a constraint refuses leaves nothing, and those beside it stand', async () => {
        await using it = await opened(await makeEmpty(), [makeTable('one')]);
        const ends = await Promise.allSettled(
          ['a', 'b', 'b', 'c'].map((one) => it.store.transaction((tx) => insert(tx, one))),
        );
        expect(ends.map((end) => end.status).sort()).toEqual(['fulfilled', 'fulfilled', 'fulfilled', 'rejected']);
        expect(await namesIn(it.store, 'one')).toEqual(['a', 'b', 'c']);
      });

      test('one that goes on after a statement failed does not half succeed in silence', async () => {
        await using it = await opened(await makeEmpty(), [makeTable('one')]);
        const work = it.store.transaction(async (tx) => {
          await insert(tx, 'a');
          await insert(tx, 'a').catch(() => {});
        });
        const isDone = await work.then(
          () => true,
          () => false,
        );
        expect(await namesIn(it.store, 'one')).toEqual(isDone ? ['a'] : []);
      });

      test('a read sees one snapshot, whatever is written meanwhile', async () => {
        await using it = await opened(await makeEmpty(), [makeTable('one')]);
        const begun = Promise.withResolvers<void>();
        const written = Promise.withResolvers<void>();
        const reading = it.store.read(async (tx) => {
          const before = await count(tx);
          begun.resolve();
          await written.promise;
          return (await count(tx)) - before;
        });
        await begun.promise;
        await it.store.transaction((tx) => insert(tx, 'later'));
        written.resolve();
        expect(await reading).toBe(0);
        expect(await it.store.read(count)).toBe(1);
      });

      test('a statement after the end throws instead of slipping into the next transaction', async () => {
        await using it = await opened(await makeEmpty(), [makeTable('one')]);
        const kept = await it.store.transaction(async (tx) => ({ tx }));
        await expect(insert(kept.tx, 'late')).rejects.toThrow('after the end');
        expect(await namesIn(it.store, 'one')).toEqual([]);
      });

      test('one inside another throws instead of waiting for itself', async () => {
        await using it = await opened(await makeEmpty(), [makeTable('one')]);
        const nested = it.store.transaction(() => it.store.transaction(async () => 1));
        await expect(nested).rejects.toThrow('inside another');
        await expect(it.store.transaction(() => it.store.read(async () => 1))).rejects.toThrow('inside another');
        expect(await it.store.read(async () => 'fine')).toBe('fine');
      });
    });

    test('whole numbers come back as numbers, counts and sums too', async () => {
      await using it = await opened(await makeEmpty(), [makeTable('one')]);
      const big = Number.MAX_SAFE_INTEGER;
      const rows = await it.store.transaction(async (tx) => {
        await insert(tx, 'a', big);
        await insert(tx, 'b', 1);
        const { rows } = await sql`select max(size) as most, count(*) as n, min(size) as least from one`.execute(tx);
        const { rows: sums } = await sql`select sum(size) as total from one where name = 'b'`.execute(tx);
        return [...rows, ...sums];
      });
      expect(rows).toEqual([{ most: big, n: 2, least: 1 }, { total: 1 }]);
    });

    test('a prepared statement takes new arguments each time, also null', async () => {
      await using it = await opened(await makeEmpty());
      const insertNote = prepare<{ name: string; value: string }>((db, p) =>
        db.insertInto('engine_note').values({ name: p.name, value: p.value }),
      );
      const findNotes = prepare<{ least: string }, { name: string }>((db, p) =>
        db.selectFrom('engine_note').select('name').where('name', '>=', p.least).orderBy('name'),
      );
      const found = await it.store.transaction(async (tx) => {
        for (const name of ['a', 'b', 'c']) await insertNote(tx, { name, value: name });
        return [await findNotes(tx, { least: 'b' }), await findNotes(tx, { least: 'c' })];
      });
      expect(found).toEqual([[{ name: 'b' }, { name: 'c' }], [{ name: 'c' }]]);
    });
  });
}

interface Opened extends AsyncDisposable {
  readonly store: Store;
  close(): Promise<void>;
}

async function opened(options: StoreOptions, steps?: readonly Migration[]): Promise<Opened> {
  const store = await openStore(options, steps);
  let isOpen = true;
  const close = async () => {
    if (isOpen) await store.close();
    isOpen = false;
  };
  return { store, close, [Symbol.asyncDispose]: close };
}

function makeTable(name: string): Migration {
  return {
    name,
    up: async (db) => {
      await db.schema
        .createTable(name)
        .addColumn('name', 'text', (c) => c.primaryKey())
        .addColumn('size', 'bigint')
        .execute();
    },
  };
}

async function insert(tx: Tx, name: string, size = 0): Promise<void> {
  await sql`insert into one (name, size) values (${name}, ${size})`.execute(tx);
}

async function count(tx: Tx): Promise<number> {
  const { rows } = await sql<{ n: number }>`select count(*) as n from one`.execute(tx);
  return rows[0]?.n ?? -1;
}

async function namesIn(store: Store, table: string): Promise<string[]> {
  const { rows } = await store.read((tx) =>
    sql<{ name: string }>`select name from ${sql.table(table)} order by name`.execute(tx),
  );
  return rows.map((row) => row.name);
}

async function stepsOf(store: Store): Promise<string[]> {
  const { rows } = await store.read((tx) =>
    sql<{ name: string }>`select name from migration order by position`.execute(tx),
  );
  return rows.map((row) => row.name);
}
