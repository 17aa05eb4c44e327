import type { JobId, TaskSpec, Version, VersionId } from '../src/model/index.ts';
import { readyDeadlineMs } from './scenario.ts';

export const jobId: JobId = 'guestbook@production';
export const repository = 'guestbook';
export const startMs = 1_000_000_000_000;

/** A commit for each version, one after another on one branch. */
export function commitOf(id: VersionId): string {
  return id.slice(2, 3).repeat(40);
}

export function versionOf(id: VersionId): Version {
  const task: TaskSpec = {
    command: ['node', 'server.js'],
    ports: ['http'],
    env: {},
    secretFiles: {},
    stop: { signal: 'SIGTERM', graceMs: 1000 },
    ready: { running: { afterMs: 100 }, deadlineMs: readyDeadlineMs },
    drainMs: 500,
    dataDir: false,
    resources: { cpuMillis: 100, memoryMb: 64 },
    metrics: null,
    singleton: false,
  };
  return {
    id,
    service: 'guestbook',
    commit: commitOf(id),
    repository,
    release: undefined,
    package: id.slice(2).repeat(4),
    task,
    createdAtMs: startMs,
  };
}
