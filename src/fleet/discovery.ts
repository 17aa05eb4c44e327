import { digestOf } from '../kit/index.ts';
import type { HostId, HostState, Incarnation, JobId, TaskIndex, TaskState, VersionId } from '../model/index.ts';

/** The newest report of one incarnation, as far as clients are concerned. */
export interface Endpoint {
  readonly job: JobId;
  readonly index: TaskIndex;
  readonly incarnation: Incarnation;
  readonly host: HostId;
  readonly version: VersionId;
  readonly state: TaskState;
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
}

/** One task that clients may send requests to. */
export interface DiscoveryEntry {
  readonly index: TaskIndex;
  readonly incarnation: Incarnation;
  readonly version: VersionId;
  readonly host: HostId;
  readonly address: string;
  readonly ports: Readonly<Record<string, number>>;
}

/** What clients of a job are told. Equal lists have equal revisions, whoever computed them. */
export interface DiscoveryList {
  readonly job: JobId;
  readonly revision: string;
  readonly entries: readonly DiscoveryEntry[];
}

/**
 * Who is served to clients: per index the newest incarnation that serves, on a host that is heard. During a mass
 * silence suspected hosts keep their entries: the fault is more likely ours than theirs.
 */
export function discover(
  job: JobId,
  endpoints: readonly Endpoint[],
  hostStates: ReadonlyMap<HostId, HostState>,
  massSilence: boolean,
): DiscoveryList {
  const chosen = new Map<TaskIndex, Endpoint>();
  for (const endpoint of endpoints) {
    if (endpoint.job !== job || endpoint.state !== 'serving') continue;
    if (!isReachable(hostStates.get(endpoint.host), massSilence)) continue;
    const known = chosen.get(endpoint.index);
    if (known === undefined || known.incarnation < endpoint.incarnation) chosen.set(endpoint.index, endpoint);
  }
  const entries = [...chosen.values()]
    .sort((a, b) => a.index - b.index)
    .map(({ index, incarnation, version, host, address, ports }) => {
      return { index, incarnation, version, host, address, ports };
    });
  return { job, revision: digestOf(entries).slice(0, 16), entries };
}

function isReachable(state: HostState | undefined, massSilence: boolean): boolean {
  return state === 'up' || state === 'leaving' || (state === 'suspected' && massSilence);
}
