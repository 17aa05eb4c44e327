import { type JobLimits, noLimits, noSharedLimits, type SharedLimits } from '../src/disruption/index.ts';
import { type Behaviour, healthy, type Network } from '../src/drivers/simulated/index.ts';
import { type Chance, pickBelow, pickOne, seededChance } from '../src/kit/index.ts';
import type {
  Amount,
  GroupBudget,
  MaintenanceAnswer,
  PhaseSpec,
  PlanSpec,
  Rate,
  RolloutCommand,
  RolloutState,
  VersionId,
} from '../src/model/index.ts';
import { policyOf } from './maintenance.ts';
import { moreHappenings, voiceOf } from './more-happenings.ts';
import type { ServiceVoice } from './services.ts';
import { type SiblingScript, siblingOf } from './sibling.ts';

/** A fault of the world, or a person's act: data, so that a failing run can be shortened and printed. */
export type Happening = { readonly atMs: number } & (
  | { readonly kind: 'host-death'; readonly host: string; readonly forMs: number | undefined }
  | { readonly kind: 'host-hang'; readonly host: string; readonly forMs: number }
  | { readonly kind: 'host-flap'; readonly host: string; readonly times: number; readonly everyMs: number }
  | {
      readonly kind: 'partition';
      readonly host: string;
      readonly direction: 'both' | 'to-agent' | 'to-server';
      readonly forMs: number;
    }
  | { readonly kind: 'domain-loss'; readonly rack: string; readonly forMs: number }
  | { readonly kind: 'slow-host'; readonly host: string; readonly byMs: number; readonly forMs: number }
  | { readonly kind: 'no-packages'; readonly host: string; readonly forMs: number }
  | { readonly kind: 'task-crash'; readonly index: number }
  | { readonly kind: 'task-hang'; readonly index: number; readonly forMs: number }
  | { readonly kind: 'bad-network'; readonly lossRatio: number; readonly repeatRatio: number; readonly forMs: number }
  /** Messages overtake each other. */
  | { readonly kind: 'slow-network'; readonly maxLatencyMs: number; readonly forMs: number }
  | { readonly kind: 'server-crash'; readonly loses: boolean; readonly forMs: number }
  /** Dies at the so manieth transaction or effect from now; another process goes on at once. */
  | {
      readonly kind: 'server-kill';
      readonly point: 'beforeCommit' | 'afterCommit' | 'afterEffect';
      readonly after: number;
    }
  | { readonly kind: 'store-stall'; readonly forMs: number }
  | { readonly kind: 'clock-jump'; readonly byMs: number }
  | {
      readonly kind: 'deploy';
      readonly to: VersionId;
      readonly plan: PlanSpec;
      readonly rolloutKind: 'deploy' | 'rollback';
      readonly holdAfter?: string;
    }
  /** To the oldest rollout; with `when` to the first one that is seen in that state within a minute. */
  | { readonly kind: 'command'; readonly command: RolloutCommand; readonly when?: RolloutState }
  /** A person restarts or moves tasks as they are. */
  | { readonly kind: 'round'; readonly how: 'restart' | 'move'; readonly tasks: readonly number[] | undefined }
  | { readonly kind: 'resize'; readonly size: number }
  | {
      readonly kind: 'maintenance';
      readonly host: string;
      readonly noticeMs: number;
      readonly forMs: number;
      /** What is said of it beforehand; it may take longer. */
      readonly work?: { readonly saidToTakeMs: number; readonly hostsStayUp: boolean };
    }
  /** A person announces work on a rack, which takes `tookMs`, whatever was said; the hosts go down meanwhile, or only their network. */
  | {
      readonly kind: 'rack-maintenance';
      readonly rack: string;
      readonly leadMs: number;
      readonly saidMs: number;
      readonly tookMs: number;
      readonly hostsStayUp: boolean;
      readonly isFixed: boolean;
    }
  /** A person lets the host leave, and stay after all. */
  | { readonly kind: 'host-leave'; readonly host: string; readonly forMs: number }
  /** A person says of a host that has lost its power that nothing runs there. */
  | { readonly kind: 'declare-dead'; readonly host: string }
  | { readonly kind: 'mark'; readonly version: VersionId }
  | { readonly kind: 'clear-mark'; readonly version: VersionId }
);

