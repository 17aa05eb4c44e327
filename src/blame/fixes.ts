import { type CommitId, err, type MarkId, ok, problem, type Result } from '../model/index.ts';
import type { SourceCommit } from './facts.ts';
import { type CommitGraph, containedIn, seqOf } from './graph.ts';

/** What of a mark decides what may fix it. */
export interface FixableMark {
  readonly id: MarkId;
  readonly candidates: readonly CommitId[];
  /** The commit at which it was seen to be bad: what that build contained is no fix. */
  readonly seenIn: CommitId | undefined;
}

const shortest = 7;

/** Whether a trailer `Rollway-Fixes: <text>` means this mark: its id, or (at least 7 digits of) a candidate. */
export function meansMark(text: string, mark: FixableMark): boolean {
  if (text === mark.id) return true;
  const digits = text.toLowerCase();
  if (digits.length < shortest || !/^[0-9a-f]+$/.test(digits)) return false;
  return mark.candidates.some((candidate) => candidate.startsWith(digits));
}

/** Commits of the list that say by a trailer that they fix this mark, and can. */
export function fixesByTrailer(
  graph: CommitGraph,
  mark: FixableMark,
  commits: readonly Pick<SourceCommit, 'id' | 'trailers'>[],
): CommitId[] {
  const claims = commits.filter((commit) => commit.trailers.fixes.some((text) => meansMark(text, mark)));
  if (claims.length === 0) return [];
  const wasInBad = insideBad(graph, mark);
  return claims.map(({ id }) => id).filter((id) => !wasInBad(id));
}

/** Whether a person may name this commit as a fix. */
export function checkFix(graph: CommitGraph, mark: FixableMark, commit: CommitId): Result<CommitId> {
  if (!graph.seqOf.has(commit))
    return err(problem('git/unknown-commit', `${commit} is not in this repository`, { commit }));
  if (insideBad(graph, mark)(commit))
    return err(
      problem('mark/not-a-fix', `${commit.slice(0, 12)} was already in the build that ${mark.id} says is bad`, {
        commit,
        mark: mark.id,
      }),
    );
  return ok(commit);
}

/** A mark that names no build (a person made it) was seen in each of its candidates. */
function insideBad(graph: CommitGraph, mark: FixableMark): (commit: CommitId) => boolean {
  const seenIn = mark.seenIn === undefined ? mark.candidates : [mark.seenIn];
  const tips = seenIn.filter((id) => graph.seqOf.has(id)).map((id) => seqOf(graph, id));
  const bad = containedIn(graph, tips);
  return (commit) => graph.seqOf.has(commit) && bad.has(seqOf(graph, commit));
}
