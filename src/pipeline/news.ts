import { type CommitGraph, containedIn, positionOn, type SourceCommit } from '../blame/index.ts';
import type { CommitId } from '../model/index.ts';

/** A branch brings so many releases at most at one reading; what is older is contained in them. */
const mostReleasesAtOnce = 20;

/** A commit with its place in the graph's numbering. */
export interface PlacedCommit extends SourceCommit {
  readonly seq: number;
  readonly parentSeqs: readonly number[];
}

/**
 * Numbers commits that are not in the graph, parents first. Parents that nobody knows (a shallow repository ends
 * there) are left out. The graph itself is not changed: it grows from rows.
 */
export function placeCommits(graph: CommitGraph, commits: readonly SourceCommit[]): PlacedCommit[] {
  const placed: PlacedCommit[] = [];
  const seqs = new Map<CommitId, number>();
  const seqOf = (id: CommitId) => graph.seqOf.get(id) ?? seqs.get(id);
  for (const commit of commits) {
    if (seqOf(commit.id) !== undefined) continue;
    const seq = graph.ids.length + placed.length;
    const parentSeqs = commit.parents.map(seqOf).filter((parent) => parent !== undefined);
    placed.push({ ...commit, seq, parentSeqs });
    seqs.set(commit.id, seq);
  }
  return placed;
}

/**
 * Commits of a branch's first-parent line that its old head did not contain, oldest first: each makes a release. A
 * branch that is seen for the first time brings only its head.
 */
export function freshOnBranch(graph: CommitGraph, oldHead: CommitId | undefined, newHead: CommitId): CommitId[] {
  const tip = graph.seqOf.get(newHead);
  if (tip === undefined) return [];
  const old = oldHead === undefined ? undefined : graph.seqOf.get(oldHead);
  if (old === undefined) return [newHead];
  const known = containedIn(graph, [old]);
  const fresh: CommitId[] = [];
  for (let on = tip; on >= 0 && !known.has(on) && fresh.length < mostReleasesAtOnce; on = graph.firstParent[on]!)
    fresh.push(graph.ids[on]!);
  return fresh.reverse();
}

/** Whether the new head continues the branch; if not, it was rewritten and releases may stand elsewhere. */
export function isRewritten(graph: CommitGraph, oldHead: CommitId, newHead: CommitId): boolean {
  const [old, tip] = [graph.seqOf.get(oldHead), graph.seqOf.get(newHead)];
  if (old === undefined || tip === undefined) return false;
  return positionOn(graph, tip, old) !== graph.depth[old];
}

/** Commits that no stored commit has as a parent: what Git needs to know to tell only news. At most `limit`, newest. */
export function leavesOf(graph: CommitGraph, limit: number): CommitId[] {
  const hasChild = new Uint8Array(graph.ids.length);
  const leaves: CommitId[] = [];
  for (let seq = graph.ids.length - 1; seq >= 0 && leaves.length < limit; seq--) {
    if (hasChild[seq] === 0) leaves.push(graph.ids[seq]!);
    const first = graph.firstParent[seq]!;
    if (first >= 0) hasChild[first] = 1;
    for (const other of graph.otherParents.get(seq) ?? []) hasChild[other] = 1;
  }
  return leaves;
}