/** How long a person waits for the state in which a command is meant to be given. */
export const watchedMs = 60_000;

export interface Scenario {
  readonly seed: number;
  readonly hosts: readonly { readonly id: string; readonly labels: Readonly<Record<string, string>> }[];
  readonly size: number;
  readonly budget: Amount;
  readonly limits: JobLimits;
  /** The first new version cannot be undone. */
  readonly forwardOnly: boolean;
  /** Another job that its first rollout goes together with; at the depth of decisions. */
  readonly sibling?: SiblingScript | undefined;
  /** Old tasks that are restarted before each deployment of a job that runs something; undefined: none. */
  readonly placebo?: { readonly tasks: readonly number[]; readonly bakeMs: number } | undefined;
  /** How long its deployments are watched after their last phase; undefined: not at all. */
  readonly watchMs?: number | undefined;
  /** Extra tasks that its rollouts borrow. */
  readonly surge: number;
  /** Its rollouts stop all of a phase before any of them starts. */
  readonly recreates?: boolean | undefined;
  /** Its rollouts bring up a whole second set and switch to it (blue/green). */
  readonly besides?: boolean | undefined;
  /** What becomes of tasks under maintenance, by the job's owner; undefined: they are moved. */
  readonly onMaintenance?: MaintenanceAnswer | undefined;
  /** Rates over all services. */
  readonly shared: SharedLimits;
  /** Serves everywhere at the beginning; undefined: the first rollout is the first deployment. */
  readonly running: VersionId | undefined;
  readonly versions: Readonly<Record<VersionId, Behaviour>>;
  readonly judge: 'decides' | 'undecided' | 'unmeasured' | 'loses-data' | 'none';
  readonly network: Network;
  /** The service's own controller; undefined: it has none. */
  readonly voice?: ServiceVoice | undefined;
  readonly happenings: readonly Happening[];
}

const ready = { deadlineMs: 20_000 };
export const readyDeadlineMs = ready.deadlineMs;

export const v0: VersionId = 'v_0000000000000000';
export const v1: VersionId = 'v_1111111111111111';
export const v2: VersionId = 'v_2222222222222222';

const racks = ['a', 'b', 'c'];

/** The unit: 12 tasks on 6 hosts, 3 phases, at least 4 faults, judge and marks on; and all that may come on top. */
export function scenarioOf(seed: number): Scenario {
  const plain = plainScenarioOf(seed);
  const happenings = [...plain.happenings, ...moreHappenings(plain, planOf)].sort((a, b) => a.atMs - b.atMs);
  return {
    ...plain,
    voice: voiceOf(seed),
    onMaintenance: policyOf(seed),
    sibling: siblingOf(seed),
    watchMs: watchMsOf(seed),
    placebo: placeboOf(seed, plain),
    ...recreationOf(seed, plain),
    ...secondSetsOf(seed, plain),
    happenings,
  };
}

