import type { CommitId, ServiceName, VersionId } from '../model/index.ts';
import { type CommitGraph, containedIn } from './graph.ts';
import { type Echo, isPresent, type Presence, presencesOf } from './undone.ts';

/** What of a mark decides who carries it. */
export interface MarkContent {
  readonly candidates: readonly CommitId[];
  readonly fixes: readonly CommitId[];
  readonly targets: readonly ServiceName[];
}

/** What of a version decides which marks it carries. */
export interface Build {
  readonly id: VersionId;
  readonly service: ServiceName;
  readonly commit: CommitId;
}

/**
 * A mark against a graph, ready to be asked about many builds. It carries the mark when *any* candidate's change is
 * in it and no fix's is. A commit is never a fix because it is newer, and a fix that was reverted is none.
 */
export interface MarkTest {
  readonly targets: ReadonlySet<ServiceName>;
  readonly candidates: readonly (readonly Presence[])[];
  readonly fixes: readonly (readonly Presence[])[];
  /** The smallest commit number in question: a build is looked at only from there on. */
  readonly from: number;
}

export function markTest(graph: CommitGraph, mark: MarkContent, echoes: readonly Echo[]): MarkTest {
  const candidates = presencesOfEach(graph, mark.candidates, echoes);
  const fixes = presencesOfEach(graph, mark.fixes, echoes);
  let from = graph.ids.length;
  for (const presences of [...candidates, ...fixes]) {
    for (const { applied, removed } of presences) {
      from = Math.min(from, applied);
      for (const seq of removed) from = Math.min(from, seq);
    }
  }
  return { targets: new Set(mark.targets), candidates, fixes, from };
}

/** A commit that is not stored (a person may name one that was never fetched) is in no build. */
function presencesOfEach(graph: CommitGraph, commits: readonly CommitId[], echoes: readonly Echo[]) {
  const found: Presence[][] = [];
  for (const commit of commits) {
    const seq = graph.seqOf.get(commit);
    if (seq !== undefined)
      found.push(echoes.length === 0 ? [{ applied: seq, removed: [] }] : presencesOf(graph, seq, echoes));
  }
  return found;
}

/** Whether this build carries the mark. */
export function carries(graph: CommitGraph, mark: MarkTest, build: Build): boolean {
  return carriersOf(graph, mark, [build]).length > 0;
}

/** Those of the builds that carry the mark. */
export function carriersOf(graph: CommitGraph, mark: MarkTest, builds: readonly Build[]): VersionId[] {
  const carriers: VersionId[] = [];
  for (const [commit, same] of Map.groupBy(builds, (build) => build.commit)) {
    const seq = graph.seqOf.get(commit);
    const targeted = same.filter((build) => mark.targets.has(build.service));
    if (seq === undefined || targeted.length === 0 || seq < mark.from) continue;
    const build = containedIn(graph, [seq], mark.from);
    if (mark.fixes.some((presences) => isPresent(presences, build))) continue;
    if (!mark.candidates.some((presences) => isPresent(presences, build))) continue;
    carriers.push(...targeted.map(({ id }) => id));
  }
  return carriers;
}
