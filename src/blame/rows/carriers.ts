import type { MarkId, VersionId } from '../../model/index.ts';
import { byLength, padded, prepare, type Tx } from '../../store/index.ts';

/** Live marks that forbid assigning this version: it carries them, and no person has overridden them for it. */
export async function liveMarksOf(tx: Tx, version: VersionId): Promise<MarkId[]> {
  return (await carriersAmong(tx, [version])).get(version) ?? [];
}

const selectCarriers = byLength((list) =>
  prepare<readonly string[], { mark: string; version: string }>((db, p) =>
    db
      .selectFrom('carrier as c')
      .leftJoin('mark_override as o', (join) =>
        join.onRef('o.mark', '=', 'c.mark').onRef('o.version', '=', 'c.version'),
      )
      .select(['c.mark', 'c.version'])
      .where('c.version', 'in', list(p))
      .where('o.mark', 'is', null)
      .orderBy('c.mark'),
  ),
);

/**
 * Those of the versions that carry a live mark which is not overridden, each with its marks (invariant I4). Whoever
 * assigns by it compares the guard `repository/<name>` of the versions in the same attempt.
 */
export async function carriersAmong(tx: Tx, versions: readonly VersionId[]): Promise<ReadonlyMap<VersionId, MarkId[]>> {
  const found = new Map<VersionId, MarkId[]>();
  if (versions.length === 0) return found;
  for (const row of await selectCarriers(versions.length)(tx, padded(versions))) {
    const marks = found.get(row.version as VersionId) ?? [];
    marks.push(row.mark as MarkId);
    found.set(row.version as VersionId, marks);
  }
  return found;
}

export async function insertCarriers(tx: Tx, version: VersionId, marks: readonly MarkId[]): Promise<void> {
  if (marks.length === 0) return;
  await tx
    .insertInto('carrier')
    .values(marks.map((mark) => ({ mark, version })))
    .onConflict((on) => on.doNothing())
    .execute();
}

/** Whoever carries a mark, computed anew. */
export async function replaceCarriers(tx: Tx, mark: MarkId, versions: readonly VersionId[]): Promise<void> {
  await tx.deleteFrom('carrier').where('mark', '=', mark).execute();
  for (let at = 0; at < versions.length; at += 200) {
    const some = versions.slice(at, at + 200).map((version) => ({ mark, version }));
    await tx.insertInto('carrier').values(some).execute();
  }
}
