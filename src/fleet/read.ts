import { listJobsOnHost } from '../disruption/rows.ts';
import type { DriverId, HostId, HostState, JobId, Maintenance, MaintenanceId } from '../model/index.ts';
import { findTraffic } from '../rollout/rows.ts';
import type { Tx } from '../store/index.ts';
import { type DiscoveryList, discover } from './discovery.ts';
import { type Inventory, type Usage, usageByHost } from './inventory.ts';
import * as rows from './rows.ts';

export type { HostRecord, StoredDriver, StoredEndpoint } from './rows.ts';

/** Everything that placement decides about a job from, as it is now. */
export async function readInventory(tx: Tx, job: JobId, driver: DriverId): Promise<Inventory> {
  const [hosts, placements] = [await rows.loadHosts(tx, driver), await rows.listPlacementsOfJob(tx, job)];
  return { ...hosts, placements, others: await rows.loadUsageOfOthers(tx, job) };
}

/** A host as the hosts screen shows it. */
export interface HostOverview extends rows.HostRecord {
  readonly used: Usage;
  readonly endpoints: readonly rows.StoredEndpoint[];
}

/** Drivers that are plug-ins, one for each job that names one. */
export async function listDrivers(tx: Tx): Promise<rows.StoredDriver[]> {
  return rows.listDrivers(tx);
}

export async function findHost(tx: Tx, host: HostId): Promise<rows.HostRecord | undefined> {
  return rows.findHost(tx, host);
}

/** All hosts with what is claimed and what runs on them. */
export async function listHostOverviews(tx: Tx): Promise<HostOverview[]> {
  const usage = usageByHost(await rows.listPlacements(tx));
  const endpoints = Map.groupBy(await rows.listAllEndpoints(tx), ({ host }) => host);
  return (await rows.listHosts(tx)).map((host) => ({
    ...host,
    used: usage.get(host.id) ?? { cpuMillis: 0, memoryMb: 0, tasks: 0 },
    endpoints: endpoints.get(host.id) ?? [],
  }));
}

export async function findHostOverview(tx: Tx, host: HostId): Promise<HostOverview | undefined> {
  return (await listHostOverviews(tx)).find(({ id }) => id === host);
}

/** What clients of a job are told now. */
export async function readDiscovery(tx: Tx, job: JobId): Promise<DiscoveryList> {
  const endpoints = await rows.listEndpoints(tx, job);
  const states = new Map<HostId, HostState>();
  for (const { id, state } of await rows.listHosts(tx)) states.set(id, state);
  const { massSilence } = await rows.loadWatchMemory(tx);
  return discover(job, endpoints, states, massSilence, await findTraffic(tx, job));
}

/** Of these tasks, the first that is known to live on another host than this one. */
export async function findForeignTask(
  tx: Tx,
  host: HostId,
  tasks: Iterable<{ readonly job: JobId; readonly index: number; readonly incarnation: number }>,
): Promise<{ readonly task: string; readonly owner: HostId } | undefined> {
  for (const { job, index, incarnation } of tasks) {
    const owner = await rows.findHostOfTask(tx, job, index, incarnation);
    if (owner !== undefined && owner !== host) return { task: `${job}/${index} (${incarnation})`, owner };
  }
  return undefined;
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

export async function findMaintenance(tx: Tx, id: MaintenanceId): Promise<Maintenance | undefined> {
  return rows.findMaintenance(tx, id);
}

/** Open ones, oldest first, then so many that are over, newest first. */
export async function listMaintenances(tx: Tx, ended: number): Promise<Maintenance[]> {
  const open = await rows.listOpenMaintenances(tx);
  return ended === 0 ? open : [...open, ...(await rows.listEndedMaintenances(tx, ended))];
}

export interface TaskOnHost {
  readonly job: JobId;
}

/** What is on these hosts, as each job itself tells it. */
export async function listTasksOnHosts<T extends object>(
  tx: Tx,
  hosts: readonly HostId[],
  read: (job: JobId, hosts: ReadonlySet<HostId>) => Promise<T[]>,
): Promise<(T & TaskOnHost)[]> {
  const jobs = new Set<JobId>();
  for (const host of hosts) for (const job of await listJobsOnHost(tx, host)) jobs.add(job);
  const found: (T & TaskOnHost)[] = [];
  for (const job of [...jobs].sort()) {
    for (const task of await read(job, new Set(hosts))) found.push({ ...task, job });
  }
  return found;
}
