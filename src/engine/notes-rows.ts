import type { Tx } from '../store/index.ts';

export async function findNote(tx: Tx, name: string): Promise<string | undefined> {
  const row = await tx.selectFrom('engine_note').select('value').where('name', '=', name).executeTakeFirst();
  return row?.value;
}

export async function recordNote(tx: Tx, name: string, value: string): Promise<void> {
  await tx
    .insertInto('engine_note')
    .values({ name, value })
    .onConflict((conflict) => conflict.column('name').doUpdateSet({ value }))
    .execute();
}
