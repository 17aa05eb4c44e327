import type { Endpoints } from '../api/index.ts';
import { backoffMs, type Chance, type Clock } from '../kit/index.ts';
import type { TargetAddress } from './targets.ts';

/** Asks for a job's endpoints; waits up to `waitMs` while they still have this revision. */
export type ReadEndpoints = (
  job: string,
  revision: string | undefined,
  waitMs: number,
  signal: AbortSignal,
) => Promise<Endpoints>;

export interface FollowOptions {
  readonly job: string;
  /** Name of the tasks' port. */
  readonly portName: string;
  readonly read: ReadEndpoints;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly onList: (targets: readonly TargetAddress[], revision: string) => void;
  /** The server did not answer: the last list stays in use. */
  readonly onError: (error: unknown) => void;
}

const waitMs = 20_000;
/** A proxy may be behind by this much when it could not ask: tasks drain for longer. */
const retryBaseMs = 100;
const retryCapMs = 2000;

/** Keeps a job's targets up to date until aborted. Without the server the last list stays: data needs no control. */
export async function followJob(options: FollowOptions, signal: AbortSignal): Promise<void> {
  const { job, clock, chance, read } = options;
  let revision: string | undefined;
  let failures = 0;
  while (!signal.aborted) {
    try {
      const list = await read(job, revision, waitMs, signal);
      failures = 0;
      if (list.revision === revision) continue;
      revision = list.revision;
      options.onList(targetsOf(list, options.portName), revision);
    } catch (error) {
      if (signal.aborted) return;
      options.onError(error);
      failures += 1;
      const pauseMs = backoffMs(failures, retryBaseMs, retryCapMs, chance);
      await clock.sleepUntil(clock.nowMs() + pauseMs, signal).catch(() => undefined);
    }
  }
}

function targetsOf(list: Endpoints, portName: string): TargetAddress[] {
  return list.endpoints.flatMap(({ index, address, ports }) => {
    const port = ports[portName] ?? onlyPort(ports);
    return port === undefined ? [] : [{ name: String(index), address, port }];
  });
}

/** A service with one port needs no name for it. */
function onlyPort(ports: Readonly<Record<string, number>>): number | undefined {
  const all = Object.values(ports);
  return all.length === 1 ? all[0] : undefined;
}
