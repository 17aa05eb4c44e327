/** What may be tuned; the defaults fit a server. */
export interface EngineSettings {
  /** How long a claimed work row belongs to a process that is not heard of. */
  readonly leaseMs: number;
  /** Failures in a row before a work row is parked, if its kind does not say. */
  readonly maxAttempts: number;
  readonly backoffBaseMs: number;
  readonly backoffCapMs: number;
  /** How often a parked row is tried again by itself. */
  readonly parkedRetryMs: number;
  /** How many rows one claim takes at most (of `run`; `step` takes one). */
  readonly claimBatch: number;
  /** Turns at a time (PostgreSQL); on SQLite they would only wait for each other. */
  readonly turnsAtOnce: number;
  readonly effectsAtOnce: number;
  /** How often `run` looks for what other processes enqueued. */
  readonly pollMs: number;
  /** How long one process stays the sealer without renewing (PostgreSQL). */
  readonly sealLeaseMs: number;
  /** Ended effects and answered commands are kept this long. */
  readonly keepEndedMs: number;
  /** When it differs from the last start's, everything parked is tried again. */
  readonly programVersion: string;
  /**
   * No other process uses this store: at the start, leases that a former process left are taken over at once instead
   * of when they end. Default: true for SQLite, false for PostgreSQL.
   */
  readonly isSoleProcess: boolean | undefined;
}

export const defaultSettings: EngineSettings = {
  leaseMs: 30_000,
  maxAttempts: 8,
  backoffBaseMs: 200,
  backoffCapMs: 60_000,
  parkedRetryMs: 3_600_000,
  claimBatch: 16,
  turnsAtOnce: 4,
  effectsAtOnce: 32,
  pollMs: 250,
  sealLeaseMs: 2000,
  keepEndedMs: 86_400_000,
  programVersion: '',
  isSoleProcess: undefined,
};
