import type { ActionRunId, ArtifactRevision, HostId } from '../model/index.ts';

/** What an agent says of one action run, as `api/agent-protocol.ts` brings it. */
export interface ActionReport {
  readonly run: ActionRunId;
  readonly host: HostId;
  readonly state: 'running' | 'succeeded' | 'failed' | 'timed-out' | 'cancelled' | 'lost';
  readonly exitCode: number | undefined;
  /** Which command failed, and the last lines of its output. */
  readonly summary: string;
  readonly output: Pick<ArtifactRevision, 'digest' | 'sizeBytes'> | undefined;
  readonly atMs: number;
}
