/**
 * Identifiers. Each is a string with a prefix that says what it names, so that a log line or a URL can be read
 * without its context, and so that the compiler refuses a rollout id where an operation id is wanted.
 * They are made by `kit/ids.ts` from an injected clock and chance, and sort by the time of their making.
 */

export type ReleaseId = `rel_${string}`;
export type RolloutId = `ro_${string}`;
export type OperationId = `op_${string}`;
export type OutageId = `out_${string}`;
export type MaintenanceId = `mnt_${string}`;
export type ActionRunId = `run_${string}`;
export type MarkId = `mark_${string}`;
export type EffectId = `eff_${string}`;
export type CommandId = `cmd_${string}`;
export type TokenId = `tok_${string}`;

/** A host is named by its agent at enrolment, e.g. `host-3`; unique within one control plane. */
export type HostId = string;
/** `guestbook` */
export type ServiceName = string;
/** `production` */
export type EnvironmentName = string;
/** One job of a service in an environment: `guestbook@production`. */
export type JobId = `${string}@${string}`;
/** One deployable content of a service: `v_` and the first 16 hex digits of its bundle's digest. */
export type VersionId = `v_${string}`;
/** Lower-case hex SHA-256 of some content. */
export type Digest = string;
/** A full Git object name (40 or 64 hex digits). */
export type CommitId = string;
/** Stable index of a task in its job: 0 … size-1. */
export type TaskIndex = number;
/** The number of a placement of one index: 1, 2, 3 … Made only by an operation. */
export type Incarnation = number;

/** `jobId('guestbook', 'production')` → `guestbook@production`. */
export function jobId(service: ServiceName, environment: EnvironmentName): JobId {
  return `${service}@${environment}`;
}

/** The service and the environment of a job: `guestbook@production` → both names. */
export function partsOfJob(job: JobId): { service: ServiceName; environment: EnvironmentName } {
  const at = job.lastIndexOf('@');
  return { service: job.slice(0, at), environment: job.slice(at + 1) };
}

/** `v_` and the first 16 digits of the bundle's digest. */
export function versionId(bundleDigest: Digest): VersionId {
  return `v_${bundleDigest.slice(0, 16)}`;
}