/** Without what came later (`more-happenings.ts`): the seeds of old regressions mean these. */
export function plainScenarioOf(seed: number): Scenario {
  const chance = seededChance(seed, 'scenario');
  const hosts = Array.from({ length: 6 }, (_, at) => {
    const rack = racks[at % racks.length]!;
    return { id: `host-${at}`, labels: { region: at % 2 === 0 ? 'north' : 'south', rack } };
  });
  const isFirst = chance.next() < 0.1;
  const size = chance.next() < 0.7 ? 12 : 1 + pickBelow(chance, 16);
  const budgets: Amount[] = [{ percent: 10 }, { percent: 25 }, { count: 1 }, { count: 2 }, { count: 3 }];
  const versions: Record<VersionId, Behaviour> = {
    [v0]: { ...healthy, startMs: 300 + pickBelow(chance, 2000) },
    [v1]: behaviour(chance),
    [v2]: behaviour(chance),
  };
  const happenings: Happening[] = [
    { atMs: 1000, kind: 'deploy', to: v1, plan: planOf(chance), rolloutKind: 'deploy' },
    ...faults(chance, hosts, size, 4 + pickBelow(chance, 4)),
    ...extras(chance, hosts, size, isFirst),
    ...rounds(seed, size),
  ];
  happenings.sort((a, b) => a.atMs - b.atMs);
  return {
    seed,
    hosts,
    size,
    budget: pickOne(chance, budgets),
    ...limitsOf(seed),
    forwardOnly: seededChance(seed, 'forward').next() < 0.06,
    surge: surgeOf(seed),
    running: isFirst ? undefined : v0,
    versions,
    judge:
      chance.next() < 0.7 ? 'decides' : pickOne(chance, ['undecided', 'unmeasured', 'loses-data', 'none'] as const),
    network: {
      minLatencyMs: 1,
      maxLatencyMs: 1 + pickBelow(chance, 200),
      lossRatio: chance.next() < 0.3 ? 0.05 : 0,
      repeatRatio: chance.next() < 0.3 ? 0.1 : 0,
    },
    happenings,
  };
}

/** A fifth of the runs has budgets of parts, rates, or both; of a stream of their own, so that nothing else changes. */
function limitsOf(seed: number): Pick<Scenario, 'limits' | 'shared'> {
  const chance = seededChance(seed, 'limits');
  if (chance.next() < 0.8) return { limits: noLimits, shared: noSharedLimits };
  const some = <T>(share: number, value: T, none: T): T => (chance.next() < share ? value : none);
  const rate = (): Rate => ({ count: 1 + pickBelow(chance, 4), perMs: 2000 + pickBelow(chance, 8000) });
  return {
    limits: {
      budgetPerDomain: some<Record<string, Amount>>(
        0.5,
        { rack: pickOne(chance, [{ count: 1 }, { percent: 50 }] as const) },
        {},
      ),
      budgetPerGroup: some<GroupBudget | null>(
        0.4,
        pickOne<GroupBudget>(chance, [
          { groups: 3, max: 1 },
          {
            groups: [
              [0, 5],
              [1, 2, 7],
            ],
            max: 1,
          },
        ]),
        null,
      ),
      rate: some(0.5, rate(), null),
      ratePerDomain: some<Record<string, Rate>>(0.3, { region: rate() }, {}),
    },
    shared: { rate: some(0.2, rate(), null), ratePerDomain: some<Record<string, Rate>>(0.2, { rack: rate() }, {}) },
  };
}

/** A seventh of the runs borrows extra tasks. */
function surgeOf(seed: number): number {
  const chance = seededChance(seed, 'surge');
  return chance.next() < 0.15 ? 1 + pickBelow(chance, 3) : 0;
}

/** A twelfth of the runs recreates; that needs the whole budget, and nothing that limits it. */
function recreationOf(seed: number, { limits, surge }: Scenario): Partial<Scenario> {
  if (surge > 0 || seededChance(seed, 'strategy').next() > 0.08) return {};
  return {
    recreates: true,
    budget: { percent: 100 },
    limits: { ...limits, budgetPerDomain: {}, budgetPerGroup: null },
  };
}

/** Every fourteenth run, of those that go in place, is blue/green. */
function secondSetsOf(seed: number, { limits, surge }: Scenario): Partial<Scenario> {
  const isOther = surge > 0 || seededChance(seed, 'strategy').next() <= 0.08;
  if (isOther || seededChance(seed, 'second-set').next() > 0.09) return {};
  return { besides: true, limits: { ...limits, budgetPerDomain: {}, budgetPerGroup: null } };
}

type Ways = Pick<Scenario, 'surge' | 'recreates' | 'besides' | 'watchMs'>;

