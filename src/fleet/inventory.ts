import {
  assert,
  type DriverId,
  type HostCapacity,
  type HostId,
  type HostState,
  type Incarnation,
  type JobId,
  type TaskIndex,
} from '../model/index.ts';

/** What one task asks of a host. */
export interface TaskNeeds {
  /** Thousandths of a core. */
  readonly cpuMillis: number;
  readonly memoryMb: number;
}

/** A host as placement sees it. */
export interface InventoryHost {
  readonly id: HostId;
  readonly state: HostState;
  /** Missed its last heartbeats, whatever its state still says: gets nothing new. */
  readonly isSilent: boolean;
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: HostCapacity;
  /** Who runs its tasks; left out: the fleet. */
  readonly driver?: DriverId;
}

/**
 * One incarnation's claim to room on a host: written when its operation is admitted, released when it is known to be
 * gone (stopped, superseded and ended, or its host fenced).
 */
export interface Placement extends TaskNeeds {
  readonly job: JobId;
  readonly index: TaskIndex;
  readonly incarnation: Incarnation;
  readonly host: HostId;
}

/** Everything placement decides from. */
export interface Inventory {
  readonly hosts: readonly InventoryHost[];
  /** All claims; or those of one job, when `others` stands for the rest. */
  readonly placements: readonly Placement[];
  /**
   * Room that claims which are not in `placements` take, by host. `unread`: nobody has looked yet, and nothing can be
   * placed; most decisions about a job place nothing.
   */
  readonly others?: ReadonlyMap<HostId, Usage> | 'unread' | undefined;
  /** More than half of the hosts of the job's driver fell silent together: nothing moves. */
  readonly massSilence: boolean;
  /** Of a driver that is a plug-in: when it was last heard, while it is silent. */
  readonly silentSinceMs?: number | undefined;
}

/** The inventory after one more claim, for deciding several placements in one turn. */
export function withPlacement(inventory: Inventory, placement: Placement): Inventory {
  return { ...inventory, placements: [...inventory.placements, placement] };
}

export interface Usage extends TaskNeeds {
  readonly tasks: number;
}

/**
 * Room taken per host, by these claims and by what is taken `besides`. Incarnations of one index never run side by side
 * on a host, so the largest counts once.
 */
export function usageByHost(
  placements: readonly Placement[],
  besides?: Inventory['others'],
): ReadonlyMap<HostId, Usage> {
  assert(besides !== 'unread', 'room is looked at before anything is placed');
  const largest = new Map<string, Placement>();
  for (const claim of placements) {
    const key = `${claim.host} ${claim.job}/${claim.index}`;
    const known = largest.get(key);
    if (known === undefined) largest.set(key, claim);
    else {
      const cpuMillis = Math.max(claim.cpuMillis, known.cpuMillis);
      largest.set(key, { ...claim, cpuMillis, memoryMb: Math.max(claim.memoryMb, known.memoryMb) });
    }
  }
  const usage = new Map<HostId, Usage>(besides);
  for (const claim of largest.values()) {
    const before = usage.get(claim.host) ?? { cpuMillis: 0, memoryMb: 0, tasks: 0 };
    usage.set(claim.host, {
      cpuMillis: before.cpuMillis + claim.cpuMillis,
      memoryMb: before.memoryMb + claim.memoryMb,
      tasks: before.tasks + 1,
    });
  }
  return usage;
}
