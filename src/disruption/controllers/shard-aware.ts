import type { MaintenanceReply, TaskControlRequest, TaskControlResponse, TaskIndex } from '../../model/index.ts';

/** Shard → the tasks that hold a replica of it. */
export type ShardMap = Readonly<Record<string, readonly TaskIndex[]>>;

export interface ShardRules {
  /** Replicas of a shard that must stay healthy; null: all but one. */
  readonly keep: number | null;
  /** Maintenance that is said to take no longer is waited for when replicas are elsewhere; null: it answers none. */
  readonly rideOutMs?: number | null | undefined;
}

/**
 * Acks a task only if every shard on it keeps enough healthy replicas, given all unhealthy tasks, all operations in
 * flight and those acked in this very answer: at least `keep`, by default all but one. A task that is down already
 * costs nobody a replica. O(replicas + shards on the tasks asked for).
 *
 * Example: shard a on 0, 1, 2 and shard b on 2, 3, 4. Task 0 is unhealthy: 1 and 2 wait (a has lost one), 3 is acked,
 * then 4 waits (b has lost one).
 */
export function shardAware(
  request: TaskControlRequest,
  shards: ShardMap,
  { keep, rideOutMs }: ShardRules,
): TaskControlResponse {
  const down = new Set([...request.allUnhealthyTasks, ...request.inFlight.map(({ index }) => index)]);
  const healthy = new Map<string, number>();
  const onTask = new Map<TaskIndex, string[]>();
  for (const [shard, replicas] of Object.entries(shards)) {
    const held = new Set(replicas);
    let count = 0;
    for (const index of held) {
      if (!down.has(index)) count += 1;
      const list = onTask.get(index);
      if (list === undefined) onTask.set(index, [shard]);
      else list.push(shard);
    }
    healthy.set(shard, count);
  }
  const least = (shard: string): number => keep ?? new Set(shards[shard]).size - 1;
  const ack: string[] = [];
  const reasons: Record<string, string> = {};
  for (const { opId, index } of request.request) {
    const held = down.has(index) ? [] : (onTask.get(index) ?? []);
    const short = held.find((shard) => healthy.get(shard)! - 1 < least(shard));
    if (short !== undefined) {
      reasons[opId] =
        `shard ${short.slice(0, 100)} would keep ${healthy.get(short)! - 1} replicas of at least ${least(short)}`;
      continue;
    }
    for (const shard of held) healthy.set(shard, healthy.get(shard)! - 1);
    down.add(index);
    ack.push(opId);
  }
  return {
    ack,
    reasons,
    ...(rideOutMs == null ? {} : { maintenance: answersTo(request, { healthy, onTask, down, least }, rideOutMs) }),
  };
}

interface Replicas {
  readonly healthy: Map<string, number>;
  readonly onTask: ReadonlyMap<TaskIndex, readonly string[]>;
  readonly down: Set<TaskIndex>;
  readonly least: (shard: string) => number;
}

/**
 * Short work and enough replicas elsewhere: the tasks of a notice wait for their host (untouched if it stays up).
 * Otherwise they are moved. Each notice is answered as if those before it were down already.
 */
function answersTo({ advanceNotices }: TaskControlRequest, replicas: Replicas, rideOutMs: number): MaintenanceReply[] {
  const { healthy, onTask, down, least } = replicas;
  return advanceNotices.map(({ id, tasks, deadline, until, hostsStayUp }) => {
    const lost = new Map<string, number>();
    for (const index of tasks) {
      if (down.has(index)) continue;
      for (const shard of onTask.get(index) ?? []) lost.set(shard, (lost.get(shard) ?? 0) + 1);
    }
    const isShort = deadline !== null && until != null && until - deadline <= rideOutMs;
    if (!isShort || [...lost].some(([shard, count]) => healthy.get(shard)! - count < least(shard))) {
      return { notice: id, answer: 'move' };
    }
    for (const [shard, count] of lost) healthy.set(shard, healthy.get(shard)! - count);
    for (const index of tasks) down.add(index);
    return { notice: id, answer: hostsStayUp === true ? 'ignore' : 'hold' };
  });
}
