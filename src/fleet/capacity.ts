import type { HostCapacity, HostId } from '../model/index.ts';
import { type Inventory, type InventoryHost, type TaskNeeds, type Usage, usageByHost } from './inventory.ts';

/** Room that is left; negative where a host shrank below what runs on it. */
export function roomOn(host: InventoryHost, usage: ReadonlyMap<HostId, Usage>): HostCapacity {
  const used = usage.get(host.id) ?? { cpuMillis: 0, memoryMb: 0, tasks: 0 };
  return {
    cpuMillis: host.capacity.cpuMillis - used.cpuMillis,
    memoryMb: host.capacity.memoryMb - used.memoryMb,
    maxTasks: host.capacity.maxTasks - used.tasks,
  };
}

/** Why a task does not fit into the room, in words; undefined when it fits. Nothing is overcommitted. */
export function lacks(room: HostCapacity, needs: TaskNeeds): string | undefined {
  if (room.maxTasks < 1) return 'it runs as many tasks as it may';
  if (room.cpuMillis < needs.cpuMillis) return `cpu: ${needs.cpuMillis}m wanted, ${Math.max(0, room.cpuMillis)}m free`;
  if (room.memoryMb < needs.memoryMb) {
    return `memory: ${needs.memoryMb} MB wanted, ${Math.max(0, room.memoryMb)} MB free`;
  }
  return undefined;
}

/**
 * How many more tasks of these needs the hosts can take altogether: 2 hosts with room for 3 and 5 → 8. For `plan`.
 */
export function roomFor(inventory: Inventory, needs: TaskNeeds, hosts = inventory.hosts): number {
  const usage = usageByHost(inventory.placements, inventory.others);
  let total = 0;
  for (const host of hosts) {
    if (host.state !== 'up') continue;
    const room = roomOn(host, usage);
    const byCpu = Math.floor(room.cpuMillis / needs.cpuMillis);
    const byMemory = Math.floor(room.memoryMb / needs.memoryMb);
    total += Math.max(0, Math.min(room.maxTasks, byCpu, byMemory));
  }
  return total;
}
