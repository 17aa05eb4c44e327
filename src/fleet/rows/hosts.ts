import type { Insertable, Selectable } from 'kysely';
import { parseOnce } from '../../kit/index.ts';
import {
  type DriverId,
  fleetDriver,
  type Host,
  type HostCapacity,
  type HostId,
  type HostState,
} from '../../model/index.ts';
import { byLength, padded, prepare, prepareChange, type Schema, type Tx } from '../../store/index.ts';

/** A host with what only the server may know of it. */
export interface HostRecord extends Host {
  readonly publicKey: string;
  readonly abilities: readonly string[];
  readonly stateSinceMs: number;
  readonly freeDiskRatio: number;
  readonly joinedAtMs: number;
  /** Who runs its tasks. */
  readonly driver: DriverId;
}

const selectHosts = prepare<object, Selectable<Schema['host']>>((db) =>
  db.selectFrom('host').selectAll().orderBy('id'),
);

export async function listHosts(tx: Tx): Promise<HostRecord[]> {
  return (await selectHosts(tx, {})).map(hostOf);
}

const selectIll = prepare<object, Pick<Selectable<Schema['host']>, 'id' | 'last_seen_at_ms'>>((db) =>
  db.selectFrom('host').select(['id', 'last_seen_at_ms']).where('state', 'in', ['suspected', 'lost', 'fenced']),
);

/** Hosts from which nothing is heard, and since when: mostly none. */
export async function listIllHosts(tx: Tx): Promise<ReadonlyMap<HostId, number>> {
  return new Map((await selectIll(tx, {})).map((row) => [row.id, Number(row.last_seen_at_ms)]));
}

export async function findHost(tx: Tx, host: HostId): Promise<HostRecord | undefined> {
  const row = await tx.selectFrom('host').selectAll().where('id', '=', host).executeTakeFirst();
  return row === undefined ? undefined : hostOf(row);
}

/** A host that joined. It has no room until its first hello says how much. */
export async function insertHost(
  tx: Tx,
  host: HostId,
  publicKey: string,
  version: string,
  atMs: number,
  driver: DriverId = fleetDriver,
): Promise<void> {
  const row: Insertable<Schema['host']> = {
    id: host,
    address: '',
    labels: '{}',
    cpu_millis: 0,
    memory_mb: 0,
    max_tasks: 0,
    abilities: '[]',
    agent_version: version,
    state: 'up',
    state_since_ms: atMs,
    last_seen_at_ms: atMs,
    free_disk_ratio: 1,
    public_key: publicKey,
    joined_at_ms: atMs,
    driver,
  };
  await tx.insertInto('host').values(row).execute();
}

export interface HelloFacts {
  readonly address: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: HostCapacity;
  readonly abilities: readonly string[];
  readonly agentVersion: string;
}

export async function updateHostFacts(tx: Tx, host: HostId, facts: HelloFacts, atMs: number): Promise<void> {
  await tx
    .updateTable('host')
    .set({
      address: facts.address,
      labels: JSON.stringify(facts.labels),
      cpu_millis: facts.capacity.cpuMillis,
      memory_mb: facts.capacity.memoryMb,
      max_tasks: facts.capacity.maxTasks,
      abilities: JSON.stringify(facts.abilities),
      agent_version: facts.agentVersion,
      last_seen_at_ms: atMs,
    })
    .where('id', '=', host)
    .execute();
}

export async function updateHostState(tx: Tx, host: HostId, state: HostState, atMs: number): Promise<void> {
  await tx.updateTable('host').set({ state, state_since_ms: atMs }).where('id', '=', host).execute();
}

const updateSeen = byLength((list) =>
  prepareChange<readonly (string | number)[]>((db, p) =>
    db
      .updateTable('host')
      .set({ last_seen_at_ms: p[0] as number })
      .where('id', 'in', list(p as readonly string[], 2))
      .where('last_seen_at_ms', '<', p[1] as number),
  ),
);

/** Hosts heard by now: one statement for all of them. */
export async function updateLastSeen(tx: Tx, hosts: readonly HostId[], atMs: number): Promise<void> {
  if (hosts.length === 0) return;
  await updateSeen(hosts.length)(tx, [atMs, atMs, ...padded(hosts)]);
}

export async function updateFreeDisk(tx: Tx, host: HostId, freeDiskRatio: number): Promise<void> {
  await tx.updateTable('host').set({ free_disk_ratio: freeDiskRatio }).where('id', '=', host).execute();
}

/** Forgets a host that is gone for good, and which batches it sent, before another takes its name. */
export async function deleteHost(tx: Tx, host: HostId): Promise<void> {
  await tx.deleteFrom('host').where('id', '=', host).execute();
  await tx.deleteFrom('host_batch').where('host', '=', host).execute();
}

function hostOf(row: Selectable<Schema['host']>): HostRecord {
  return {
    id: row.id,
    address: row.address,
    labels: parseOnce(row.labels) as Record<string, string>,
    capacity: { cpuMillis: row.cpu_millis, memoryMb: row.memory_mb, maxTasks: row.max_tasks },
    abilities: parseOnce(row.abilities) as string[],
    agentVersion: row.agent_version,
    state: row.state as HostState,
    stateSinceMs: Number(row.state_since_ms),
    lastSeenAtMs: Number(row.last_seen_at_ms),
    freeDiskRatio: row.free_disk_ratio,
    publicKey: row.public_key,
    joinedAtMs: Number(row.joined_at_ms),
    driver: row.driver,
  };
}
