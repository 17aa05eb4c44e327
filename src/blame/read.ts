import type { Selectable } from 'kysely';
import type { Actor, CommitId, MarkId, ReleaseId, RolloutId, VersionId } from '../model/index.ts';
import type { Schema, Tx } from '../store/index.ts';

/** A commit as people recognise it. */
export interface CommitOverview {
  readonly id: CommitId;
  readonly subject: string;
  readonly author: string;
  readonly atMs: number | undefined;
}

export interface MarkOverview {
  readonly id: MarkId;
  readonly repository: string;
  readonly candidates: readonly CommitOverview[];
  readonly targets: readonly string[];
  readonly fixes: readonly CommitOverview[];
  readonly evidence: string;
  readonly rollout: RolloutId | undefined;
  readonly release: ReleaseId | undefined;
  readonly createdBy: Actor;
  readonly createdAtMs: number;
  readonly cleared: { readonly by: Actor; readonly reason: string; readonly atMs: number } | undefined;
}

export interface MarkFilter {
  readonly repository?: string | undefined;
  readonly rollout?: string | undefined;
  /** Only marks before this one: the last of the page before. */
  readonly before?: string | undefined;
  readonly limit: number;
}

/** Marks, newest first. */
export async function readMarks(tx: Tx, filter: MarkFilter): Promise<MarkOverview[]> {
  let query = tx.selectFrom('mark').selectAll();
  if (filter.repository !== undefined) query = query.where('repository', '=', filter.repository);
  if (filter.rollout !== undefined) query = query.where('rollout', '=', filter.rollout);
  if (filter.before !== undefined) query = query.where('id', '<', filter.before);
  const rows = await query.orderBy('id', 'desc').limit(filter.limit).execute();
  return Promise.all(rows.map((row) => overviewOf(tx, row)));
}

export async function findMark(tx: Tx, id: MarkId): Promise<MarkOverview | undefined> {
  const row = await tx.selectFrom('mark').selectAll().where('id', '=', id).executeTakeFirst();
  return row && overviewOf(tx, row);
}

export interface CarrierOverview {
  readonly mark: MarkId;
  readonly version: VersionId;
  readonly override: { readonly by: Actor; readonly reason: string; readonly atMs: number } | undefined;
}

/** Versions that carry a live mark (all marks, or one), overridden ones too. */
export async function readCarriers(tx: Tx, mark?: MarkId): Promise<CarrierOverview[]> {
  let query = tx
    .selectFrom('carrier as c')
    .leftJoin('mark_override as o', (join) => join.onRef('o.mark', '=', 'c.mark').onRef('o.version', '=', 'c.version'))
    .select(['c.mark', 'c.version', 'o.by_actor', 'o.reason', 'o.at_ms']);
  if (mark !== undefined) query = query.where('c.mark', '=', mark);
  const rows = await query.orderBy('c.mark').orderBy('c.version').execute();
  return rows.map((row) => ({
    mark: row.mark as MarkId,
    version: row.version as VersionId,
    override:
      row.by_actor === null
        ? undefined
        : { by: JSON.parse(row.by_actor) as Actor, reason: row.reason ?? '', atMs: Number(row.at_ms) },
  }));
}

/** Commits of a repository by id; those that are not known are left out. */
export async function readCommits(tx: Tx, repository: string, ids: readonly CommitId[]): Promise<CommitOverview[]> {
  if (ids.length === 0) return [];
  const rows = await tx
    .selectFrom('git_commit')
    .select(['id', 'subject', 'author', 'committed_at_ms'])
    .where('repository', '=', repository)
    .where('id', 'in', [...ids].slice(0, 500))
    .execute();
  const known = new Map(rows.map((row) => [row.id, row]));
  return ids.flatMap((id) => {
    const row = known.get(id);
    return row ? [{ id, subject: row.subject, author: row.author, atMs: Number(row.committed_at_ms) }] : [];
  });
}

/** Known commits that begin with these digits, at most two: more than one means that it names none. */
export async function findCommitsByPrefix(tx: Tx, repository: string, prefix: string): Promise<CommitOverview[]> {
  const rows = await tx
    .selectFrom('git_commit')
    .select(['id', 'subject', 'author', 'committed_at_ms'])
    .where('repository', '=', repository)
    .where('id', '>=', prefix)
    .where('id', '<', `${prefix}g`)
    .limit(2)
    .execute();
  return rows.map((row) => ({
    id: row.id,
    subject: row.subject,
    author: row.author,
    atMs: Number(row.committed_at_ms),
  }));
}

/** Commits that `tip` contains and none of `known` does, newest first, at most `limit`; from rows, without Git. */
export async function readCommitsBetween(
  tx: Tx,
  repository: string,
  tip: CommitId,
  known: readonly CommitId[],
  limit: number,
): Promise<CommitOverview[]> {
  const excluded = await ancestorsOf(tx, repository, known, 5000);
  const wanted = await ancestorsOf(tx, repository, [tip], limit + 1, excluded);
  return readCommits(tx, repository, [...wanted].slice(0, limit));
}

/** Breadth first over parents: at most `limit` commits, not through `stop`. */
async function ancestorsOf(
  tx: Tx,
  repository: string,
  from: readonly CommitId[],
  limit: number,
  stop: ReadonlySet<CommitId> = new Set(),
): Promise<Set<CommitId>> {
  const seen = new Set<CommitId>();
  let edge = from.filter((id) => !stop.has(id));
  while (edge.length > 0 && seen.size < limit) {
    for (const id of edge) seen.add(id);
    const rows = await tx
      .selectFrom('git_commit')
      .select('parents')
      .where('repository', '=', repository)
      .where('id', 'in', edge.slice(0, 500))
      .execute();
    const parents = rows.flatMap((row) => JSON.parse(row.parents) as number[]);
    edge = (await idsOf(tx, repository, parents)).filter((id) => !seen.has(id) && !stop.has(id));
  }
  return seen;
}

async function idsOf(tx: Tx, repository: string, places: readonly number[]): Promise<CommitId[]> {
  if (places.length === 0) return [];
  const rows = await tx
    .selectFrom('git_commit')
    .select('id')
    .where('repository', '=', repository)
    .where('seq', 'in', [...new Set(places)].slice(0, 1000))
    .orderBy('seq', 'desc')
    .execute();
  return rows.map((row) => row.id);
}

async function overviewOf(tx: Tx, row: Selectable<Schema['mark']>): Promise<MarkOverview> {
  const fixes = await tx.selectFrom('mark_fix').select('commit_id').where('mark', '=', row.id).execute();
  const named = async (ids: readonly CommitId[]): Promise<CommitOverview[]> => {
    const found = new Map((await readCommits(tx, row.repository, ids)).map((commit) => [commit.id, commit]));
    return ids.map((id) => found.get(id) ?? { id, subject: '', author: '', atMs: undefined });
  };
  return {
    id: row.id as MarkId,
    repository: row.repository,
    candidates: await named(JSON.parse(row.candidates) as CommitId[]),
    targets: JSON.parse(row.targets) as string[],
    fixes: await named(fixes.map((fix) => fix.commit_id)),
    evidence: row.evidence,
    rollout: (row.rollout ?? undefined) as RolloutId | undefined,
    release: (row.release ?? undefined) as ReleaseId | undefined,
    createdBy: JSON.parse(row.created_by) as Actor,
    createdAtMs: Number(row.created_at_ms),
    cleared: row.cleared === null ? undefined : (JSON.parse(row.cleared) as MarkOverview['cleared']),
  };
}
