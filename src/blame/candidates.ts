import type { CommitId } from '../model/index.ts';
import { type CommitGraph, containedIn, seqOf } from './graph.ts';

/**
 * The commits that can be to blame: those the new version contains and none of the old versions does. Oldest first.
 * None left (a rebuild, a step back): there is nothing to mark.
 */
export function candidatesOf(graph: CommitGraph, newCommit: CommitId, oldCommits: readonly CommitId[]): CommitId[] {
  const tip = seqOf(graph, newCommit);
  const isNew = containedIn(graph, [tip]);
  const isOld = containedIn(
    graph,
    oldCommits.map((commit) => seqOf(graph, commit)),
  );
  const found: CommitId[] = [];
  for (let seq = 0; seq <= tip; seq++) if (isNew.has(seq) && !isOld.has(seq)) found.push(graph.ids[seq]!);
  return found;
}
