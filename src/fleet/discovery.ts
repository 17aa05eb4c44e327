import { digestOf } from '../kit/index.ts';
import {
  type HostId,
  type HostState,
  type Incarnation,
  isInTraffic,
  type JobId,
  type TaskIndex,
  type TaskState,
  type Traffic,
  type VersionId,
} from '../model/index.ts';

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
 * silence suspected hosts keep their entries: the fault is more likely ours than theirs. While two sets stand beside each
 * other, only those that have the traffic; after the switch, if none of them serves, all that do.
 */
export function discover(
  job: JobId,
  endpoints: readonly Endpoint[],
  hostStates: ReadonlyMap<HostId, HostState>,
  massSilence: boolean,
  traffic?: Traffic,
): DiscoveryList {
  const serving = endpoints.filter(
    (one) => one.job === job && one.state === 'serving' && isReachable(hostStates.get(one.host), massSilence),
  );
  const switched = serving.filter(({ version }) => isInTraffic(traffic, version));
  // What was checked may fail all at once; the set of before is still there. Never the other way round.
  const isInVain = switched.length === 0 && traffic?.side === 'only';
  const chosen = new Map<TaskIndex, Endpoint>();
  for (const endpoint of isInVain ? serving : switched) {
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
