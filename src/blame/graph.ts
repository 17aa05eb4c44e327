import { assert, type CommitId } from '../model/index.ts';

/**
 * The commits of one repository, parents before children: commit number `seq` has only parents with smaller numbers.
 * So one pass over the numbers answers every question about ancestry, without recursion. It only grows; it is a cache
 * of the `git_commit` rows and can be built again from them.
 */
export interface CommitGraph {
  readonly ids: CommitId[];
  readonly seqOf: Map<CommitId, number>;
  /** First parent of each commit, -1 for a root. */
  firstParent: Int32Array;
  /** Second and later parents, for the merges only. */
  readonly otherParents: Map<number, readonly number[]>;
  /** Steps to the root along first parents: a commit's position on any branch whose first-parent line it lies on. */
  depth: Int32Array;
}

export interface GraphCommit {
  readonly id: CommitId;
  /** Numbers of the parents, first parent first. */
  readonly parents: readonly number[];
}

export function emptyGraph(): CommitGraph {
  return {
    ids: [],
    seqOf: new Map(),
    firstParent: new Int32Array(64),
    otherParents: new Map(),
    depth: new Int32Array(64),
  };
}

/** Adds the next commit and gives its number. */
export function appendCommit(graph: CommitGraph, commit: GraphCommit): number {
  const seq = graph.ids.length;
  assert(
    commit.parents.every((parent) => parent >= 0 && parent < seq),
    'parents come before children',
    { ...commit },
  );
  if (seq === graph.depth.length) grow(graph);
  const [first = -1, ...others] = commit.parents;
  graph.ids.push(commit.id);
  graph.seqOf.set(commit.id, seq);
  graph.firstParent[seq] = first;
  graph.depth[seq] = first < 0 ? 0 : graph.depth[first]! + 1;
  if (others.length > 0) graph.otherParents.set(seq, others);
  return seq;
}

function grow(graph: CommitGraph): void {
  const size = graph.depth.length * 2;
  const firstParent = new Int32Array(size);
  const depth = new Int32Array(size);
  firstParent.set(graph.firstParent);
  depth.set(graph.depth);
  graph.firstParent = firstParent;
  graph.depth = depth;
}

/** The number of a commit that must be known: callers store commits before they ask about them. */
export function seqOf(graph: CommitGraph, id: CommitId): number {
  const seq = graph.seqOf.get(id);
  assert(seq !== undefined, 'the commit is in the graph', { id });
  return seq;
}

export function parentsOf(graph: CommitGraph, seq: number): readonly number[] {
  const first = graph.firstParent[seq]!;
  return first < 0 ? [] : [first, ...(graph.otherParents.get(seq) ?? [])];
}

/** Commits that a build contains: those it was asked about, and all of their ancestors down to `from`. */
export interface Contained {
  has(seq: number): boolean;
}

/**
 * What the tips contain, the tips included. Only commits numbered `from` and above are looked at (older ones answer
 * false): the work is the age of the oldest commit in question, not the age of the repository.
 */
export function containedIn(graph: CommitGraph, tips: readonly number[], from = 0): Contained {
  const top = Math.max(-1, ...tips);
  const marks = new Uint8Array(Math.max(0, top - from + 1));
  for (const tip of tips) if (tip >= from) marks[tip - from] = 1;
  const { firstParent, otherParents } = graph;
  for (let seq = top; seq >= from; seq--) {
    if (marks[seq - from] === 0) continue;
    const first = firstParent[seq]!;
    if (first < 0) continue;
    if (first >= from) marks[first - from] = 1;
    const others = otherParents.get(seq);
    if (others) for (const other of others) if (other >= from) marks[other - from] = 1;
  }
  return { has: (seq) => seq >= from && seq <= top && marks[seq - from] === 1 };
}

/** Whether a build at `descendant` contains `ancestor` (a commit contains itself). */
export function contains(graph: CommitGraph, descendant: number, ancestor: number): boolean {
  return descendant >= ancestor && containedIn(graph, [descendant], ancestor).has(ancestor);
}

/** The position of `seq` on the first-parent line that ends at `head`, or that of its merge base and a half. */
export function positionOn(graph: CommitGraph, head: number, seq: number): number {
  let on = head;
  while (on > seq) on = graph.firstParent[on]!;
  if (on === seq) return graph.depth[seq]!;
  // Nobody of the line above `seq` can be its ancestor: look on from there.
  const within = containedIn(graph, [seq]);
  while (on >= 0 && !within.has(on)) on = graph.firstParent[on]!;
  return on < 0 ? -0.5 : graph.depth[on]! + 0.5;
}

/** Graphs by repository, filled from rows as they are asked for (`rows.ts`, `loadGraph`); thrown away without loss. */
export type CommitGraphs = Map<string, CommitGraph>;
