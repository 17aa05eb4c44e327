import type { Selectable } from 'kysely';
import type { Actor, CommitId, MarkId, MarkOverride } from '../../model/index.ts';
import type { Schema, Tx } from '../../store/index.ts';
import type { KnownMark } from '../decide-marks.ts';

export async function listLiveMarks(tx: Tx, repository: string): Promise<KnownMark[]> {
  const rows = await tx
    .selectFrom('mark')
    .selectAll()
    .where('repository', '=', repository)
    .where('cleared', 'is', null)
    .orderBy('created_at_ms')
    .orderBy('id')
    .execute();
  return withFixes(tx, rows);
}

export async function findMark(tx: Tx, id: MarkId): Promise<KnownMark | undefined> {
  const rows = await tx.selectFrom('mark').selectAll().where('id', '=', id).execute();
  return (await withFixes(tx, rows))[0];
}

async function withFixes(tx: Tx, rows: readonly Selectable<Schema['mark']>[]): Promise<KnownMark[]> {
  if (rows.length === 0) return [];
  const ids = rows.map((row) => row.id);
  const fixes = await tx.selectFrom('mark_fix').selectAll().where('mark', 'in', ids).orderBy('at_ms').execute();
  const byMark = Map.groupBy(fixes, (fix) => fix.mark);
  return rows.map((row) => ({
    id: row.id as MarkId,
    repository: row.repository,
    candidates: JSON.parse(row.candidates),
    targets: JSON.parse(row.targets),
    fixes: (byMark.get(row.id) ?? []).map((fix) => fix.commit_id),
    evidence: row.evidence,
    seenIn: row.seen_in ?? undefined,
    rollout: (row.rollout ?? undefined) as KnownMark['rollout'],
    release: (row.release ?? undefined) as KnownMark['release'],
    createdBy: JSON.parse(row.created_by),
    createdAtMs: Number(row.created_at_ms),
    cleared: row.cleared === null ? undefined : JSON.parse(row.cleared),
  }));
}

/** Stores a mark; its fixes are stored by `insertFix`. */
export async function insertMark(tx: Tx, mark: KnownMark): Promise<void> {
  await tx
    .insertInto('mark')
    .values({
      id: mark.id,
      repository: mark.repository,
      candidates: JSON.stringify(mark.candidates),
      targets: JSON.stringify(mark.targets),
      evidence: mark.evidence,
      seen_in: mark.seenIn ?? null,
      rollout: mark.rollout ?? null,
      release: mark.release ?? null,
      created_by: JSON.stringify(mark.createdBy),
      created_at_ms: mark.createdAtMs,
      cleared: null,
    })
    .execute();
}

export async function updateMarkCleared(tx: Tx, id: MarkId, cleared: NonNullable<KnownMark['cleared']>): Promise<void> {
  await tx
    .updateTable('mark')
    .set({ cleared: JSON.stringify(cleared) })
    .where('id', '=', id)
    .execute();
}

export async function insertFix(tx: Tx, mark: MarkId, commit: CommitId, by: Actor, atMs: number): Promise<void> {
  await tx
    .insertInto('mark_fix')
    .values({ mark, commit_id: commit, by_actor: JSON.stringify(by), at_ms: atMs })
    .onConflict((on) => on.doNothing())
    .execute();
}

/** The first reason stands. */
export async function insertOverride(tx: Tx, override: MarkOverride): Promise<void> {
  const { mark, version, by, reason, atMs } = override;
  await tx
    .insertInto('mark_override')
    .values({ mark, version, by_actor: JSON.stringify(by), reason, at_ms: atMs })
    .onConflict((on) => on.doNothing())
    .execute();
}
