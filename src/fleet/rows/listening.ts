import type { Tx } from '../../store/index.ts';
import { emptyWatchMemory, type Listener, type WatchMemory } from '../silence.ts';

export async function listListeners(tx: Tx): Promise<Listener[]> {
  const rows = await tx.selectFrom('listener').selectAll().execute();
  return rows.map((row) => ({ id: row.id, beatAtMs: Number(row.beat_at_ms) }));
}

export async function saveListener(tx: Tx, id: string, atMs: number): Promise<void> {
  await tx
    .insertInto('listener')
    .values({ id, since_ms: atMs, beat_at_ms: atMs })
    .onConflict((c) => c.column('id').doUpdateSet({ beat_at_ms: atMs }))
    .execute();
}

export async function deleteListener(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('listener').where('id', '=', id).execute();
}

/** Forgets servers that stopped without saying so. */
export async function deleteListenersBefore(tx: Tx, beatAtMs: number): Promise<void> {
  await tx.deleteFrom('listener').where('beat_at_ms', '<', beatAtMs).execute();
}

export async function loadWatchMemory(tx: Tx): Promise<WatchMemory> {
  const row = await tx.selectFrom('fleet_watch').select('memory').where('id', '=', 1).executeTakeFirst();
  return row === undefined ? emptyWatchMemory : (JSON.parse(row.memory) as WatchMemory);
}

export async function saveWatchMemory(tx: Tx, memory: WatchMemory): Promise<void> {
  const text = JSON.stringify(memory);
  await tx
    .insertInto('fleet_watch')
    .values({ id: 1, memory: text })
    .onConflict((c) => c.column('id').doUpdateSet({ memory: text }))
    .execute();
}
