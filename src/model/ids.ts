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
/** Name of one of several jobs of an environment: `us`. */
export type JobName = string;
/** One job of a service in an environment: `guestbook@production`; one of several: `guestbook@production.us`. */
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

/** `jobId('guestbook', 'production')` → `guestbook@production`; with `us` as third: `guestbook@production.us`. */
export function jobId(service: ServiceName, environment: EnvironmentName, name?: JobName): JobId {
  return name === undefined ? `${service}@${environment}` : `${service}@${environment}.${name}`;
}

/** Of a whole job id. */
export const jobIdPattern = /^[a-z][a-z0-9-]*@[a-z][a-z0-9-]*(\.[a-z][a-z0-9-]*)?$/;

export interface JobParts {
  readonly service: ServiceName;
  readonly environment: EnvironmentName;
  /** Undefined: the environment has only this one. */
  readonly name: JobName | undefined;
}

/** What a job's id is made of: `guestbook@production.us` → `guestbook`, `production`, `us`. */
export function partsOfJob(job: JobId): JobParts {
  const at = job.lastIndexOf('@');
  const [environment = '', name] = job.slice(at + 1).split('.');
  return { service: job.slice(0, at), environment, name };
}

/** `v_` and the first 16 digits of the bundle's digest. */
export function versionId(bundleDigest: Digest): VersionId {
  return `v_${bundleDigest.slice(0, 16)}`;
}
