import type { Incarnation, JobId, TaskIndex } from '../../model/index.ts';
import type { Tx } from '../../store/index.ts';
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
