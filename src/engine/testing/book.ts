import { sql } from 'kysely';
import type { Store, Tx } from '../../store/index.ts';

/** A table that only tests have: names in a book. What a decision writes, and what a remembering receiver keeps. */
export async function createBook(store: Store): Promise<void> {
  await store.transaction(async (tx) => {
    await sql`create table book (page text not null, line text not null)`.execute(tx);
  });
}

export async function writeLine(tx: Tx, page: string, line: string): Promise<void> {
  await sql`insert into book (page, line) values (${page}, ${line})`.execute(tx);
}

export async function readPage(tx: Tx, page: string): Promise<string[]> {
  const { rows } = await sql<{ line: string }>`select line from book where page = ${page} order by line`.execute(tx);
  return rows.map((row) => row.line);
}
