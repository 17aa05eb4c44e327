import { sql } from 'kysely';
import { byLimit, dialectOf, prepare, prepareChange, type Tx } from '../store/index.ts';
import { never } from './never.ts';
import type { Enqueue } from './port.ts';

/*
 * The life of a work row, told by `ready_at` alone (the only column a claim looks at):
 *
 *   idle → never            waiting → due time       claimed → end of the lease
 *   failed → end of back-off                          parked → next hourly try
 *
 * An enqueue lowers `ready_at` only while the row is idle or waiting. While a turn runs it lowers `due_at`, which the
 * claim had set to "never": so at the end of the turn `due_at` is exactly what nobody has seen yet.
 */

const upsertWanted = prepareChange<{
  kind: string;
  key: string;
  due: number;
  timer: number;
  urgent: number;
  epoch: number;
}>((db, p) =>
  db
    .insertInto('work')
    .values({
      kind: p.kind,
      key: p.key,
      wanted: 1,
      done: 0,
      seen: 0,
      ready_at: p.due,
      due_at: p.due,
      timer_at: p.timer,
      urgent: p.urgent,
      // Higher than any epoch this row had before it was deleted: no claim of then fits the new one.
      epoch: p.epoch,
      attempts: 0,
    })
    .onConflict((conflict) =>
      conflict.columns(['kind', 'key']).doUpdateSet({
        wanted: sql`work.wanted + 1`,
        due_at: sql`case when excluded.due_at < work.due_at then excluded.due_at else work.due_at end`,
        timer_at: sql`case when excluded.timer_at < work.timer_at then excluded.timer_at else work.timer_at end`,
        urgent: sql`case when excluded.urgent > work.urgent then excluded.urgent else work.urgent end`,
        ready_at: sql`case when work.owner is null and work.attempts = 0 and excluded.ready_at < work.ready_at
          then excluded.ready_at else work.ready_at end`,
      }),
    ),
);

/** Asks for a run. */
export async function insertWanted(tx: Tx, { kind, key, dueAtMs, urgent }: Enqueue, nowMs: number): Promise<void> {
  const due = Math.max(dueAtMs ?? nowMs, 0);
  await upsertWanted(tx, {
    kind,
    key,
    due,
    timer: due > nowMs ? due : never,
    urgent: urgent === true ? 1 : 0,
    epoch: nowMs,
  });
}

/** A work row that a process has taken, with what its commits must carry. */
export interface ClaimedWork {
  readonly kind: string;
  readonly key: string;
  readonly seen: number;
  readonly epoch: number;
  readonly attempts: number;
  readonly ready_at: number;
}

interface ClaimArgs {
  readonly now: number;
  readonly until: number;
  readonly owner: string;
}

const remaining = (now: number) => sql<number>`case when timer_at > ${now} then timer_at else ${sql.lit(never)} end`;

const selectDue = byLimit((limit) =>
  prepare<{ now: number; urgent: number }, { kind: string; key: string }>((db, p) => {
    const due = db
      .selectFrom('work')
      .select(['kind', 'key'])
      .where('urgent', '=', p.urgent)
      .where('ready_at', '<=', p.now)
      .orderBy('ready_at')
      .orderBy('kind')
      .orderBy('key')
      .limit(limit);
    return dialectOf(db) === 'postgres' ? due.forUpdate().skipLocked() : due;
  }),
);

const updateClaimed = prepare<ClaimArgs & { kind: string; key: string }, ClaimedWork>((db, p) =>
  db
    .updateTable('work')
    .set({
      owner: p.owner,
      epoch: sql`epoch + 1`,
      seen: sql`wanted`,
      ready_at: p.until,
      due_at: remaining(p.now),
      timer_at: remaining(p.now),
      urgent: 0,
    })
    .where('kind', '=', p.kind)
    .where('key', '=', p.key)
    .returning(['kind', 'key', 'seen', 'epoch', 'attempts', 'ready_at']),
);

/**
 * Takes up to `limit` due rows: urgent ones first, then by the time they became ready; but at least one place is left
 * for those that are not urgent, so that a stream of urgent work does not starve them.
 */
export async function claimWork(tx: Tx, claim: ClaimArgs & { limit: number }): Promise<ClaimedWork[]> {
  const { now, until, owner, limit } = claim;
  const due = await selectDue(Math.max(1, limit - 1))(tx, { now, urgent: 1 });
  if (due.length < limit) due.push(...(await selectDue(limit - due.length)(tx, { now, urgent: 0 })));
  const claimed: ClaimedWork[] = [];
  for (const { kind, key } of due) claimed.push(...(await updateClaimed(tx, { now, until, owner, kind, key })));
  return claimed;
}

const selectHeld = prepare<{ kind: string; key: string; epoch: number }, { epoch: number }>((db, p) => {
  const query = db
    .selectFrom('work')
    .select('epoch')
    .where('kind', '=', p.kind)
    .where('key', '=', p.key)
    .where('epoch', '=', p.epoch);
  return dialectOf(db) === 'postgres' ? query.forUpdate() : query;
});

