import type {
  Digest,
  HostId,
  Incarnation,
  JobId,
  OperationId,
  OperationKind,
  TaskIndex,
  TaskReport,
  Version,
  VersionId,
} from '../model/index.ts';

/** What a cluster can do; a plan is checked against it beforehand. */
export interface Capabilities {
  readonly inPlace: boolean;
  readonly surge: boolean;
  readonly hotswap: boolean;
  readonly move: boolean;
  /** The driver chooses hosts itself; otherwise `fleet/` places and the operation names the host. */
  readonly places: boolean;
}

/** An admitted operation, as the cluster gets it. */
export interface ExecuteRequest {
  readonly id: OperationId;
  readonly job: JobId;
  readonly index: TaskIndex;
  readonly kind: OperationKind;
  /** The incarnation it expects to find (0: none). Another one there: refused. */
  readonly incarnation: Incarnation;
  readonly nextIncarnation: Incarnation;
  readonly host: HostId | undefined;
  /** Wanted content; undefined for `stop` and `resize-down`. */
  readonly version: Version | undefined;
  /** Additional environment of the environment the job is in. */
  readonly env: Readonly<Record<string, string>>;
  /** The job's guard revision at admission; per index an older one than the newest seen is refused. */
  readonly epoch: number;
  /** Cancelled as `recovered` when this incarnation is serving at the moment it begins. */
  readonly precondition: { readonly stillOut: Incarnation } | undefined;
}

/** `begun` = written down by the receiver. A tombstoned operation will never begin. */
export type CancelAnswer = 'never-began' | 'begun' | 'done';

export interface HostReport {
  readonly host: HostId;
  readonly atMs: number;
  readonly freeDiskRatio: number;
  /** Packages it holds. */
  readonly packages: readonly Digest[];
}

/** What `observe` delivers: a snapshot with a revision first, then deltas. Silence is *unknown*, never *gone*. */
export type Observation =
  | {
      readonly kind: 'snapshot';
      readonly host: HostId;
      readonly revision: number;
      readonly tasks: readonly TaskReport[];
    }
  | { readonly kind: 'delta'; readonly host: HostId; readonly revision: number; readonly tasks: readonly TaskReport[] }
  | { readonly kind: 'heartbeat'; readonly host: HostId; readonly report: HostReport };

/**
 * What executes operations on a cluster. Receivers remember operation ids, and each index's highest incarnation and
 * epoch also after the task is gone; they refuse what is older and run the operations of one task in order.
 * Results come only through `observe`; an answer to `execute` only says that it was written down.
 */
export interface ClusterDriver {
  readonly name: string;
  readonly capabilities: Capabilities;
  /** Calls `deliver` for each observation until aborted. After a reconnect a snapshot comes first. */
  observe(deliver: (observation: Observation) => Promise<void>, signal: AbortSignal): Promise<void>;
  /** Resolves when the receiver has written it down; rejects when it could not be reached (try again). */
  execute(request: ExecuteRequest, signal: AbortSignal): Promise<void>;
  cancel(
    id: OperationId,
    at: { readonly host: HostId | undefined; readonly job: JobId; readonly index: TaskIndex },
    signal: AbortSignal,
  ): Promise<CancelAnswer>;
  /** Asks a host to bring a version's package before anything is stopped for it. Best effort. */
  prefetch(host: HostId, version: VersionId, packageDigest: Digest): Promise<void>;
}
