import type { Insertable, Selectable } from 'kysely';
import type { Host, HostCapacity, HostId, HostState, Incarnation, JobId, TaskIndex } from '../model/index.ts';
import type { Schema, Tx } from '../store/index.ts';
import type { Endpoint } from './discovery.ts';
import type { Inventory, Placement } from './inventory.ts';
import { emptyWatchMemory, isSilent, type Listener, type WatchMemory } from './silence.ts';

// ---------------------------------------------------------------- what placement decides from

/** All hosts and all claims. The decision that places on a host bumps its guard (`host/<id>`). */
export async function loadInventory(tx: Tx): Promise<Inventory> {
  const memory = await loadWatchMemory(tx);
  const hosts = await listHosts(tx);
  return {
    hosts: hosts.map(({ id, state, labels, capacity }) => {
      return { id, state, labels, capacity, isSilent: isSilent(memory, id) };
    }),
    placements: await listPlacements(tx),
    massSilence: memory.massSilence,
  };
}

export async function listPlacements(tx: Tx): Promise<Placement[]> {
  const rows = await tx.selectFrom('placement').selectAll().orderBy('job').orderBy('task_index').execute();
  return rows.map((row) => ({
    job: row.job as JobId,
    index: row.task_index,
    incarnation: row.incarnation,
    host: row.host,
    cpuMillis: row.cpu_millis,
    memoryMb: row.memory_mb,
  }));
}

/** Claims room for an incarnation; the same claim again changes nothing. */
export async function insertPlacement(tx: Tx, placement: Placement): Promise<void> {
  const { host, cpuMillis: cpu_millis, memoryMb: memory_mb } = placement;
  const key = { job: placement.job, task_index: placement.index, incarnation: placement.incarnation };
  await tx
    .insertInto('placement')
    .values({ ...key, host, cpu_millis, memory_mb })
    .onConflict((c) => c.columns(['job', 'task_index', 'incarnation']).doUpdateSet({ host, cpu_millis, memory_mb }))
    .execute();
}

/** Releases the room of one incarnation that is gone for certain. */
export async function deletePlacement(tx: Tx, job: JobId, index: TaskIndex, incarnation: Incarnation): Promise<void> {
  await tx
    .deleteFrom('placement')
    .where('job', '=', job)
    .where('task_index', '=', index)
    .where('incarnation', '=', incarnation)
    .execute();
}

// ---------------------------------------------------------------- hosts

/** A host with what only the server may know of it. */
export interface HostRecord extends Host {
  readonly publicKey: string;
  readonly abilities: readonly string[];
  readonly stateSinceMs: number;
  readonly freeDiskRatio: number;
  readonly joinedAtMs: number;
}

