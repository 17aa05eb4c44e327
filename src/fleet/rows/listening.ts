import { prepare, prepareChange, type Tx } from '../../store/index.ts';
import { emptyWatchMemory, type Listener, type WatchMemory } from '../silence.ts';

const selectListeners = prepare<object, { id: string; beat_at_ms: number }>((db) =>
  db.selectFrom('listener').select(['id', 'beat_at_ms']),
);

export async function listListeners(tx: Tx): Promise<Listener[]> {
  const rows = await selectListeners(tx, {});
  return rows.map((row) => ({ id: row.id, beatAtMs: Number(row.beat_at_ms) }));
}

const upsertListener = prepareChange<{ id: string; atMs: number }>((db, p) =>
  db
    .insertInto('listener')
    .values({ id: p.id, since_ms: p.atMs, beat_at_ms: p.atMs })
    .onConflict((c) => c.column('id').doUpdateSet({ beat_at_ms: p.atMs })),
);

export async function saveListener(tx: Tx, id: string, atMs: number): Promise<void> {
  await upsertListener(tx, { id, atMs });
}

export async function deleteListener(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('listener').where('id', '=', id).execute();
}

const removeListenersBefore = prepareChange<{ atMs: number }>((db, p) =>
  db.deleteFrom('listener').where('beat_at_ms', '<', p.atMs),
);

/** Forgets servers that stopped without saying so. */
export async function deleteListenersBefore(tx: Tx, beatAtMs: number): Promise<void> {
  await removeListenersBefore(tx, { atMs: beatAtMs });
}

const selectMemory = prepare<object, { memory: string }>((db) =>
  db.selectFrom('fleet_watch').select('memory').where('id', '=', 1),
);

export async function loadWatchMemory(tx: Tx): Promise<WatchMemory> {
  const [row] = await selectMemory(tx, {});
  return row === undefined ? emptyWatchMemory : (JSON.parse(row.memory) as WatchMemory);
}

const upsertMemory = prepareChange<{ memory: string }>((db, p) =>
  db
    .insertInto('fleet_watch')
    .values({ id: 1, memory: p.memory })
    .onConflict((c) => c.column('id').doUpdateSet({ memory: p.memory })),
);

export async function saveWatchMemory(tx: Tx, memory: WatchMemory): Promise<void> {
  await upsertMemory(tx, { memory: JSON.stringify(memory) });
}
