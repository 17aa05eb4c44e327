import type { CommitId, Digest, ReleaseId, ServiceName, VersionId } from './ids.ts';
import type { TaskSpec } from './service-spec.ts';

/** What an index of a job can be assigned: one bundle of a service, with all an agent needs to run it. */
export interface Version {
  readonly id: VersionId;
  readonly service: ServiceName;
  readonly commit: CommitId;
  readonly repository: string;
  readonly release: ReleaseId | undefined;
  readonly package: Digest;
  /** The environment's `env` is merged in by the driver, not here: one version serves several environments. */
  readonly task: TaskSpec;
  readonly createdAtMs: number;
}
