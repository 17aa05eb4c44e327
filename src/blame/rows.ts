import type { Selectable } from 'kysely';
import type { Actor, CommitId, MarkId, MarkOverride, VersionId } from '../model/index.ts';
import type { Schema, Tx } from '../store/index.ts';
import type { KnownMark } from './decide-marks.ts';
import type { CommitTrailers, MarkRequest, SourceCommit } from './facts.ts';
import { appendCommit, type CommitGraph, type CommitGraphs, emptyGraph } from './graph.ts';

// ---------------------------------------------------------------- who carries what

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

/** Marks a version carries, overridden or not. */
export async function listMarksCarried(tx: Tx, version: VersionId): Promise<MarkId[]> {
  const rows = await tx.selectFrom('carrier').select('mark').where('version', '=', version).orderBy('mark').execute();
  return rows.map((row) => row.mark as MarkId);
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

/** All pairs of a mark and a version that carries it. */
export async function listCarriers(tx: Tx): Promise<{ readonly mark: MarkId; readonly version: VersionId }[]> {
  const rows = await tx.selectFrom('carrier').selectAll().orderBy('mark').orderBy('version').execute();
  return rows.map((row) => ({ mark: row.mark as MarkId, version: row.version as VersionId }));
}

// ---------------------------------------------------------------- wishes of failed rollouts

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

export async function listOpenRequests(tx: Tx, repository: string): Promise<MarkRequest[]> {
  const rows = await tx
    .selectFrom('mark_request')
    .selectAll()
    .where('repository', '=', repository)
    .where('state', '=', 'open')
    .orderBy('at_ms')
    .execute();
  return rows.map((row) => ({
    rollout: row.rollout as MarkRequest['rollout'],
    repository: row.repository,
    service: row.service,
    release: (row.release ?? undefined) as MarkRequest['release'],
    version: row.version as VersionId,
    facts: JSON.parse(row.facts),
    atMs: Number(row.at_ms),
  }));
}

export async function endRequest(tx: Tx, rollout: string, state: 'marked' | 'refused', outcome: string): Promise<void> {
  await tx.updateTable('mark_request').set({ state, outcome }).where('rollout', '=', rollout).execute();
}

// ---------------------------------------------------------------- commits

/** The repository's graph, brought up to the rows. The cache only ever holds committed rows: never call it in `write`. */
export async function loadGraph(tx: Tx, graphs: CommitGraphs, repository: string): Promise<CommitGraph> {
  const graph = graphs.get(repository) ?? emptyGraph();
  graphs.set(repository, graph);
  for (;;) {
    const rows = await tx
      .selectFrom('git_commit')
      .select(['seq', 'id', 'parents'])
      .where('repository', '=', repository)
      .where('seq', '>=', graph.ids.length)
      .orderBy('seq')
      .limit(10_000)
      .execute();
    for (const row of rows) {
      // Another turn may have brought it up meanwhile.
      if (row.seq === graph.ids.length) appendCommit(graph, { id: row.id, parents: JSON.parse(row.parents) });
    }
    if (rows.length < 10_000) return graph;
  }
}

export interface NewCommit extends SourceCommit {
  readonly seq: number;
  readonly parentSeqs: readonly number[];
}

export async function insertCommits(tx: Tx, repository: string, commits: readonly NewCommit[]): Promise<void> {
  for (let at = 0; at < commits.length; at += 100) {
    const rows = commits.slice(at, at + 100).map((commit) => ({
      repository,
      seq: commit.seq,
      id: commit.id,
      parents: JSON.stringify(commit.parentSeqs),
      author: commit.author,
      subject: commit.subject,
      committed_at_ms: commit.committedAtMs,
      trailers: isSilent(commit.trailers) ? null : JSON.stringify(commit.trailers),
    }));
    await tx.insertInto('git_commit').values(rows).execute();
  }
}

function isSilent({ reverts, fixes }: CommitTrailers): boolean {
  return reverts.length === 0 && fixes.length === 0;
}

/** The few commits whose messages say something about others. */
export async function listSpeakingCommits(
  tx: Tx,
  repository: string,
): Promise<{ readonly id: CommitId; readonly trailers: CommitTrailers }[]> {
  const rows = await tx
    .selectFrom('git_commit')
    .select(['id', 'trailers'])
    .where('repository', '=', repository)
    .where('trailers', 'is not', null)
    .orderBy('seq')
    .execute();
  return rows.map((row) => ({ id: row.id, trailers: JSON.parse(row.trailers ?? '{}') }));
}

/** A commit for people. */
export interface CommitWords {
  readonly id: CommitId;
  readonly author: string;
  readonly subject: string;
  readonly committedAtMs: number;
}

/** Those of the commits that are stored. */
export async function listCommits(tx: Tx, repository: string, ids: readonly CommitId[]): Promise<CommitWords[]> {
  const found: CommitWords[] = [];
  for (let at = 0; at < ids.length; at += 500) {
    const rows = await tx
      .selectFrom('git_commit')
      .select(['id', 'author', 'subject', 'committed_at_ms'])
      .where('repository', '=', repository)
      .where('id', 'in', ids.slice(at, at + 500))
      .execute();
    for (const { id, author, subject, committed_at_ms } of rows)
      found.push({ id, author, subject, committedAtMs: Number(committed_at_ms) });
  }
  return found;
}

/** Full ids of the stored commits that begin so; at most two, enough to see that it is not clear. */
export async function findCommitsByPrefix(tx: Tx, repository: string, prefix: string): Promise<CommitId[]> {
  if (!/^[0-9a-f]+$/.test(prefix)) return [];
  const rows = await tx
    .selectFrom('git_commit')
    .select('id')
    .where('repository', '=', repository)
    .where('id', '>=', prefix)
    .where('id', '<', `${prefix}g`)
    .limit(2)
    .execute();
  return rows.map((row) => row.id);
}

// ---------------------------------------------------------------- marks

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

/** Marks of all repositories or one, live ones first, newest first. */
export async function listMarks(tx: Tx, repository: string | undefined, limit: number): Promise<KnownMark[]> {
  let query = tx.selectFrom('mark').selectAll();
  if (repository !== undefined) query = query.where('repository', '=', repository);
  const rows = await query
    .orderBy((eb) => eb.case().when('cleared', 'is', null).then(0).else(1).end())
    .orderBy('created_at_ms', 'desc')
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  return withFixes(tx, rows);
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

export async function listOverrides(tx: Tx, mark: MarkId): Promise<MarkOverride[]> {
  const rows = await tx.selectFrom('mark_override').selectAll().where('mark', '=', mark).orderBy('at_ms').execute();
  return rows.map((row) => ({
    mark: row.mark as MarkId,
    version: row.version as VersionId,
    by: JSON.parse(row.by_actor),
    reason: row.reason,
    atMs: Number(row.at_ms),
  }));
}
