import type { Selectable } from 'kysely';
import {
  type DriverId,
  fleetDriver,
  type HostId,
  type Incarnation,
  type JobId,
  partsOfDriver,
  type TaskIndex,
} from '../../model/index.ts';
import { prepare, prepareChange, type Schema, type Tx } from '../../store/index.ts';
import type { Inventory, Placement, Usage } from '../inventory.ts';
import { isSilent } from '../silence.ts';
import { listHosts } from './hosts.ts';
import { loadWatchMemory } from './listening.ts';

/** How hosts are, without what runs on them; the silence is that of one driver's hosts. */
export async function loadHosts(
  tx: Tx,
  driver: DriverId = fleetDriver,
): Promise<Pick<Inventory, 'hosts' | 'massSilence' | 'silentSinceMs'>> {
  const memory = await loadWatchMemory(tx);
  const hosts = await listHosts(tx);
  const isPlugin = partsOfDriver(driver) !== undefined;
  const massSilence = isPlugin ? (memory.silentDrivers ?? []).includes(driver) : memory.massSilence;
  const seen = hosts.flatMap((host) => (host.driver === driver ? [host.lastSeenAtMs] : []));
  return {
    hosts: hosts.map(({ id, state, labels, capacity, driver: own }) => {
      return { id, state, labels, capacity, isSilent: isSilent(memory, id), driver: own };
    }),
    massSilence,
    ...(isPlugin && massSilence ? { silentSinceMs: Math.max(...seen) } : {}),
  };
}

const selectPlacements = prepare<{ job: string }, Selectable<Schema['placement']>>((db, p) =>
  db.selectFrom('placement').selectAll().where('job', '=', p.job).orderBy('task_index').orderBy('incarnation'),
);

export async function listPlacementsOfJob(tx: Tx, job: JobId): Promise<Placement[]> {
  return (await selectPlacements(tx, { job })).map(placementOf);
}

export async function listPlacements(tx: Tx): Promise<Placement[]> {
  const rows = await tx.selectFrom('placement').selectAll().orderBy('job').orderBy('task_index').execute();
  return rows.map(placementOf);
}

function placementOf(row: Selectable<Schema['placement']>): Placement {
  return {
    job: row.job as JobId,
    index: row.task_index,
    incarnation: row.incarnation,
    host: row.host,
    cpuMillis: row.cpu_millis,
    memoryMb: row.memory_mb,
  };
}

/** Room that the tasks of all other jobs take, by host: of several incarnations of an index on a host the largest. */
export async function loadUsageOfOthers(tx: Tx, job: JobId): Promise<ReadonlyMap<HostId, Usage>> {
  const rows = await tx
    .selectFrom(
      tx
        .selectFrom('placement')
        .select(['host', (of) => of.fn.max('cpu_millis').as('cpu'), (of) => of.fn.max('memory_mb').as('memory')])
        .where('job', '<>', job)
        .groupBy(['host', 'job', 'task_index'])
        .as('claim'),
    )
    .select('host')
    .select((of) => [of.fn.countAll().as('tasks'), of.fn.sum('cpu').as('cpu'), of.fn.sum('memory').as('memory')])
    .groupBy('host')
    .execute();
  return new Map(
    rows.map(({ host, tasks, cpu, memory }) => [
      host,
      { tasks: Number(tasks), cpuMillis: Number(cpu), memoryMb: Number(memory) },
    ]),
  );
}

/** How many claims there are on each host. */
export async function countPlacements(tx: Tx): Promise<ReadonlyMap<HostId, number>> {
  const rows = await tx
    .selectFrom('placement')
    .select('host')
    .select((of) => of.fn.countAll().as('claims'))
    .groupBy('host')
    .execute();
  return new Map(rows.map(({ host, claims }) => [host, Number(claims)]));
}

const upsertPlacement = prepareChange<Placement>((db, p) => {
  const room = { host: p.host, cpu_millis: p.cpuMillis, memory_mb: p.memoryMb };
  return db
    .insertInto('placement')
    .values({ job: p.job, task_index: p.index, incarnation: p.incarnation, ...room })
    .onConflict((c) => c.columns(['job', 'task_index', 'incarnation']).doUpdateSet(room));
});

/** Claims room for an incarnation; the same claim again changes nothing. */
export async function insertPlacement(tx: Tx, placement: Placement): Promise<void> {
  await upsertPlacement(tx, placement);
}

const removePlacement = prepareChange<{ job: string; index: number; incarnation: number }>((db, p) =>
  db
    .deleteFrom('placement')
    .where('job', '=', p.job)
    .where('task_index', '=', p.index)
    .where('incarnation', '=', p.incarnation),
);

/** Releases the room of one incarnation that is gone for certain. */
export async function deletePlacement(tx: Tx, job: JobId, index: TaskIndex, incarnation: Incarnation): Promise<void> {
  await removePlacement(tx, { job, index, incarnation });
}
