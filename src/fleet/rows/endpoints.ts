import type { Selectable } from 'kysely';
import type { HostId, Incarnation, JobId, TaskIndex } from '../../model/index.ts';
import type { Schema, Tx } from '../../store/index.ts';
import type { Endpoint } from '../discovery.ts';

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