/** Whether the row is still this claim's; nobody takes it before the end of this transaction. */
export async function holdsWork(tx: Tx, { kind, key, epoch }: WorkFence): Promise<boolean> {
  return (await selectHeld(tx, { kind, key, epoch })).length === 1;
}

export interface WorkFence {
  readonly kind: string;
  readonly key: string;
  readonly epoch: number;
}

const updateFinished = prepareChange<WorkFence>((db, p) =>
  db
    .updateTable('work')
    .set({
      // A time still to come is wanted too.
      done: sql`case when due_at = ${sql.lit(never)} then seen else seen - 1 end`,
      ready_at: sql`due_at`,
      owner: null,
      attempts: 0,
      parked_at: null,
      last_error: null,
    })
    .where('kind', '=', p.kind)
    .where('key', '=', p.key)
    .where('epoch', '=', p.epoch),
);

/** The turn ended well: what it saw is done. */
export async function finishWork(tx: Tx, { kind, key, epoch }: WorkFence): Promise<void> {
  await updateFinished(tx, { kind, key, epoch });
}

const updateFailed = prepareChange<WorkFence & { error: string; retry: number; parked: number | null }>((db, p) =>
  db
    .updateTable('work')
    .set({
      ready_at: p.retry,
      owner: null,
      attempts: sql`attempts + 1`,
      parked_at: p.parked,
      last_error: p.error,
    })
    .where('kind', '=', p.kind)
    .where('key', '=', p.key)
    .where('epoch', '=', p.epoch),
);

/** The turn failed: it runs again at `retryAtMs`. */
export async function recordWorkFailure(
  tx: Tx,
  { kind, key, epoch }: WorkFence,
  failure: { error: string; retryAtMs: number; parkedAtMs: number | null },
): Promise<void> {
  const { error, retryAtMs: retry, parkedAtMs: parked } = failure;
  await updateFailed(tx, { kind, key, epoch, error, retry, parked });
}

const updateLease = prepareChange<WorkFence & { until: number }>((db, p) =>
  db
    .updateTable('work')
    .set({ ready_at: p.until })
    .where('kind', '=', p.kind)
    .where('key', '=', p.key)
    .where('epoch', '=', p.epoch)
    .where('owner', 'is not', null),
);

export async function renewWorkLease(tx: Tx, { kind, key, epoch }: WorkFence, untilMs: number): Promise<void> {
  await updateLease(tx, { kind, key, epoch, until: untilMs });
}

/** Gives back a row that was claimed and not begun. */
export async function releaseWork(tx: Tx, { kind, key, epoch }: WorkFence, nowMs: number): Promise<void> {
  await updateLease(tx, { kind, key, epoch, until: nowMs });
}

/** Leases of processes that are gone end now. */
export async function takeOverWork(tx: Tx, owner: string, nowMs: number): Promise<void> {
  await tx
    .updateTable('work')
    .set({ ready_at: nowMs })
    .where('owner', 'is not', null)
    .where('owner', '!=', owner)
    .execute();
}

const selectEarliest = prepare<{ urgent: number }, { ready_at: number }>((db, p) =>
  db.selectFrom('work').select('ready_at').where('urgent', '=', p.urgent).orderBy('ready_at').limit(1),
);

/** When the next row may be claimed; undefined: none is wanted. */
export async function findNextWorkAtMs(tx: Tx): Promise<number | undefined> {
  const [normal] = await selectEarliest(tx, { urgent: 0 });
  const [urgent] = await selectEarliest(tx, { urgent: 1 });
  const earliest = Math.min(normal?.ready_at ?? never, urgent?.ready_at ?? never);
  return earliest === never ? undefined : earliest;
}

export async function listParkedWork(
  tx: Tx,
): Promise<{ kind: string; key: string; attempts: number; parked_at: number | null; last_error: string | null }[]> {
  return tx
    .selectFrom('work')
    .select(['kind', 'key', 'attempts', 'parked_at', 'last_error'])
    .where('parked_at', 'is not', null)
    .orderBy('parked_at')
    .orderBy('kind')
    .orderBy('key')
    .execute();
}

/** Lets parked (or backing off) rows run now: one, or all that are parked. Returns how many. */
export async function unparkWork(tx: Tx, which: { kind: string; key: string } | 'all', nowMs: number): Promise<number> {
  let update = tx.updateTable('work').set({ attempts: 0, parked_at: null, ready_at: nowMs }).where('owner', 'is', null);
  update =
    which === 'all'
      ? update.where('parked_at', 'is not', null)
      : update.where('kind', '=', which.kind).where('key', '=', which.key).where('attempts', '>', 0);
  const { numUpdatedRows } = await update.executeTakeFirst();
  return Number(numUpdatedRows);
}

/** Rows that want nothing, now or later, are made anew when somebody wants something. */
export async function deleteIdleWork(tx: Tx): Promise<void> {
  await tx
    .deleteFrom('work')
    .where('ready_at', '=', never)
    .where('due_at', '=', never)
    .where('owner', 'is', null)
    .where('attempts', '=', 0)
    .where('parked_at', 'is', null)
    .execute();
}
