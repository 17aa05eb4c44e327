import type { Selectable } from 'kysely';
import type { Incarnation, JobId, TaskIndex } from '../../model/index.ts';
import { prepare, prepareChange, type Schema, type Tx } from '../../store/index.ts';
import type { Inventory, Placement } from '../inventory.ts';
import { isSilent } from '../silence.ts';
import { listHosts } from './hosts.ts';
import { loadWatchMemory } from './listening.ts';

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

const selectPlacements = prepare<object, Selectable<Schema['placement']>>((db) =>
  db.selectFrom('placement').selectAll().orderBy('job').orderBy('task_index'),
);

export async function listPlacements(tx: Tx): Promise<Placement[]> {
  const rows = await selectPlacements(tx, {});
  return rows.map((row) => ({
    job: row.job as JobId,
    index: row.task_index,
    incarnation: row.incarnation,
    host: row.host,
    cpuMillis: row.cpu_millis,
    memoryMb: row.memory_mb,
  }));
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
