import { dialectOf, prepare, prepareChange, type Tx } from '../store/index.ts';
import type { GuardRef } from './port.ts';

const selectRevision = prepare<GuardRef, { revision: number }>((db, p) =>
  db.selectFrom('guard').select('revision').where('kind', '=', p.kind).where('id', '=', p.id),
);

/** The guard's revision; undefined if it has no row yet, which means 0. */
export async function findRevision(tx: Tx, guard: GuardRef): Promise<number | undefined> {
  const rows = await selectRevision(tx, guard);
  return rows[0]?.revision;
}

const selectLocked = prepare<GuardRef, { revision: number }>((db, p) => {
  const query = db.selectFrom('guard').select('revision').where('kind', '=', p.kind).where('id', '=', p.id);
  return dialectOf(db) === 'postgres' ? query.forShare() : query;
});

/** The same, and nobody changes it before the end of this transaction. */
export async function lockRevision(tx: Tx, guard: GuardRef): Promise<number | undefined> {
  const rows = await selectLocked(tx, guard);
  return rows[0]?.revision;
}

const updateRevision = prepareChange<GuardRef & { expected: number; next: number }>((db, p) =>
  db
    .updateTable('guard')
    .set({ revision: p.next })
    .where('kind', '=', p.kind)
    .where('id', '=', p.id)
    .where('revision', '=', p.expected),
);

/** Raises the revision if it still is `expected`. */
export async function raiseRevision(tx: Tx, { kind, id }: GuardRef, expected: number): Promise<boolean> {
  return (await updateRevision(tx, { kind, id, expected, next: expected + 1 })) === 1;
}

const insertRevision = prepareChange<GuardRef & { revision: number }>((db, p) =>
  db
    .insertInto('guard')
    .values({ kind: p.kind, id: p.id, revision: p.revision })
    .onConflict((conflict) => conflict.columns(['kind', 'id']).doNothing()),
);

/** Makes the guard's first row, unless somebody else did. */
export async function insertGuard(tx: Tx, { kind, id }: GuardRef, revision: number): Promise<boolean> {
  return (await insertRevision(tx, { kind, id, revision })) === 1;
}
