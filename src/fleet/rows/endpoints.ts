import type { Selectable } from 'kysely';
import type { HostId, Incarnation, JobId, TaskIndex } from '../../model/index.ts';
import { prepare, prepareChange, type Schema, type Tx } from '../../store/index.ts';
import type { Endpoint } from '../discovery.ts';

const upsertBatch = prepare<{ host: HostId; batch: number }, { batch: number }>((db, p) =>
  db
    .insertInto('host_batch')
    .values({ host: p.host, batch: p.batch })
    .onConflict((c) => c.column('host').doUpdateSet({ batch: p.batch }).where('host_batch.batch', '<', p.batch))
    .returning('batch'),
);

/** Takes a batch number of a host; false when it, or a later one, was taken before. */
export async function takeBatch(tx: Tx, host: HostId, batch: number): Promise<boolean> {
  return (await upsertBatch(tx, { host, batch })).length > 0;
}

const upsertEndpoint = prepareChange<Selectable<Schema['endpoint']>>((db, p) => {
  const { job, task_index, incarnation, host, version, state, address, ports, sequence } = p;
  const news = { host, version, state, address, ports, sequence };
  return db
    .insertInto('endpoint')
    .values({ job, task_index, incarnation, ...news })
    .onConflict((c) =>
      c.columns(['job', 'task_index', 'incarnation']).doUpdateSet(news).where('endpoint.sequence', '<', sequence),
    );
});

/** Keeps the newest report of one incarnation, by its agent's own sequence. */
export async function saveEndpoint(tx: Tx, endpoint: Endpoint & { readonly sequence: number }): Promise<void> {
  const { job, index: task_index, incarnation, host, version, state, address, sequence } = endpoint;
  const ports = JSON.stringify(endpoint.ports);
  await upsertEndpoint(tx, { job, task_index, incarnation, host, version, state, address, ports, sequence });
}

const removeEndpoint = prepareChange<{ job: string; index: number; incarnation: number }>((db, p) =>
  db
    .deleteFrom('endpoint')
    .where('job', '=', p.job)
    .where('task_index', '=', p.index)
    .where('incarnation', '=', p.incarnation),
);

/** Endpoints of incarnations that ended are of no use to anybody. */
export async function deleteEndpoint(tx: Tx, job: JobId, index: TaskIndex, incarnation: Incarnation): Promise<void> {
  await removeEndpoint(tx, { job, index, incarnation });
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

const selectServed = prepare<{ host: string }, { job: string }>((db, p) =>
  db.selectFrom('endpoint').select('job').distinct().where('host', '=', p.host),
);
const selectClaimed = prepare<{ host: string }, { job: string }>((db, p) =>
  db.selectFrom('placement').select('job').distinct().where('host', '=', p.host),
);

/** Jobs that have a task, or a claim to room, on the host. */
export async function listJobsOnHost(tx: Tx, host: HostId): Promise<JobId[]> {
  const served = await selectServed(tx, { host });
  const claimed = await selectClaimed(tx, { host });
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
