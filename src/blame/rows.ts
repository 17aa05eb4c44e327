import type { MarkId, VersionId } from '../model/index.ts';
import type { Tx } from '../store/index.ts';
import type { MarkRequest } from './facts.ts';

/** Live marks that forbid assigning this version: it carries them, and no person has overridden them for it. */
export async function liveMarksOf(tx: Tx, version: VersionId): Promise<MarkId[]> {
  return (await carriersAmong(tx, [version])).get(version) ?? [];
}

/**
 * Those of the versions that carry a live mark which is not overridden, each with its marks (invariant I4). Whoever
 * assigns by it compares the guard `repository/<name>` of the versions in the same attempt.
 */
export async function carriersAmong(tx: Tx, versions: readonly VersionId[]): Promise<ReadonlyMap<VersionId, MarkId[]>> {
  const found = new Map<VersionId, MarkId[]>();
  if (versions.length === 0) return found;
  const rows = await tx
    .selectFrom('carrier as c')
    .leftJoin('mark_override as o', (join) => join.onRef('o.mark', '=', 'c.mark').onRef('o.version', '=', 'c.version'))
    .select(['c.mark', 'c.version'])
    .where('c.version', 'in', [...versions])
    .where('o.mark', 'is', null)
    .orderBy('c.mark')
    .execute();
  for (const row of rows) {
    const marks = found.get(row.version as VersionId) ?? [];
    marks.push(row.mark as MarkId);
    found.set(row.version as VersionId, marks);
  }
  return found;
}

/**
 * A failed rollout asks for a mark, or brings newer facts about its failure. Call it in `write`, and enqueue
 * `blame/mark` with the repository as key. After a decision it changes nothing.
 */
export async function recordMarkRequest(tx: Tx, request: MarkRequest): Promise<void> {
  const facts = JSON.stringify(request.facts);
  await tx
    .insertInto('mark_request')
    .values({
      rollout: request.rollout,
      repository: request.repository,
      service: request.service,
      release: request.release ?? null,
      version: request.version,
      facts,
      state: 'open',
      outcome: null,
      at_ms: request.atMs,
    })
    .onConflict((on) => on.column('rollout').doUpdateSet({ facts }).where('mark_request.state', '=', 'open'))
    .execute();
}

/** How the wish of this rollout for a mark ended, if it did: the mark's id, or why there is none. */
export async function findMarkOutcome(
  tx: Tx,
  rollout: string,
): Promise<{ readonly state: 'open' | 'marked' | 'refused'; readonly outcome: string | undefined } | undefined> {
  const row = await tx
    .selectFrom('mark_request')
    .select(['state', 'outcome'])
    .where('rollout', '=', rollout)
    .executeTakeFirst();
  return row && { state: row.state, outcome: row.outcome ?? undefined };
}
