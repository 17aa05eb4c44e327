import type { SourceCommit } from '../blame/index.ts';
import type { ActionRunId, CommitId, Digest, HostId, PerfOrder, Problem, Result, ServiceSpec } from '../model/index.ts';

/** Reads a repository; the server implements it with Git, tests with a commit graph in memory. */
export interface GitReader {
  /** The commit a branch points to. `git/unknown-commit` when there is no such branch. */
  headOf(location: string, branch: string, signal: AbortSignal): Promise<Result<CommitId>>;
  /**
   * The full id a person's short id or branch name means; fetches first where the repository is remote.
   */
  resolve(location: string, revision: string, signal: AbortSignal): Promise<Result<CommitId>>;
  /**
   * Commits reachable from `tip` and from none of `known`, parents before children, at most `limit` (the oldest:
   * call again for the rest).
   */
  commitsSince(
    location: string,
    tip: CommitId,
    known: readonly CommitId[],
    limit: number,
    signal: AbortSignal,
  ): Promise<Result<readonly SourceCommit[]>>;
}

/** What evaluating the configuration of one commit gave. */
export interface ConfigResult {
  readonly spec: ServiceSpec;
  /** The file it came from, inside the repository. */
  readonly path: string;
}

/** Evaluates the configuration of a commit, isolated (design section 5, "Isolation"). */
export interface ConfigReader {
  /** `path`: undefined = wherever a configuration usually lies. `spec/not-found` when there is none. */
  read(
    location: string,
    commit: CommitId,
    path: string | undefined,
    signal: AbortSignal,
  ): Promise<Result<ConfigResult, readonly Problem[]>>;
}

/** A packed tree in the artifact store: what every action of a release starts from. */
export interface PackedSource {
  readonly digest: Digest;
  readonly sizeBytes: number;
  /** Git's own name of the tree: equal trees have equal builds. */
  readonly tree: string;
}

export interface SourcePacker {
  pack(location: string, commit: CommitId, signal: AbortSignal): Promise<Result<PackedSource>>;
}

/** The order `action` of `api/agent-protocol.ts`. */
export interface ActionOrder {
  readonly id: ActionRunId;
  readonly source: Digest;
  /** What earlier actions made, by name: each in a folder of its own, under `$ROLLWAY_INPUTS`. */
  readonly inputs: Readonly<Record<string, Digest>>;
  readonly commands: readonly (readonly string[])[];
  readonly env: Readonly<Record<string, string>>;
  readonly timeoutMs: number;
  readonly output: { readonly include: readonly string[]; readonly exclude: readonly string[] } | null;
  /** Instead of `commands`: the inputs `old` and `new` are measured by turns. */
  readonly perf?: PerfOrder;
}

/** Hands orders to agents. Resolves when the agent has written it down; rejects when it cannot be reached. */
export interface ActionRunner {
  run(host: HostId, order: ActionOrder, signal: AbortSignal): Promise<void>;
  cancel(host: HostId, run: ActionRunId, signal: AbortSignal): Promise<void>;
}
