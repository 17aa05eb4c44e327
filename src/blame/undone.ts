import type { CommitId } from '../model/index.ts';
import type { CommitTrailers } from './facts.ts';
import { type CommitGraph, type Contained, containedIn, contains } from './graph.ts';

/**
 * What a commit does to another by the words of its message: undoes it (`git revert`; `backTo` is given when a merge
 * was reverted: the parent it returns to), or repeats it on another branch (`git cherry-pick -x`).
 */
export interface Echo {
  readonly does: 'revert' | 'pick';
  readonly by: number;
  readonly commit: number;
  readonly backTo: number | undefined;
}

/** Reverts and picks among the commits whose messages say something, as far as all their commits are known. */
export function echoesIn(
  graph: CommitGraph,
  speaking: readonly { readonly id: CommitId; readonly trailers: CommitTrailers }[],
): Echo[] {
  const { seqOf } = graph;
  return speaking.flatMap(({ id, trailers }) => {
    const by = seqOf.get(id);
    if (by === undefined) return [];
    const echoes: Echo[] = [];
    for (const { commit, backTo } of trailers.reverts) {
      const [undone, kept] = [seqOf.get(commit), backTo === undefined ? undefined : seqOf.get(backTo)];
      if (undone === undefined || (backTo !== undefined && kept === undefined)) continue;
      echoes.push({ does: 'revert', by, commit: undone, backTo: kept });
    }
    for (const commit of trailers.picks ?? []) {
      const picked = seqOf.get(commit);
      if (picked !== undefined) echoes.push({ does: 'pick', by, commit: picked, backTo: undefined });
    }
    return echoes;
  });
}

/**
 * One way in which a change is in a build: the build contains `applied` (the commit itself, or a revert of its
 * revert) and none of `removed` (reverts that saw it).
 */
export interface Presence {
  readonly applied: number;
  readonly removed: readonly number[];
}

type Kind = 'applied' | 'removed';

/**
 * When the change made by `commit` is in a build, over all reverts and cherry-picks known. The last word on each line of history
 * counts: C, its revert R, the revert of R brings C back, and so on; a pick of any of them does the same elsewhere; a re-application that no revert has seen
 * (on another branch) leaves the change in. Where histories disagree, a change counts as present.
 */
export function presencesOf(graph: CommitGraph, commit: number, echoes: readonly Echo[]): Presence[] {
  const events = eventsOn(graph, commit, echoes);
  const removals = [...events].filter(([, kind]) => kind === 'removed').map(([seq]) => seq);
  const presences: Presence[] = [];
  for (const [applied, kind] of events) {
    if (kind === 'applied')
      presences.push({ applied, removed: removals.filter((removed) => contains(graph, removed, applied)) });
  }
  return presences;
}

export function isPresent(presences: readonly Presence[], build: Contained): boolean {
  return presences.some(({ applied, removed }) => build.has(applied) && !removed.some((seq) => build.has(seq)));
}

/** Every commit that applies or removes the change. A revert may be stored before what it reverts: repeat until still. */
function eventsOn(graph: CommitGraph, commit: number, echoes: readonly Echo[]): Map<number, Kind> {
  const events = new Map<number, Kind>([[commit, 'applied']]);
  for (let round = 0; round <= echoes.length; round++) {
    let isStill = true;
    for (const [by, kinds] of Map.groupBy(echoes, (echo) => echo.by)) {
      const found = kinds.map((echo) => effectOf(graph, events, echo)).filter((kind) => kind !== undefined);
      const kind = found.includes('applied') ? 'applied' : found[0];
      if (kind === undefined || by === commit || events.get(by) === kind) continue;
      events.set(by, kind);
      isStill = false;
    }
    if (isStill) break;
  }
  return events;
}

function effectOf(graph: CommitGraph, events: ReadonlyMap<number, Kind>, echo: Echo): Kind | undefined {
  if (echo.does === 'pick') return events.get(echo.commit);
  if (echo.backTo === undefined) {
    const undone = events.get(echo.commit);
    return undone && (undone === 'applied' ? 'removed' : 'applied');
  }
  // A reverted merge: everything it brought in goes back to how it was at the parent.
  const brought = containedIn(graph, [echo.commit]);
  const kept = containedIn(graph, [echo.backTo]);
  const isTouched = [...events.keys()].some((seq) => seq !== echo.by && brought.has(seq) && !kept.has(seq));
  if (!isTouched) return undefined;
  const before = [...events].filter(([seq]) => kept.has(seq));
  const removals = before.filter(([, kind]) => kind === 'removed').map(([seq]) => seq);
  const wasThere = before.some(
    ([applied, kind]) => kind === 'applied' && !removals.some((removed) => contains(graph, removed, applied)),
  );
  return wasThere ? 'applied' : 'removed';
}
