import { sql } from 'kysely';
import type { Actor, StoredEvent } from '../model/index.ts';
import { byLimit, dialectOf, prepare, prepareChange, type Tx } from '../store/index.ts';

export interface EventRow {
  readonly id: number;
  readonly stream: string;
  readonly sequence: number;
  readonly type: string;
  readonly at_ms: number;
  readonly actor: string;
  readonly data: string;
  readonly facts: number;
  readonly hash: string;
  readonly position: number | null;
}

/** The end of a stream's chain. */
export interface StreamHead {
  readonly sequence: number;
  readonly hash: string;
}

const selectHead = prepare<{ stream: string }, StreamHead>((db, p) =>
  db
    .selectFrom('event')
    .select(['sequence', 'hash'])
    .where('stream', '=', p.stream)
    .orderBy('sequence', 'desc')
    .limit(1),
);

/** The stream's last event; nobody else appends to it before the end of this transaction. */
export async function lockHead(tx: Tx, stream: string): Promise<StreamHead | undefined> {
  if (dialectOf(tx) === 'postgres') await sql`select pg_advisory_xact_lock(hashtextextended(${stream}, 7))`.execute(tx);
  return (await selectHead(tx, { stream }))[0];
}

const insertOne = prepareChange<Omit<EventRow, 'id'>>((db, p) =>
  db.insertInto('event').values({
    stream: p.stream,
    sequence: p.sequence,
    type: p.type,
    at_ms: p.at_ms,
    actor: p.actor,
    data: p.data,
    facts: p.facts,
    hash: p.hash,
    position: p.position,
  }),
);

export async function insertEvent(tx: Tx, event: Omit<EventRow, 'id'>): Promise<void> {
  await insertOne(tx, event);
}

/** A fact is named by its content: the same one is kept once. */
export async function insertFact(tx: Tx, digest: string, content: string): Promise<void> {
  await tx
    .insertInto('fact')
    .values({ digest, content })
    .onConflict((conflict) => conflict.column('digest').doNothing())
    .execute();
}

export async function findFact(tx: Tx, digest: string): Promise<string | undefined> {
  return (await tx.selectFrom('fact').select('content').where('digest', '=', digest).executeTakeFirst())?.content;
}

const selectSealed = byLimit((limit) =>
  prepare<{ after: number }, EventRow>((db, p) =>
    db.selectFrom('event').selectAll().where('position', '>', p.after).orderBy('position').limit(limit),
  ),
);

export function listSealed(tx: Tx, afterPosition: number, limit: number): Promise<EventRow[]> {
  return selectSealed(limit)(tx, { after: afterPosition });
}

const selectStream = byLimit((limit) =>
  prepare<{ stream: string; after: number }, EventRow>((db, p) =>
    db
      .selectFrom('event')
      .selectAll()
      .where('stream', '=', p.stream)
      .where('sequence', '>', p.after)
      .orderBy('sequence')
      .limit(limit),
  ),
);

export function listOfStream(tx: Tx, stream: string, after: number, limit: number): Promise<EventRow[]> {
  return selectStream(limit)(tx, { stream, after });
}

const selectNewest = byLimit((limit) =>
  prepare<{ stream: string }, EventRow>((db, p) =>
    db.selectFrom('event').selectAll().where('stream', '=', p.stream).orderBy('sequence', 'desc').limit(limit),
  ),
);

/** The newest of a stream, oldest first. */
export async function listNewestOfStream(tx: Tx, stream: string, limit: number): Promise<EventRow[]> {
  return (await selectNewest(limit)(tx, { stream })).reverse();
}

/** Streams in order of their names, a page at a time. */
export async function listStreams(tx: Tx, after: string, limit: number): Promise<string[]> {
  const rows = await tx
    .selectFrom('event')
    .select('stream')
    .distinct()
    .where('stream', '>', after)
    .orderBy('stream')
    .limit(limit)
    .execute();
  return rows.map((row) => row.stream);
}

const selectUnsealed = byLimit((limit) =>
  prepare<object, { id: number; hash: string }>((db) =>
    db.selectFrom('event').select(['id', 'hash']).where('position', 'is', null).orderBy('id').limit(limit),
  ),
);

/** Committed events without a position, in an order that agrees with every stream's own. */
export function listUnsealed(tx: Tx, limit: number): Promise<{ id: number; hash: string }[]> {
  return selectUnsealed(limit)(tx, {});
}

/** Gives the events their positions: the first gets `first`, and so on (PostgreSQL). */
export async function recordPositions(tx: Tx, ids: readonly number[], first: number): Promise<void> {
  await sql`update event set position = given.position
    from (select id, ${first}::bigint + ordinality - 1 as position
      from unnest(${ids}::bigint[]) with ordinality as listed(id, ordinality)) as given
    where event.id = given.id`.execute(tx);
}

export interface SealHead {
  readonly position: number;
  readonly digest: string;
}

const selectSeal = prepare<object, SealHead>((db) =>
  db.selectFrom('event_seal').select(['position', 'digest']).where('id', '=', 1),
);

export async function loadSeal(tx: Tx): Promise<SealHead> {
  return (await selectSeal(tx, {}))[0]!;
}

const updateSeal = prepareChange<SealHead>((db, p) =>
  db.updateTable('event_seal').set({ position: p.position, digest: p.digest }).where('id', '=', 1),
);

export async function recordSeal(tx: Tx, head: SealHead): Promise<void> {
  await updateSeal(tx, head);
}

const updateSealer = prepare<{ owner: string; now: number; until: number }, SealHead>((db, p) =>
  db
    .updateTable('event_seal')
    .set({
      epoch: sql`case when owner = ${p.owner} then epoch else epoch + 1 end`,
      owner: p.owner,
      lease_until: p.until,
    })
    .where('id', '=', 1)
    .where((eb) => eb.or([eb('owner', '=', p.owner), eb('owner', 'is', null), eb('lease_until', '<=', p.now)]))
    .returning(['position', 'digest']),
);

/** Becomes or stays the sealer until the end of the lease; undefined: another process is. Locks the row. */
export async function claimSeal(
  tx: Tx,
  claim: { owner: string; now: number; until: number },
): Promise<SealHead | undefined> {
  return (await updateSealer(tx, claim))[0];
}

/** `resolve` gives the content of a fact. */
export function toStored(row: EventRow, data: StoredEvent['data']): StoredEvent {
  return {
    stream: row.stream,
    sequence: row.sequence,
    type: row.type,
    atMs: row.at_ms,
    actor: JSON.parse(row.actor) as Actor,
    data,
    hash: row.hash,
    position: row.position ?? undefined,
  };
}