/** What a person deploys by: the plan of the scenario, with its strategy. */
export function withStrategy(given: PlanSpec, { surge, recreates, besides, watchMs }: Ways): PlanSpec {
  const plan = watchMs === undefined ? given : { ...given, watchMs };
  if (besides === true) {
    const all = plan.phases.at(-1)!;
    const select = { secondSet: true as const };
    const second = { ...all, name: 'second-set', select, minBakeMs: 8000, maxBakeMs: 8000 };
    return { ...plan, phases: [second, all], strategy: { blueGreen: { checkMs: 3000, keepOldMs: 8000 } } };
  }
  if (recreates === true) return { ...plan, strategy: 'recreate' };
  return surge === 0 ? plan : { ...plan, strategy: { surge: { count: surge } } };
}

/** A third of the runs watches after the last phase; of a stream of their own, so that nothing else changes. */
function watchMsOf(seed: number): number | undefined {
  const chance = seededChance(seed, 'watch');
  return chance.next() > 0.33 ? undefined : 10_000 + pickBelow(chance, 40_000);
}

/** A sixth of the runs restarts old tasks before its deployments; of a stream of their own, so that nothing else changes. */
function placeboOf(seed: number, { size, running }: Scenario): Scenario['placebo'] {
  const chance = seededChance(seed, 'placebo');
  if (running === undefined || chance.next() > 0.17) return undefined;
  const count = 1 + pickBelow(chance, Math.min(3, size));
  const tasks = Array.from({ length: count }, (_, at) => size - count + at);
  return { tasks, bakeMs: 1000 + pickBelow(chance, 10_000) };
}

/** Whether the judge finds a version bad after the last phase, although no phase showed it. */
export function isLateBad(seed: number, version: VersionId): boolean {
  return seededChance(seed, `late ${version}`).next() < 0.5;
}

/** A tenth of the runs restarts or moves tasks; of a stream of their own, so that nothing else changes. */
function rounds(seed: number, size: number): Happening[] {
  const chance = seededChance(seed, 'rounds');
  if (chance.next() > 0.1) return [];
  const how = pickOne(chance, ['restart', 'move'] as const);
  const some = Array.from({ length: 1 + pickBelow(chance, 4) }, () => pickBelow(chance, size));
  const tasks = chance.next() < 0.5 ? undefined : [...new Set(some)];
  return [{ atMs: 500 + pickBelow(chance, faultWindowMs), kind: 'round', how, tasks }];
}

function behaviour(chance: Chance): Behaviour {
  const base = { ...healthy, fetchMs: 50 + pickBelow(chance, 500), startMs: 200 + pickBelow(chance, 3000) };
  const draw = chance.next();
  if (draw < 0.55) return base;
  if (draw < 0.75) return { ...base, errorRatio: 0.1 };
  if (draw < 0.85) return { ...base, neverReady: true };
  return { ...base, crashAfterMs: 100 + pickBelow(chance, 5000) };
}

/** 1 task → a share → everybody, with random gates. */
export function planOf(chance: Chance): PlanSpec {
  const gates = (): Omit<PhaseSpec, 'name' | 'select'> => ({
    concurrency: pickOne(chance, [{ count: 1 }, { count: 3 }, { percent: 25 }, { percent: 100 }]),
    minBakeMs: 1000 + pickBelow(chance, 4000),
    maxBakeMs: 8000 + pickBelow(chance, 20_000),
    onFail: pickOne(chance, ['revert', 'revert', 'revert', 'hold', { holdThenRevertAfterMs: 20_000 }] as const),
    onUndecided: pickOne(chance, ['proceed', 'hold', null, null] as const),
  });
  const middle = pickOne(chance, [
    { percent: 25 },
    { percent: 50 },
    { region: 'north' },
    { rack: 'b' },
    { union: [{ rack: 'a' }, { tasks: [1, 2] }] },
    { difference: [{ percent: 50 }, { rack: 'c' }] },
  ] as const) as PhaseSpec['select'];
  return {
    phases: [
      { name: 'first', select: { count: 1 }, ...gates() },
      { name: 'some', select: middle, ...gates() },
      { name: 'all', select: { percent: 100 }, ...gates() },
    ],
    newcomers: pickOne(chance, ['last-good', 'new'] as const),
    overlap: pickOne(chance, ['wait', 'wait', 'supersede'] as const),
    forwardOnly: false,
  };
}

