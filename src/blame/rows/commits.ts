import type { CommitId } from '../../model/index.ts';
import type { Tx } from '../../store/index.ts';
import type { CommitTrailers, SourceCommit } from '../facts.ts';
import { appendCommit, type CommitGraph, type CommitGraphs, emptyGraph } from '../graph.ts';

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

function isSilent({ reverts, fixes, picks = [], forwardOnly }: CommitTrailers): boolean {
  return reverts.length + fixes.length + picks.length === 0 && forwardOnly === undefined;
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
