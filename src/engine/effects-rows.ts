import { sql } from 'kysely';
import { byLimit, dialectOf, prepare, prepareChange, type Schema, type Tx } from '../store/index.ts';
import { never } from './never.ts';
import type { NewEffect } from './port.ts';

const insertPending = prepareChange<{
  id: string;
  kind: string;
  receiver: string;
  orderKey: string | null;
  payload: string;
  due: number;
  now: number;
}>((db, p) =>
  db.insertInto('effect').values({
    id: p.id,
    kind: p.kind,
    receiver: p.receiver,
    order_key: p.orderKey,
    payload: p.payload,
    state: 'pending',
    ready_at: p.due,
    epoch: 0,
    attempts: 0,
    created_at: p.now,
  }),
);

export async function insertEffect(tx: Tx, effect: NewEffect, nowMs: number): Promise<void> {
  const isUnordered = effect.unordered === true || effect.kind.endsWith('cancel');
  await insertPending(tx, {
    id: effect.id,
    kind: effect.kind,
    receiver: effect.receiver,
    orderKey: isUnordered ? null : effect.orderKey,
    payload: JSON.stringify(effect.payload ?? null),
    due: effect.dueAtMs ?? nowMs,
    now: nowMs,
  });
}

type EffectState = Schema['effect']['state'];

/** An effect that a process has taken, with what its outcome must carry. */
export interface ClaimedEffect {
  readonly sequence: number;
  readonly id: string;
  readonly kind: string;
  readonly receiver: string;
  readonly payload: string;
  readonly epoch: number;
  readonly attempts: number;
}

/** Nobody before it in its order. */
const isFirst = sql<boolean>`(effect.order_key is null or not exists (
  select 1 from effect as earlier
  where earlier.ended_at is null and earlier.receiver = effect.receiver and earlier.order_key = effect.order_key
    and earlier.sequence < effect.sequence))`;

const selectDue = byLimit((limit) =>
  prepare<{ now: number }, { sequence: number }>((db, p) => {
    const due = db
      .selectFrom('effect')
      .select('sequence')
      .where('ended_at', 'is', null)
      .where('ready_at', '<=', p.now)
      .where(isFirst)
      .orderBy('ready_at')
      .orderBy('sequence')
      .limit(limit);
    return dialectOf(db) === 'postgres' ? due.forUpdate().skipLocked() : due;
  }),
);

const updateClaimed = prepare<{ sequence: number; until: number; owner: string }, ClaimedEffect>((db, p) =>
  db
    .updateTable('effect')
    .set({ state: 'leased', owner: p.owner, epoch: sql`epoch + 1`, ready_at: p.until })
    .where('sequence', '=', p.sequence)
    .returning(['sequence', 'id', 'kind', 'receiver', 'payload', 'epoch', 'attempts']),
);

/** Takes up to `limit` due effects, each the first in its order. */
export async function claimEffects(
  tx: Tx,
  claim: { now: number; until: number; owner: string; limit: number },
): Promise<ClaimedEffect[]> {
  const { now, until, owner, limit } = claim;
  const claimed: ClaimedEffect[] = [];
  for (const { sequence } of await selectDue(limit)(tx, { now })) {
    claimed.push(...(await updateClaimed(tx, { sequence, until, owner })));
  }
  return claimed;
}

export interface EffectFence {
  readonly id: string;
  readonly epoch: number;
}

const updateEnded = prepareChange<EffectFence & { state: EffectState; now: number; error: string | null }>((db, p) =>
  db
    .updateTable('effect')
    .set({ state: p.state, ended_at: p.now, ready_at: never, owner: null, last_error: p.error })
    .where('id', '=', p.id)
    .where('epoch', '=', p.epoch)
    .where('state', '=', 'leased'),
);

/** Ends an effect that is still this claim's; false: somebody took it over. */
export async function endEffect(
  tx: Tx,
  { id, epoch }: EffectFence,
  end: { state: 'done' | 'failed'; nowMs: number },
): Promise<boolean> {
  return (await updateEnded(tx, { id, epoch, state: end.state, now: end.nowMs, error: null })) === 1;
}

const updateOpen = prepareChange<
  EffectFence & { state: EffectState; retry: number; attempts: number; error: string | null }
>((db, p) =>
  db
    .updateTable('effect')
    .set({ state: p.state, ready_at: p.retry, attempts: p.attempts, owner: null, last_error: p.error })
    .where('id', '=', p.id)
    .where('epoch', '=', p.epoch)
    .where('state', '=', 'leased'),
);

