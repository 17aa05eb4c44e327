import type { CommitId } from '../model/index.ts';
import { type CommitGraph, parentsOf, seqOf } from './graph.ts';

const inNew = 1;
const inOld = 2;

/**
 * The commits that can be to blame: those the new version contains and none of the old versions does. Oldest first.
 * None left (a rebuild, a step back): there is nothing to mark. Looks no further back than to where everything is
 * known to be old.
 */
export function candidatesOf(graph: CommitGraph, newCommit: CommitId, oldCommits: readonly CommitId[]): CommitId[] {
  const tip = seqOf(graph, newCommit);
  const old = oldCommits.map((commit) => seqOf(graph, commit));
  const top = Math.max(tip, ...old);
  const flags = new Uint8Array(top + 1);
  // Commits that are flagged as only new and were not passed yet.
  let open = 0;
  const flag = (seq: number, more: number): void => {
    const before = flags[seq]!;
    const after = before | more;
    if (before !== inNew && after === inNew) open++;
    if (before === inNew && after !== inNew) open--;
    flags[seq] = after;
  };
  flag(tip, inNew);
  for (const seq of old) flag(seq, inOld);
  const found: CommitId[] = [];
  for (let seq = top; seq >= 0 && open > 0; seq--) {
    const own = flags[seq]!;
    if (own === 0) continue;
    if (own === inNew) {
      found.push(graph.ids[seq]!);
      open--;
    }
    for (const parent of parentsOf(graph, seq)) flag(parent, own);
  }
  return found.reverse();
}
