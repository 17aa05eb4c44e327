import {
  type DriverId,
  err,
  fleetDriver,
  type HostId,
  isSameDriver,
  type JobId,
  ok,
  partsOfDriver,
  type Result,
  type TaskIndex,
} from '../model/index.ts';
import { lacks, roomOn } from './capacity.ts';
import {
  type Inventory,
  type InventoryHost,
  type Placement,
  type TaskNeeds,
  type Usage,
  usageByHost,
} from './inventory.ts';

/** Where should this index run next? The same question for a first start, a failover and a move. */
export interface PlaceRequest {
  readonly job: JobId;
  readonly index: TaskIndex;
  readonly needs: TaskNeeds;
  /** Only hosts with all these labels. */
  readonly hostLabels: Readonly<Record<string, string>>;
  /** Not placed again before the host of its last incarnation is fenced or has let go of it. */
  readonly isSingleton: boolean;
  /** Only hosts of this driver; left out: the fleet's. */
  readonly driver?: DriverId;
  /** Hosts it shall not go to, with the reason (a failed try, maintenance). */
  readonly excluded?: Readonly<Record<HostId, string>>;
}

/** Why no host took it. */
export interface NoHost {
  /** One sentence for people, naming the commonest obstacle. */
  readonly sentence: string;
  readonly perHost: Readonly<Record<HostId, string>>;
}

/**
 * Filter, then rank: hosts that may take the task, ordered by how few tasks of the job their region, then their rack,
 * then they themselves have; among equals the host that had the index before, the one with more free memory, the
 * smaller name. Deterministic.
 */
export function place(request: PlaceRequest, inventory: Inventory): Result<HostId, NoHost> {
  const stuck = request.isSingleton ? unfencedPredecessor(request, inventory) : undefined;
  if (stuck !== undefined) return err({ sentence: stuck, perHost: {} });

  // An older incarnation of the same index leaves before the new one starts on its host: its room counts as free.
  const others = inventory.placements.filter((claim) => !isOfIndex(claim, request));
  const usage = usageByHost(others, inventory.others);
  const perHost: Record<HostId, string> = {};
  const fitting: InventoryHost[] = [];
  for (const host of inventory.hosts) {
    if (!isSameDriver(host.driver, request.driver)) continue;
    const obstacle = obstacleOn(host, request, usage);
    if (obstacle === undefined) fitting.push(host);
    else perHost[host.id] = obstacle;
  }
  const best = first(fitting, rankIn(request, inventory, usage));
  return best === undefined ? err({ sentence: summarise(perHost, request.driver), perHost }) : ok(best.id);
}

/** Why this host may not take the task; undefined when it may. */
function obstacleOn(host: InventoryHost, request: PlaceRequest, usage: ReadonlyMap<HostId, Usage>): string | undefined {
  if (host.state !== 'up') return `it is ${host.state}`;
  if (host.isSilent) return 'it has not been heard for a few seconds';
  const excluded = request.excluded?.[host.id];
  if (excluded !== undefined) return excluded;
  for (const [key, value] of Object.entries(request.hostLabels)) {
    if (host.labels[key] !== value) return `its label ${key} is not ${value}`;
  }
  return lacks(roomOn(host, usage), request.needs);
}

function isOfIndex(claim: Placement, request: PlaceRequest): boolean {
  return claim.job === request.job && claim.index === request.index;
}

function unfencedPredecessor(request: PlaceRequest, inventory: Inventory): string | undefined {
  const states = new Map(inventory.hosts.map((host) => [host.id, host.state]));
  for (const claim of inventory.placements) {
    if (!isOfIndex(claim, request)) continue;
    const state = states.get(claim.host);
    if (state === 'fenced' || state === undefined) continue;
    return (
      `The job is a singleton and ${claim.host} (${state}) may still run incarnation ${claim.incarnation} of task ` +
      `${claim.index}; say \`rollway host dead ${claim.host}\` when it certainly does not.`
    );
  }
  return undefined;
}

