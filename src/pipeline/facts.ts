import type {
  ActionRun,
  ActionRunId,
  ArtifactRevision,
  CommitId,
  Digest,
  EnvironmentName,
  HoldFor,
  HostId,
  MarkId,
  Problem,
  Release,
  ReleaseId,
  Rollout,
  RolloutId,
  ServiceName,
  ServiceSpec,
  VersionId,
} from '../model/index.ts';
import type { PackedSource } from './ports.ts';

/** What an agent says of one action run, as `api/agent-protocol.ts` brings it. */
export interface ActionReport {
  readonly run: ActionRunId;
  readonly host: HostId;
  readonly state: 'running' | 'succeeded' | 'failed' | 'timed-out' | 'cancelled' | 'lost';
  readonly exitCode: number | undefined;
  /** Which command failed, and the last lines of its output. */
  readonly summary: string;
  readonly output: Pick<ArtifactRevision, 'digest' | 'sizeBytes'> | undefined;
  /** What a comparison of two builds measured: of each pair the old build's number, then the new one's. */
  readonly perf?: readonly (readonly [number, number])[] | undefined;
  readonly atMs: number;
}

/** An action run with what only the pipeline needs of it. */
export interface Run extends ActionRun {
  readonly service: ServiceName;
  /** `rollback`: made by a person's command on a deploy action; no part of its release's passage. */
  readonly kind: 'action' | 'rollback';
  /** Deploy actions only: the target. */
  readonly environment: EnvironmentName | undefined;
  /** Where it was ordered; deploy and bake have none. */
  readonly host: HostId | undefined;
  /** The exact content it worked on: `source`, or artifacts by name. */
  readonly inputs: Readonly<Record<string, Digest>>;
  readonly cacheKey: string | undefined;
  /** It ended because a machine failed, not what it ran: `retries` pay for another try. */
  readonly isMachineFault: boolean;
  readonly createdAtMs: number;
  /** A bake's end, or when the server gives up waiting for the agent's word. */
  readonly dueAtMs: number | undefined;
}

/** The tree of a release, packed, or why it could not be. */
export type SourceState =
  | { readonly kind: 'wanted' }
  | { readonly kind: 'asked' }
  | { readonly kind: 'ready'; readonly source: PackedSource }
  | { readonly kind: 'failed'; readonly problem: Problem };

/** A release with what only the pipeline needs of it. */
export interface ReleaseFacts extends Release {
  /** False until the configuration of its commit was read: then `pipelineRevision` is its own. */
  readonly isConfigured: boolean;
  /** A person asked for this commit. */
  readonly isNamed: boolean;
  /** Hold its rollouts after the phase of this name. */
  readonly holdAfter: string | undefined;
  readonly holdFor?: HoldFor | undefined;
  /** A person said, with this reason, that it must not be undone by itself. */
  readonly forwardOnly: string | undefined;
  /** Deploy to no environment behind this one. */
  readonly onlyTo: EnvironmentName | undefined;
  readonly source: SourceState;
  readonly reason: string | undefined;
  readonly endedAtMs: number | undefined;
}

/** A rollback keeps its deploy action shut for what contains the change that was rolled back. */
export interface DeployHold {
  readonly service: ServiceName;
  readonly environment: EnvironmentName;
  readonly by: string;
  readonly reason: string;
  readonly atMs: number;
  readonly rollout: RolloutId | undefined;
  /** What was rolled back from, and to. */
  readonly from: VersionId | undefined;
  readonly to: VersionId | undefined;
}

/** A host that may get an action. */
export interface ActionHost {
  readonly id: HostId;
  readonly canWork: boolean;
  /** Its state says it will not report any more; what it was doing is lost. */
  readonly isGone: boolean;
  readonly runningActions: number;
  readonly runningTasks: number;
}

/** Everything one decision about a service's pipeline looks at. */
export interface PipelineState {
  readonly service: ServiceName;
  /** The specification of each revision that a live release uses. */
  readonly revisions: ReadonlyMap<number, ServiceSpec>;
  /** Those that have not ended, in no particular order. */
  readonly releases: readonly ReleaseFacts[];
  /** All runs of the live releases, and live runs of ended ones (rollbacks). */
  readonly runs: readonly Run[];
  /** The newest release that each action let through, and, of deploy actions, what its target holds. */
  readonly passed: readonly Passed[];
  readonly reports: readonly ActionReport[];
  readonly rollouts: ReadonlyMap<RolloutId, Rollout>;
  /** Versions that carry a live mark nobody has overridden. */
  readonly carriers: ReadonlyMap<VersionId, readonly MarkId[]>;
  readonly holds: readonly DeployHold[];
  /** Releases that a hold of this environment does not concern: they contain a fix, or not the change at all. */
  readonly freeOfHold: ReadonlyMap<EnvironmentName, ReadonlySet<ReleaseId>>;
  readonly cache: ReadonlyMap<string, ArtifactRevision>;
  /** What a new build is measured beside: the package of the newest good version of each environment asked for. */
  readonly baselines: ReadonlyMap<EnvironmentName, Digest>;
  readonly hosts: readonly ActionHost[];
  /** False: the server's own disk is nearly full, so that no source is packed and nothing is built. */
  readonly hasRoom: boolean;
}

/** Where a release stands in the order of its service. */
export type Standing = Pick<Release, 'id' | 'position' | 'createdAtMs' | 'commit' | 'subject'>;

export interface Passed {
  readonly action: string;
  readonly environment: EnvironmentName | undefined;
  readonly release: Standing;
}

/** A watched repository. */
export interface RepositoryFacts {
  readonly name: string;
  /** A path or an address that Git understands; never holds a secret. */
  readonly location: string;
  /** Watched from the start; services add theirs. */
  readonly branch: string;
  readonly pollEveryMs: number;
  readonly createdAtMs: number;
  /** The newest commit seen on each watched branch. */
  readonly heads: Readonly<Record<string, CommitId>>;
  readonly polledAtMs: number | undefined;
  /** Since when an answer of Git is awaited. */
  readonly readingSinceMs: number | undefined;
  readonly isReadWanted: boolean;
  /** Commits off the watched branches that a person wants released. */
  readonly wantedTips: readonly CommitId[];
}

/** A service as its repository's configuration last described it. */
export interface ServiceFacts {
  readonly name: ServiceName;
  readonly repository: string;
  readonly configPath: string;
  readonly branch: string;
  /** The pipeline revision of the newest release; undefined until a configuration was valid once. */
  readonly revision: number | undefined;
  readonly createdAtMs: number;
}
