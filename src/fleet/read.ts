import type { HostId, HostState, JobId } from '../model/index.ts';
import type { Tx } from '../store/index.ts';
import { type DiscoveryList, discover } from './discovery.ts';
import { type Usage, usageByHost } from './inventory.ts';
import * as rows from './rows.ts';

export type { HostRecord, StoredEndpoint } from './rows.ts';

/** A host as the hosts screen shows it. */
export interface HostOverview extends rows.HostRecord {
  readonly used: Usage;
  readonly endpoints: readonly rows.StoredEndpoint[];
}

export async function findHost(tx: Tx, host: HostId): Promise<rows.HostRecord | undefined> {
  return rows.findHost(tx, host);
}

/** All hosts with what is claimed and what runs on them. */
export async function listHostOverviews(tx: Tx): Promise<HostOverview[]> {
  const usage = usageByHost(await rows.listPlacements(tx));
  const overviews: HostOverview[] = [];
  for (const host of await rows.listHosts(tx)) {
    const used = usage.get(host.id) ?? { cpuMillis: 0, memoryMb: 0, tasks: 0 };
    overviews.push({ ...host, used, endpoints: await rows.listEndpointsOnHost(tx, host.id) });
  }
  return overviews;
}

export async function findHostOverview(tx: Tx, host: HostId): Promise<HostOverview | undefined> {
  return (await listHostOverviews(tx)).find(({ id }) => id === host);
}

/** What clients of a job are told now. */
export async function readDiscovery(tx: Tx, job: JobId): Promise<DiscoveryList> {
  const endpoints = await rows.listEndpoints(tx, job);
  const states = new Map<HostId, HostState>();
  for (const { id, state } of await rows.listHosts(tx)) states.set(id, state);
  return discover(job, endpoints, states, (await rows.loadWatchMemory(tx)).massSilence);
}

/** Which host a task's incarnation reported from; undefined when it is not known to live. */
export async function findHostOfTask(
  tx: Tx,
  job: JobId,
  index: number,
  incarnation: number,
): Promise<HostId | undefined> {
  const endpoints = await rows.listEndpoints(tx, job);
  return endpoints.find((e) => e.index === index && e.incarnation === incarnation)?.host;
}

/** Hosts that were given up: they ask (say hello) before anything they report counts. */
export async function listAbsentHosts(tx: Tx): Promise<HostId[]> {
  const hosts = await rows.listHosts(tx);
  return hosts.filter(({ state }) => state === 'lost' || state === 'fenced').map(({ id }) => id);
}

/** Whether more than half of the hosts fell silent together: for findings and `doctor`. */
export async function readMassSilence(tx: Tx): Promise<boolean> {
  return (await rows.loadWatchMemory(tx)).massSilence;
}
