import type { CommitId } from '../model/index.ts';
import type { CommitTrailers } from './facts.ts';
import { type CommitGraph, type Contained, containedIn, contains } from './graph.ts';

/** A commit that undoes another: `git revert`. `backTo` is given when a merge was reverted: the parent it returns to. */
export interface RevertFact {
  readonly by: number;
  readonly commit: number;
  readonly backTo: number | undefined;
}

/** Reverts among the commits whose messages say something, as far as all their commits are known. */
export function revertsIn(
  graph: CommitGraph,
  speaking: readonly { readonly id: CommitId; readonly trailers: CommitTrailers }[],
): RevertFact[] {
  return speaking.flatMap(({ id, trailers }) =>
    trailers.reverts.flatMap(({ commit, backTo }) => {
      const [by, undone] = [graph.seqOf.get(id), graph.seqOf.get(commit)];
      const kept = backTo === undefined ? undefined : graph.seqOf.get(backTo);
      if (by === undefined || undone === undefined || (backTo !== undefined && kept === undefined)) return [];
      return [{ by, commit: undone, backTo: kept }];
    }),
  );
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
 * When the change made by `commit` is in a build, over all reverts known. The last word on each line of history
 * counts: C, its revert R, the revert of R brings C back, and so on; a re-application that no revert has seen
 * (on another branch) leaves the change in. Where histories disagree, a change counts as present.
 */
export function presencesOf(graph: CommitGraph, commit: number, reverts: readonly RevertFact[]): Presence[] {
  const events = eventsOn(graph, commit, reverts);
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
function eventsOn(graph: CommitGraph, commit: number, reverts: readonly RevertFact[]): Map<number, Kind> {
  const events = new Map<number, Kind>([[commit, 'applied']]);
  for (let round = 0; round <= reverts.length; round++) {
    let isStill = true;
    for (const [by, kinds] of Map.groupBy(reverts, (revert) => revert.by)) {
      const found = kinds.map((revert) => effectOf(graph, events, revert)).filter((kind) => kind !== undefined);
      const kind = found.includes('applied') ? 'applied' : found[0];
      if (kind === undefined || by === commit || events.get(by) === kind) continue;
      events.set(by, kind);
      isStill = false;
    }
    if (isStill) break;
  }
  return events;
}

function effectOf(graph: CommitGraph, events: ReadonlyMap<number, Kind>, revert: RevertFact): Kind | undefined {
  if (revert.backTo === undefined) {
    const undone = events.get(revert.commit);
    return undone && (undone === 'applied' ? 'removed' : 'applied');
  }
  // A reverted merge: everything it brought in goes back to how it was at the parent.
  const brought = containedIn(graph, [revert.commit]);
  const kept = containedIn(graph, [revert.backTo]);
  const isTouched = [...events.keys()].some((seq) => seq !== revert.by && brought.has(seq) && !kept.has(seq));
  if (!isTouched) return undefined;
  const before = [...events].filter(([seq]) => kept.has(seq));
  const removals = before.filter(([, kind]) => kind === 'removed').map(([seq]) => seq);
  const wasThere = before.some(
    ([applied, kind]) => kind === 'applied' && !removals.some((removed) => contains(graph, removed, applied)),
  );
  return wasThere ? 'applied' : 'removed';
}
