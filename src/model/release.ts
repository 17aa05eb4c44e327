import type { Actor } from './actor.ts';
import type { ActionRunId, CommitId, Digest, ReleaseId, RolloutId, ServiceName, VersionId } from './ids.ts';

export const releaseStates = ['running', 'blocked', 'succeeded', 'failed', 'cancelled', 'superseded'] as const;
export type ReleaseState = (typeof releaseStates)[number];

/** One bundle's passage through a pipeline revision. */
export interface Release {
  readonly id: ReleaseId;
  readonly service: ServiceName;
  readonly pipelineRevision: number;
  readonly repository: string;
  readonly commit: CommitId;
  /** First line of the commit message, and its author's name: for people. */
  readonly subject: string;
  readonly author: string;
  /** Position on the watched branch (first parent); a commit off the branch stands after its merge base. */
  readonly position: number;
  readonly createdAtMs: number;
  readonly createdBy: Actor;
  readonly state: ReleaseState;
  readonly version: VersionId | undefined;
}

export const actionRunStates = [
  'waiting',
  'ready',
  'running',
  'blocked',
  'succeeded',
  'failed',
  'cancelled',
  'skipped',
  'parked',
] as const;
export type ActionRunState = (typeof actionRunStates)[number];

/** One attempt of one action for one release. */
export interface ActionRun {
  readonly id: ActionRunId;
  readonly release: ReleaseId;
  readonly action: string;
  readonly attempt: number;
  readonly state: ActionRunState;
  /** In words: why it waits, is blocked or failed. */
  readonly reason: string | undefined;
  readonly rollout: RolloutId | undefined;
  readonly outputs: Readonly<Record<string, ArtifactRevision>>;
  readonly startedAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
}

/** An exact content of an artifact. */
export interface ArtifactRevision {
  readonly kind: 'package' | 'report' | 'config' | 'model' | 'image';
  readonly digest: Digest;
  readonly sizeBytes: number;
}