const faultWindowMs = 90_000;

function faults(chance: Chance, hosts: Scenario['hosts'], size: number, count: number): Happening[] {
  const list: Happening[] = [];
  for (let n = 0; n < count; n++) {
    const atMs = 500 + pickBelow(chance, faultWindowMs);
    const host = pickOne(chance, hosts).id;
    const index = pickBelow(chance, size);
    const forMs = 500 + pickBelow(chance, chance.next() < 0.5 ? 8000 : 60_000);
    const draw = pickBelow(chance, 15);
    if (draw === 0) list.push({ atMs, kind: 'host-death', host, forMs: chance.next() < 0.6 ? forMs : undefined });
    else if (draw === 1) list.push({ atMs, kind: 'host-hang', host, forMs });
    else if (draw === 2)
      list.push({ atMs, kind: 'host-flap', host, times: 3, everyMs: 2000 + pickBelow(chance, 12_000) });
    else if (draw === 3) list.push({ atMs, kind: 'partition', host, direction: 'both', forMs });
    else if (draw === 4) list.push({ atMs, kind: 'partition', host, direction: 'to-agent', forMs });
    else if (draw === 5) list.push({ atMs, kind: 'partition', host, direction: 'to-server', forMs });
    else if (draw === 6) list.push({ atMs, kind: 'domain-loss', rack: pickOne(chance, racks), forMs });
    else if (draw === 7) list.push({ atMs, kind: 'slow-host', host, byMs: 1000 + pickBelow(chance, 25_000), forMs });
    else if (draw === 8) list.push({ atMs, kind: 'no-packages', host, forMs });
    else if (draw === 9) list.push({ atMs, kind: 'task-crash', index });
    else if (draw === 10) list.push({ atMs, kind: 'task-hang', index, forMs });
    else if (draw === 11) list.push({ atMs, kind: 'bad-network', lossRatio: 0.2, repeatRatio: 0.2, forMs });
    else if (draw === 12)
      list.push({ atMs, kind: 'server-crash', loses: chance.next() < 0.5, forMs: 200 + pickBelow(chance, 9000) });
    else if (draw === 13) list.push({ atMs, kind: 'store-stall', forMs: 200 + pickBelow(chance, 5000) });
    else list.push({ atMs, kind: 'clock-jump', byMs: pickBelow(chance, 120_000) - 60_000 });
  }
  return list;
}

/** What persons and the rest of the house do meanwhile; most runs see little of it. */
function extras(chance: Chance, hosts: Scenario['hosts'], size: number, isFirst: boolean): Happening[] {
  const list: Happening[] = [];
  const at = (): number => 2000 + pickBelow(chance, faultWindowMs);
  if (chance.next() < 0.3) {
    list.push({ atMs: at(), kind: 'deploy', to: v2, plan: planOf(chance), rolloutKind: 'deploy' });
  }
  if (chance.next() < 0.08 && !isFirst) {
    list.push({ atMs: at(), kind: 'deploy', to: v0, plan: planOf(chance), rolloutKind: 'rollback' });
  }
  const commands: RolloutCommand[] = ['pause', 'resume', 'abort', 'revert', 'promote', 'skip-bake', 'raise-budget'];
  while (chance.next() < 0.3) list.push({ atMs: at(), kind: 'command', command: pickOne(chance, commands) });
  if (chance.next() < 0.2)
    list.push({ atMs: at(), kind: 'resize', size: Math.max(1, size + pickBelow(chance, 9) - 4) });
  if (chance.next() < 0.2) {
    const host = pickOne(chance, hosts).id;
    list.push({ atMs: at(), kind: 'maintenance', host, noticeMs: 5000 + pickBelow(chance, 30_000), forMs: 40_000 });
  }
  if (chance.next() < 0.1) list.push({ atMs: at(), kind: 'mark', version: pickOne(chance, [v0, v1, v2]) });
  return list;
}
