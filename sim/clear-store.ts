import { sql } from 'kysely';
import type { Store } from '../src/store/index.ts';

type Row = Record<string, unknown>;

/** What a freshly migrated database holds. */
export type Beginning = ReadonlyMap<string, readonly Row[]>;

export async function readBeginning(store: Store): Promise<Beginning> {
  return store.read(async (tx) => {
    const { rows } = await sql<{ name: string }>`select name from sqlite_master where type = 'table'`.execute(tx);
    const found = new Map<string, readonly Row[]>();
    for (const { name } of rows) {
      if (name.startsWith('sqlite_')) continue;
      found.set(name, (await sql<Row>`select * from ${sql.table(name)}`.execute(tx)).rows);
    }
    return found;
  });
}

/** Back to the beginning, so that one in-memory database serves many runs: migrating takes longer than a run. */
export async function clearStore(store: Store, beginning: Beginning): Promise<void> {
  await store.transaction(async (tx) => {
    await sql`pragma defer_foreign_keys = on`.execute(tx);
    for (const [name, rows] of beginning) {
      await sql`delete from ${sql.table(name)}`.execute(tx);
      for (const row of rows) {
        const columns = sql.join(Object.keys(row).map((column) => sql.ref(column)));
        await sql`insert into ${sql.table(name)} (${columns}) values (${sql.join(Object.values(row))})`.execute(tx);
      }
    }
  });
}
