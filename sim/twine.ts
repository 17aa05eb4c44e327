import { noLimits, noSharedLimits, type ShardMap, shardAware } from '../src/disruption/index.ts';
import { calmNetwork, healthy } from '../src/drivers/simulated/index.ts';
import { type Chance, pickBelow, seededChance, shuffled } from '../src/kit/index.ts';
import type { PlanSpec, TaskIndex } from '../src/model/index.ts';
import { type Scenario, v0, v1 } from './scenario.ts';
import { runDecisions } from './world.ts';

/** How large; the published experiment is 1,000 tasks with 15,000 shards of three replicas. */
export interface TwineSize {
  readonly tasks: number;
  readonly shards: number;
  readonly hosts: number;
  /** Power domains; one of them is lost in the middle of the update. */
  readonly domains: number;
  readonly diesAtMs: number;
}

export const fullSize: TwineSize = { tasks: 1000, shards: 15_000, hosts: 100, domains: 20, diesAtMs: 90_000 };
export const smallSize: TwineSize = { tasks: 30, shards: 150, hosts: 30, domains: 6, diesAtMs: 40_000 };

const replicas = 3;
const backAfterMs = 120_000;

/** One moment, as it is in truth and not as it is reported. */
export interface Moment {
  readonly atMs: number;
  readonly updated: number;
  readonly tasksDown: number;
  /** Shards with so many replicas down. */
  readonly oneDown: number;
  readonly twoDown: number;
  readonly allDown: number;
  /** Of `twoDown`: those of which the lost domain has none; Rollway alone would have done that. */
  readonly twoDownByUs: number;
}

export interface TwineReport {
  readonly size: TwineSize;
  readonly moments: readonly Moment[];
  readonly updatedAtMs: number;
  /** Tasks that were taken out after the loss was known, with a shard of which the lost domain held a replica. */
  readonly disregarded: readonly TaskIndex[];
  readonly violation: string | undefined;
}

/**
 * Twine's published experiment (requirement TWC-3): a sharded service is updated under a shard-aware controller, and
 * in the middle of it a power domain is lost. Shards with two replicas down may come from that loss only, and of tasks
 * that were under way before it was known.
 */
export function runTwine(size: TwineSize): TwineReport {
  const map = shardMap(size);
  const onTask = shardsByTask(map, size);
  const lost = lostTasks(size);
  const moments: Moment[] = [];
  const updated = new Set<TaskIndex>();
  const disregarded = new Set<TaskIndex>();
  const startMs = 1_000_000_000_000;
  const touchesLost = (index: TaskIndex): boolean =>
    !lost.has(index) && onTask[index]!.some((shard) => map[shard]!.some((other) => lost.has(other)));
  const result = runDecisions(scenarioOfTwine(size), {
    controller: (request) => {
      const { ack } = shardAware(request, map, { keep: null });
      const isKnown = [...lost].every((index) => request.allUnhealthyTasks.includes(index));
      for (const { opId, index } of request.request) {
        if (isKnown && ack.includes(opId) && touchesLost(index)) disregarded.add(index);
      }
      return { ack };
    },
    sample: {
      everyMs: 500,
      take: (atMs, versionServing) => {
        moments.push(momentOf(atMs - startMs, size, map, lost, updated, versionServing));
      },
    },
  });
  const last = moments.find((one) => one.updated === size.tasks);
  return {
    size,
    moments: moments.slice(0, last === undefined ? undefined : moments.indexOf(last) + 20),
    updatedAtMs: last?.atMs ?? Number.POSITIVE_INFINITY,
    disregarded: [...disregarded],
    violation: result.violation?.message,
  };
}