/** Puts an effect back: for another try, or parked. */
export async function returnEffect(
  tx: Tx,
  { id, epoch }: EffectFence,
  to: { state: 'pending' | 'parked'; retryAtMs: number; attempts: number; error: string | null },
): Promise<boolean> {
  const { state, retryAtMs: retry, attempts, error } = to;
  return (await updateOpen(tx, { id, epoch, state, retry, attempts, error })) === 1;
}

const updateLease = prepareChange<EffectFence & { until: number }>((db, p) =>
  db
    .updateTable('effect')
    .set({ ready_at: p.until })
    .where('id', '=', p.id)
    .where('epoch', '=', p.epoch)
    .where('state', '=', 'leased'),
);

export async function renewEffectLease(tx: Tx, { id, epoch }: EffectFence, untilMs: number): Promise<void> {
  await updateLease(tx, { id, epoch, until: untilMs });
}

/** Those of the given ids that have not begun end as withdrawn. */
export async function withdrawEffects(tx: Tx, ids: readonly string[], nowMs: number): Promise<void> {
  await tx
    .updateTable('effect')
    .set({ state: 'withdrawn', ended_at: nowMs, ready_at: never })
    .where('id', 'in', ids)
    .where('state', 'in', ['pending', 'parked'])
    .execute();
}

/** All effects for a receiver that have not begun end as withdrawn. */
export async function withdrawEffectsFor(tx: Tx, receiver: string, nowMs: number): Promise<void> {
  await tx
    .updateTable('effect')
    .set({ state: 'withdrawn', ended_at: nowMs, ready_at: never })
    .where('ended_at', 'is', null)
    .where('receiver', '=', receiver)
    .where('state', 'in', ['pending', 'parked'])
    .execute();
}

/** Effects for a receiver that wait because they failed before are due now; those that wait for a time are not. */
export async function hastenEffects(tx: Tx, receiver: string, nowMs: number): Promise<number> {
  const { numUpdatedRows } = await tx
    .updateTable('effect')
    .set({ ready_at: nowMs })
    .where('ended_at', 'is', null)
    .where('receiver', '=', receiver)
    .where('state', '=', 'pending')
    .where('attempts', '>', 0)
    .where('ready_at', '>', nowMs)
    .executeTakeFirst();
  return Number(numUpdatedRows);
}

/** A person ends a parked effect. */
export async function dropParkedEffect(tx: Tx, id: string, nowMs: number): Promise<boolean> {
  const { numUpdatedRows } = await tx
    .updateTable('effect')
    .set({ state: 'failed', ended_at: nowMs, ready_at: never })
    .where('id', '=', id)
    .where('state', '=', 'parked')
    .executeTakeFirst();
  return numUpdatedRows === 1n;
}

/** Leases of processes that are gone end now. */
export async function takeOverEffects(tx: Tx, owner: string, nowMs: number): Promise<void> {
  await tx
    .updateTable('effect')
    .set({ ready_at: nowMs })
    .where('ended_at', 'is', null)
    .where('state', '=', 'leased')
    .where('owner', '!=', owner)
    .execute();
}

const selectEarliest = prepare<object, { ready_at: number }>((db) =>
  db
    .selectFrom('effect')
    .select('ready_at')
    .where('ended_at', 'is', null)
    .where('ready_at', '<', never)
    .where(isFirst)
    .orderBy('ready_at')
    .limit(1),
);

/** When the next effect may be claimed; undefined: none waits. */
export async function findNextEffectAtMs(tx: Tx): Promise<number | undefined> {
  return (await selectEarliest(tx, {}))[0]?.ready_at;
}

export async function listParkedEffects(
  tx: Tx,
): Promise<
  { id: string; kind: string; receiver: string; attempts: number; last_error: string | null; ready_at: number }[]
> {
  return tx
    .selectFrom('effect')
    .select(['id', 'kind', 'receiver', 'attempts', 'last_error', 'ready_at'])
    .where('ended_at', 'is', null)
    .where('state', '=', 'parked')
    .orderBy('sequence')
    .execute();
}

/**
 * Lets parked effects run now: one by its id, or all but the uncertain ones (those with no time for another try).
 * Returns how many.
 */
export async function unparkEffects(tx: Tx, which: { effect: string } | 'all', nowMs: number): Promise<number> {
  let update = tx.updateTable('effect').set({ state: 'pending', ready_at: nowMs }).where('state', '=', 'parked');
  update = which === 'all' ? update.where('ready_at', '<', never) : update.where('id', '=', which.effect);
  return Number((await update.executeTakeFirst()).numUpdatedRows);
}

/** Effects that ended before this time are forgotten; what came of them is in the events. */
export async function deleteEndedEffects(tx: Tx, beforeMs: number): Promise<void> {
  await tx.deleteFrom('effect').where('ended_at', '<', beforeMs).execute();
}
