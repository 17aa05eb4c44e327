import { type Selectable, sql } from 'kysely';
import { parseOnce } from '../../kit/index.ts';
import {
  type DriverId,
  fleetDriver,
  type HostId,
  type HostState,
  type Incarnation,
  type JobId,
  partsOfDriver,
  type TaskIndex,
} from '../../model/index.ts';
import { prepare, prepareChange, type Schema, type Tx } from '../../store/index.ts';
import { type Inventory, type Placement, type Usage, usageByHost } from '../inventory.ts';
import { isSilent } from '../silence.ts';
import { loadWatchMemory } from './listening.ts';

type HostColumns = 'id' | 'state' | 'labels' | 'cpu_millis' | 'memory_mb' | 'max_tasks' | 'driver' | 'last_seen_at_ms';
const selectHosts = prepare<object, Pick<Selectable<Schema['host']>, HostColumns>>((db) =>
  db
    .selectFrom('host')
    .select(['id', 'state', 'labels', 'cpu_millis', 'memory_mb', 'max_tasks', 'driver', 'last_seen_at_ms'])
    .orderBy('id'),
);

/** How hosts are, without what runs on them; the silence is that of one driver's hosts. */
export async function loadHosts(
  tx: Tx,
  driver: DriverId = fleetDriver,
): Promise<Pick<Inventory, 'hosts' | 'massSilence' | 'silentSinceMs'>> {
  const memory = await loadWatchMemory(tx);
  const hosts = await selectHosts(tx, {});
  const isPlugin = partsOfDriver(driver) !== undefined;
  const massSilence = isPlugin ? (memory.silentDrivers ?? []).includes(driver) : memory.massSilence;
  const seen = hosts.flatMap((host) => (host.driver === driver ? [Number(host.last_seen_at_ms)] : []));
  return {
    hosts: hosts.map((host) => ({
      id: host.id,
      state: host.state as HostState,
      isSilent: isSilent(memory, host.id),
      labels: parseOnce(host.labels) as Record<string, string>,
      capacity: { cpuMillis: host.cpu_millis, memoryMb: host.memory_mb, maxTasks: host.max_tasks },
      driver: host.driver as DriverId,
    })),
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

const selectUsage = prepare<object, Selectable<Schema['host_usage']>>((db) =>
  db.selectFrom('host_usage').selectAll().where('claims', '>', 0).orderBy('host'),
);

/** Room that the tasks of all other jobs take, by host: of several incarnations of an index on a host the largest. */
export async function loadUsageOfOthers(tx: Tx, job: JobId): Promise<ReadonlyMap<HostId, Usage>> {
  const own = usageByHost(await listPlacementsOfJob(tx, job));
  const others = new Map<HostId, Usage>();
  for (const row of await selectUsage(tx, {})) {
    const less = own.get(row.host) ?? nothing;
    const tasks = Number(row.tasks) - less.tasks;
    if (tasks === 0) continue;
    const [cpuMillis, memoryMb] = [Number(row.cpu_millis) - less.cpuMillis, Number(row.memory_mb) - less.memoryMb];
    others.set(row.host, { tasks, cpuMillis, memoryMb });
  }
  return others;
}

const nothing: Usage = { tasks: 0, cpuMillis: 0, memoryMb: 0 };

/** How many claims there are on each host. */
export async function countPlacements(tx: Tx): Promise<ReadonlyMap<HostId, number>> {
  return new Map((await selectUsage(tx, {})).map(({ host, claims }) => [host, Number(claims)]));
}

const selectOfIndex = prepare<{ job: string; index: number }, Selectable<Schema['placement']>>((db, p) =>
  db.selectFrom('placement').selectAll().where('job', '=', p.job).where('task_index', '=', p.index),
);

const addUsage = prepareChange<{ host: string; claims: number; tasks: number; cpu: number; memory: number }>((db, p) =>
  db
    .insertInto('host_usage')
    .values({ host: p.host, claims: p.claims, tasks: p.tasks, cpu_millis: p.cpu, memory_mb: p.memory })
    .onConflict((on) =>
      on.column('host').doUpdateSet({
        claims: sql`host_usage.claims + excluded.claims`,
        tasks: sql`host_usage.tasks + excluded.tasks`,
        cpu_millis: sql`host_usage.cpu_millis + excluded.cpu_millis`,
        memory_mb: sql`host_usage.memory_mb + excluded.memory_mb`,
      }),
    ),
);

const upsertPlacement = prepareChange<Placement>((db, p) => {
  const room = { host: p.host, cpu_millis: p.cpuMillis, memory_mb: p.memoryMb };
  return db
    .insertInto('placement')
    .values({ job: p.job, task_index: p.index, incarnation: p.incarnation, ...room })
    .onConflict((c) => c.columns(['job', 'task_index', 'incarnation']).doUpdateSet(room));
});

const removePlacement = prepareChange<{ job: string; index: number; incarnation: number }>((db, p) =>
  db
    .deleteFrom('placement')
    .where('job', '=', p.job)
    .where('task_index', '=', p.index)
    .where('incarnation', '=', p.incarnation),
);

/**
 * Claims room for incarnations (the same claim again changes nothing) and releases that of such as are gone for
 * certain. What the claims to each host take together is kept in the same transaction.
 */
export async function changePlacements(
  tx: Tx,
  claimed: readonly Placement[],
  released: readonly Pick<Placement, 'job' | 'index' | 'incarnation'>[] = [],
): Promise<void> {
  const touched = new Map([...claimed, ...released].map(({ job, index }) => [`${job}/${index}`, { job, index }]));
  const change = new Map<HostId, { claims: number; tasks: number; cpu: number; memory: number }>();
  const count = async (sign: 1 | -1): Promise<void> => {
    for (const one of touched.values()) {
      const claims = (await selectOfIndex(tx, one)).map(placementOf);
      for (const [host, { tasks, cpuMillis, memoryMb }] of usageByHost(claims)) {
        const before = change.get(host) ?? { claims: 0, tasks: 0, cpu: 0, memory: 0 };
        const ofHost = claims.filter((claim) => claim.host === host).length;
        change.set(host, {
          claims: before.claims + sign * ofHost,
          tasks: before.tasks + sign * tasks,
          cpu: before.cpu + sign * cpuMillis,
          memory: before.memory + sign * memoryMb,
        });
      }
    }
  };
  await count(-1);
  for (const placement of claimed) await upsertPlacement(tx, placement);
  for (const { job, index, incarnation } of released) await removePlacement(tx, { job, index, incarnation });
  await count(1);
  // By name, so that two jobs never wait for each other in a circle.
  for (const [host, by] of [...change].sort(([a], [b]) => (a < b ? -1 : 1)))
    if (by.claims !== 0 || by.tasks !== 0 || by.cpu !== 0 || by.memory !== 0) await addUsage(tx, { host, ...by });
}

/** Claims room for one incarnation. */
export async function insertPlacement(tx: Tx, placement: Placement): Promise<void> {
  await changePlacements(tx, [placement]);
}

/** Releases the room of one incarnation that is gone for certain. */
export async function deletePlacement(tx: Tx, job: JobId, index: TaskIndex, incarnation: Incarnation): Promise<void> {
  await changePlacements(tx, [], [{ job, index, incarnation }]);
}