function momentOf(
  atMs: number,
  { tasks }: TwineSize,
  map: ShardMap,
  lost: ReadonlySet<TaskIndex>,
  updated: Set<TaskIndex>,
  versionServing: (index: TaskIndex) => string | undefined,
): Moment {
  const isDown: boolean[] = [];
  for (let index = 0; index < tasks; index++) {
    const version = versionServing(index);
    isDown.push(version === undefined);
    if (version === v1) updated.add(index);
  }
  const counts = [0, 0, 0, 0];
  let twoDownByUs = 0;
  for (const places of Object.values(map)) {
    const down = places.filter((index) => isDown[index]);
    counts[down.length]! += 1;
    if (down.length > 1 && !down.some((index) => lost.has(index))) twoDownByUs += 1;
  }
  const [, oneDown, twoDown, allDown] = counts as [number, number, number, number];
  const tasksDown = isDown.filter(Boolean).length;
  return { atMs, updated: updated.size, tasksDown, oneDown, twoDown, allDown, twoDownByUs };
}

// ---------------------------------------------------------------- the world

const rackOf = (host: number, { domains }: TwineSize): string => `power-${host % domains}`;
const hostOf = (index: TaskIndex, { hosts }: TwineSize): number => index % hosts;
const domainOf = (index: TaskIndex, size: TwineSize): string => rackOf(hostOf(index, size), size);

function lostTasks(size: TwineSize): ReadonlySet<TaskIndex> {
  const all = Array.from({ length: size.tasks }, (_, index) => index);
  return new Set(all.filter((index) => domainOf(index, size) === 'power-3'));
}

/** Every task holds as many replicas as every other; those of a shard are in different power domains. */
function shardMap(size: TwineSize): ShardMap {
  const chance = seededChance(1, 'shards');
  const perTask = size.shards / size.tasks;
  const map: Record<string, TaskIndex[]> = {};
  for (let shard = 0; shard < size.shards; shard++) map[`s${shard}`] = [];
  for (let replica = 0; replica < replicas; replica++) {
    const slots = slotsOf(chance, size.tasks, perTask);
    const taken = (shard: number): ReadonlySet<string> =>
      new Set(map[`s${shard}`]!.map((index) => domainOf(index, size)));
    for (let shard = 0; shard < size.shards; shard++) {
      while (taken(shard).has(domainOf(slots[shard]!, size))) {
        const other = pickBelow(chance, size.shards);
        const fits = !taken(other).has(domainOf(slots[shard]!, size)) || other > shard;
        if (fits) [slots[shard], slots[other]] = [slots[other]!, slots[shard]!];
      }
    }
    for (let shard = 0; shard < size.shards; shard++) map[`s${shard}`]!.push(slots[shard]!);
  }
  return map;
}

function slotsOf(chance: Chance, tasks: number, perTask: number): TaskIndex[] {
  const slots: TaskIndex[] = [];
  for (let index = 0; index < tasks; index++) for (let n = 0; n < perTask; n++) slots.push(index);
  return shuffled(chance, slots);
}

function shardsByTask(map: ShardMap, { tasks }: TwineSize): readonly string[][] {
  const found: string[][] = Array.from({ length: tasks }, () => []);
  for (const [shard, places] of Object.entries(map)) for (const index of places) found[index]!.push(shard);
  return found;
}

function scenarioOfTwine(size: TwineSize): Scenario {
  const plan: PlanSpec = {
    phases: [
      {
        name: 'all',
        select: { percent: 100 },
        concurrency: { percent: 100 },
        minBakeMs: 1000,
        maxBakeMs: 5000,
        onFail: 'hold',
        onUndecided: 'proceed',
      },
    ],
    newcomers: 'last-good',
    overlap: 'wait',
    forwardOnly: false,
  };
  return {
    seed: 3,
    hosts: Array.from({ length: size.hosts }, (_, at) => ({
      id: `host-${at}`,
      labels: { region: 'north', rack: rackOf(at, size) },
    })),
    size: size.tasks,
    budget: { percent: 10 },
    limits: noLimits,
    shared: noSharedLimits,
    surge: 0,
    forwardOnly: false,
    running: v0,
    versions: { [v0]: { ...healthy, startMs: 3000 }, [v1]: { ...healthy, fetchMs: 500, startMs: 6000 } },
    judge: 'none',
    network: calmNetwork,
    happenings: [
      { atMs: 1000, kind: 'deploy', to: v1, plan, rolloutKind: 'deploy' },
      { atMs: size.diesAtMs, kind: 'domain-loss', rack: 'power-3', forMs: backAfterMs },
    ],
  };
}
