import type { HostId, Incarnation, JobId, OperationId, TaskIndex, VersionId } from './ids.ts';

/** Task identity = (job, index, incarnation). */
export interface TaskIdentity {
  readonly job: JobId;
  readonly index: TaskIndex;
  readonly incarnation: Incarnation;
}

/**
 * What an agent says of one incarnation.
 * - `fetching`: the package is being brought to the host (nothing was stopped yet)
 * - `starting`: the process runs (or is about to) but is not ready
 * - `serving`: ready, in discovery
 * - `draining`: out of discovery, still answering
 * - `stopped`: ended because it was told to
 * - `failed`: ended or never became ready by itself, and is not being restarted now
 * - `crash-looping`: restarted locally again and again; counts as out
 */
export const taskStates = [
  'fetching',
  'starting',
  'serving',
  'draining',
  'stopped',
  'failed',
  'crash-looping',
] as const;
export type TaskState = (typeof taskStates)[number];

/** Whether this state means there is a process that could be serving again without an operation. */
export function hasProcess(state: TaskState): boolean {
  return state === 'starting' || state === 'serving' || state === 'draining' || state === 'crash-looping';
}

/** Evidence shown when a task failed its basic checks: what a person would look for first. */
export interface FailureCard {
  readonly reason: 'exited' | 'not-ready' | 'out-of-memory' | 'package' | 'cannot-start' | 'lost';
  readonly summary: string;
  readonly exitCode?: number | undefined;
  readonly signal?: string | undefined;
  readonly lastLogLines: readonly string[];
  /** The readiness probe's request and the answer it got. */
  readonly probe?: { readonly request: string; readonly answer: string } | undefined;
}

/**
 * One report of one task by its agent, appended to the inbox. `sequence` grows by one with every report of that
 * agent; "newest" is by (incarnation, sequence).
 */
export interface TaskReport {
  readonly job: JobId;
  readonly index: TaskIndex;
  readonly incarnation: Incarnation;
  /** Local restarts of this incarnation so far; life 0 is the first. */
  readonly life: number;
  readonly host: HostId;
  readonly version: VersionId;
  readonly state: TaskState;
  /** Where it answers, by port name, e.g. `{ http: 21043 }`, on `address`. Only while it has a process. */
  readonly ports: Readonly<Record<string, number>>;
  readonly address: string;
  readonly sequence: number;
  readonly atMs: number;
  readonly failure?: FailureCard | undefined;
  /** Set when an operation on this task ended with this report, or was refused. */
  readonly operation?: OperationOutcome | undefined;
}

/** How an operation ended at its agent. An operation ends with its agent's word together with the task's state. */
export interface OperationOutcome {
  readonly id: OperationId;
  readonly outcome: 'done' | 'failed' | 'refused' | 'cancelled';
  /** In words; `recovered` when the precondition "still out" no longer held. */
  readonly reason?: string | undefined;
}