export async function listHosts(tx: Tx): Promise<HostRecord[]> {
  const rows = await tx.selectFrom('host').selectAll().orderBy('id').execute();
  return rows.map(hostOf);
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

/** Hosts heard by now: one statement for all of them. */
export async function updateLastSeen(tx: Tx, hosts: readonly HostId[], atMs: number): Promise<void> {
  if (hosts.length === 0) return;
  await tx
    .updateTable('host')
    .set({ last_seen_at_ms: atMs })
    .where('id', 'in', [...hosts])
    .where('last_seen_at_ms', '<', atMs)
    .execute();
}

export async function updateFreeDisk(tx: Tx, host: HostId, freeDiskRatio: number): Promise<void> {
  await tx.updateTable('host').set({ free_disk_ratio: freeDiskRatio }).where('id', '=', host).execute();
}

/** Forgets a host that is gone for good, and which batches it sent, before another takes its name. */
export async function deleteHost(tx: Tx, host: HostId): Promise<void> {
  await tx.deleteFrom('host').where('id', '=', host).execute();
  await tx.deleteFrom('host_batch').where('host', '=', host).execute();
}

// ---------------------------------------------------------------- listening and silence

export async function listListeners(tx: Tx): Promise<Listener[]> {
  const rows = await tx.selectFrom('listener').selectAll().execute();
  return rows.map((row) => ({ id: row.id, beatAtMs: Number(row.beat_at_ms) }));
}

export async function saveListener(tx: Tx, id: string, atMs: number): Promise<void> {
  await tx
    .insertInto('listener')
    .values({ id, since_ms: atMs, beat_at_ms: atMs })
    .onConflict((c) => c.column('id').doUpdateSet({ beat_at_ms: atMs }))
    .execute();
}

export async function deleteListener(tx: Tx, id: string): Promise<void> {
  await tx.deleteFrom('listener').where('id', '=', id).execute();
}

/** Forgets servers that stopped without saying so. */
export async function deleteListenersBefore(tx: Tx, beatAtMs: number): Promise<void> {
  await tx.deleteFrom('listener').where('beat_at_ms', '<', beatAtMs).execute();
}

export async function loadWatchMemory(tx: Tx): Promise<WatchMemory> {
  const row = await tx.selectFrom('fleet_watch').select('memory').where('id', '=', 1).executeTakeFirst();
  return row === undefined ? emptyWatchMemory : (JSON.parse(row.memory) as WatchMemory);
}

export async function saveWatchMemory(tx: Tx, memory: WatchMemory): Promise<void> {
  const text = JSON.stringify(memory);
  await tx
    .insertInto('fleet_watch')
    .values({ id: 1, memory: text })
    .onConflict((c) => c.column('id').doUpdateSet({ memory: text }))
    .execute();
}

// ---------------------------------------------------------------- what agents say

/** Takes a batch number of a host; false when it, or a later one, was taken before. */
export async function takeBatch(tx: Tx, host: HostId, batch: number): Promise<boolean> {
  const taken = await tx
    .insertInto('host_batch')
    .values({ host, batch })
    .onConflict((c) => c.column('host').doUpdateSet({ batch }).where('host_batch.batch', '<', batch))
    .returning('batch')
    .executeTakeFirst();
  return taken !== undefined;
}

export async function findBatch(tx: Tx, host: HostId): Promise<number | undefined> {
  const row = await tx.selectFrom('host_batch').select('batch').where('host', '=', host).executeTakeFirst();
  return row === undefined ? undefined : Number(row.batch);
}

/** Keeps the newest report of one incarnation, by its agent's own sequence. */
export async function saveEndpoint(tx: Tx, endpoint: Endpoint & { readonly sequence: number }): Promise<void> {
  const { host, version, state, address, sequence } = endpoint;
  const news = { host, version, state, address, ports: JSON.stringify(endpoint.ports), sequence };
  await tx
    .insertInto('endpoint')
    .values({ job: endpoint.job, task_index: endpoint.index, incarnation: endpoint.incarnation, ...news })
    .onConflict((c) =>
      c.columns(['job', 'task_index', 'incarnation']).doUpdateSet(news).where('endpoint.sequence', '<', sequence),
    )
    .execute();
}

/** Endpoints of incarnations that ended are of no use to anybody. */
export async function deleteEndpoint(tx: Tx, job: JobId, index: TaskIndex, incarnation: Incarnation): Promise<void> {
  await tx
    .deleteFrom('endpoint')
    .where('job', '=', job)
    .where('task_index', '=', index)
    .where('incarnation', '=', incarnation)
    .execute();
}

/** A known endpoint with the sequence of the report it comes from. */
export type StoredEndpoint = Endpoint & { readonly sequence: number };

export async function listEndpoints(tx: Tx, job: JobId): Promise<StoredEndpoint[]> {
  const rows = await tx.selectFrom('endpoint').selectAll().where('job', '=', job).execute();
  return rows.map(endpointOf);
}

export async function listAllEndpoints(tx: Tx): Promise<StoredEndpoint[]> {
  const rows = await tx.selectFrom('endpoint').selectAll().orderBy('job').orderBy('task_index').execute();
  return rows.map(endpointOf);
}

/** Where an incarnation reported from; undefined when it is not known to live. */
export async function findHostOfTask(
  tx: Tx,
  job: JobId,
  index: TaskIndex,
  incarnation: Incarnation,
): Promise<HostId | undefined> {
  const row = await tx
    .selectFrom('endpoint')
    .select('host')
    .where('job', '=', job)
    .where('task_index', '=', index)
    .where('incarnation', '=', incarnation)
    .executeTakeFirst();
  return row?.host;
}

export async function listEndpointsOnHost(tx: Tx, host: HostId): Promise<StoredEndpoint[]> {
  const rows = await tx.selectFrom('endpoint').selectAll().where('host', '=', host).execute();
  return rows.map(endpointOf);
}

/** Jobs that have a task, or a claim to room, on the host. */
export async function listJobsOnHost(tx: Tx, host: HostId): Promise<JobId[]> {
  const served = await tx.selectFrom('endpoint').select('job').distinct().where('host', '=', host).execute();
  const claimed = await tx.selectFrom('placement').select('job').distinct().where('host', '=', host).execute();
  return [...new Set([...served, ...claimed].map((row) => row.job as JobId))].sort();
}

// ---------------------------------------------------------------- join tokens

export interface NewJoinToken {
  readonly id: string;
  readonly secretHash: string;
  readonly createdBy: string;
  readonly createdAtMs: number;
  readonly expiresAtMs: number;
}

export async function insertJoinToken(tx: Tx, token: NewJoinToken): Promise<void> {
  await tx
    .insertInto('join_token')
    .values({
      id: token.id,
      secret_hash: token.secretHash,
      created_by: token.createdBy,
      created_at_ms: token.createdAtMs,
      expires_at_ms: token.expiresAtMs,
      used_at_ms: null,
      used_by: null,
    })
    .execute();
}

export interface JoinTokenFacts {
  readonly id: string;
  readonly expiresAtMs: number;
  readonly usedBy: HostId | undefined;
}

export async function findJoinToken(tx: Tx, secretHash: string): Promise<JoinTokenFacts | undefined> {
  const row = await tx.selectFrom('join_token').selectAll().where('secret_hash', '=', secretHash).executeTakeFirst();
  return row && { id: row.id, expiresAtMs: Number(row.expires_at_ms), usedBy: row.used_by ?? undefined };
}

/** Spends a token, once and before it expires; false: it is unknown, used or expired. */
export async function spendJoinToken(tx: Tx, secretHash: string, host: HostId, nowMs: number): Promise<boolean> {
  const spent = await tx
    .updateTable('join_token')
    .set({ used_at_ms: nowMs, used_by: host })
    .where('secret_hash', '=', secretHash)
    .where('used_at_ms', 'is', null)
    .where('expires_at_ms', '>', nowMs)
    .returning('id')
    .executeTakeFirst();
  return spent !== undefined;
}

// ---------------------------------------------------------------- rows → words

function hostOf(row: Selectable<Schema['host']>): HostRecord {
  return {
    id: row.id,
    address: row.address,
    labels: JSON.parse(row.labels) as Record<string, string>,
    capacity: { cpuMillis: row.cpu_millis, memoryMb: row.memory_mb, maxTasks: row.max_tasks },
    abilities: JSON.parse(row.abilities) as string[],
    agentVersion: row.agent_version,
    state: row.state as HostState,
    stateSinceMs: Number(row.state_since_ms),
    lastSeenAtMs: Number(row.last_seen_at_ms),
    freeDiskRatio: row.free_disk_ratio,
    publicKey: row.public_key,
    joinedAtMs: Number(row.joined_at_ms),
  };
}

function endpointOf(row: Selectable<Schema['endpoint']>): StoredEndpoint {
  return {
    job: row.job as JobId,
    index: row.task_index,
    incarnation: row.incarnation,
    host: row.host,
    version: row.version as Endpoint['version'],
    state: row.state as Endpoint['state'],
    address: row.address,
    ports: JSON.parse(row.ports) as Record<string, number>,
    sequence: Number(row.sequence),
  };
}