type Rank = readonly (number | string)[];

/** Smaller is better, compared from left to right. */
function rankIn(
  request: PlaceRequest,
  inventory: Inventory,
  usage: ReadonlyMap<HostId, Usage>,
): (host: InventoryHost) => Rank {
  const byId = new Map(inventory.hosts.map((host) => [host.id, host]));
  const siblings = newestPerIndex(request, inventory);
  const inRegion = new Map<string, number>();
  const inRack = new Map<string, number>();
  const onHost = new Map<string, number>();
  for (const id of siblings) {
    const host = byId.get(id);
    if (host === undefined || host.state === 'fenced' || host.state === 'lost') continue;
    add(inRegion, regionOf(host));
    add(inRack, rackOf(host));
    add(onHost, host.id);
  }
  const had = new Set(inventory.placements.filter((claim) => isOfIndex(claim, request)).map((claim) => claim.host));
  return (host) => [
    inRegion.get(regionOf(host)) ?? 0,
    inRack.get(rackOf(host)) ?? 0,
    onHost.get(host.id) ?? 0,
    had.has(host.id) ? 0 : 1,
    -roomOn(host, usage).memoryMb,
    host.id,
  ];
}

/** Where each other index of the job has its newest claim: an older one is on its way out and does not count. */
function newestPerIndex(request: PlaceRequest, inventory: Inventory): HostId[] {
  const newest = new Map<TaskIndex, { incarnation: number; host: HostId }>();
  for (const claim of inventory.placements) {
    if (claim.job !== request.job || claim.index === request.index) continue;
    if ((newest.get(claim.index)?.incarnation ?? -1) < claim.incarnation) newest.set(claim.index, claim);
  }
  return [...newest.values()].map((claim) => claim.host);
}

/** The fault domains of a host; a host without the label is in a domain named by its absence. */
export function regionOf(host: { readonly labels: Readonly<Record<string, string>> }): string {
  return host.labels.region ?? '';
}

export function rackOf(host: { readonly labels: Readonly<Record<string, string>> }): string {
  return `${regionOf(host)}/${host.labels.rack ?? ''}`;
}

function first(hosts: readonly InventoryHost[], rank: (host: InventoryHost) => Rank): InventoryHost | undefined {
  let best: { host: InventoryHost; rank: Rank } | undefined;
  for (const host of hosts) {
    const candidate = { host, rank: rank(host) };
    if (best === undefined || isBefore(candidate.rank, best.rank)) best = candidate;
  }
  return best?.host;
}

function isBefore(a: Rank, b: Rank): boolean {
  for (const [i, left] of a.entries()) {
    const right = b[i] as number | string;
    if (left !== right) return left < right;
  }
  return false;
}

function add(counts: Map<string, number>, key: string): void {
  counts.set(key, (counts.get(key) ?? 0) + 1);
}

/** `No host can take it: 3 × memory: 512 MB wanted, 100 MB free (host-1, …); 1 × it is lost (host-4).` */
function summarise(perHost: Readonly<Record<HostId, string>>, driver: DriverId | undefined): string {
  const hostsByReason = new Map<string, HostId[]>();
  for (const [host, reason] of Object.entries(perHost)) {
    hostsByReason.set(reason, [...(hostsByReason.get(reason) ?? []), host]);
  }
  const plugin = partsOfDriver(driver ?? fleetDriver)?.plugin;
  if (hostsByReason.size === 0 && plugin !== undefined) {
    return `The driver ${plugin} has named no host yet; \`rollway doctor\` says how it is.`;
  }
  if (hostsByReason.size === 0) return 'No host has joined yet; `rollway agent token` prints the line to join one.';
  const parts = [...hostsByReason]
    .sort((a, b) => b[1].length - a[1].length)
    .map(([reason, hosts]) => `${hosts.slice(0, 3).join(', ')}${hosts.length > 3 ? ', …' : ''}: ${reason}`);
  return `No host can take it. ${parts.join('; ')}.`;
}
