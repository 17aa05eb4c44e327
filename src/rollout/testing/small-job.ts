import { type LedgerOperation, newTask, noLimits, type TaskFacts } from '../../disruption/index.ts';
import { makeId, seededChance } from '../../kit/index.ts';
import type {
  AssignmentRow,
  HoldFor,
  HostState,
  JobId,
  PhaseSpec,
  PlanSpec,
  Rollout,
  RolloutCommand,
  TaskReport,
  TaskState,
  Version,
  VersionId,
} from '../../model/index.ts';
import { decideJob } from '../decide.ts';
import { newRollout } from '../new-rollout.ts';
import type { Rules } from '../rules.ts';
import { standardRules } from '../rules.ts';
import type { JobDecision, JobState, PhaseEvidence } from '../state.ts';

export const job: JobId = 'guestbook@production';
export const v0: VersionId = 'v_0';
export const v1: VersionId = 'v_1';
export const v2: VersionId = 'v_2';
const epochMs = 1_000_000;

export interface SmallJob {
  readonly size?: number;
  readonly budget?: number;
  readonly hosts?: number;
  /** Serves everywhere; null: nothing was ever deployed. */
  readonly running?: VersionId | null;
}

/** A job in the hand: reports, verdicts and commands are put in, `decide` is called, and what follows is looked at. */
export function smallJob({ size = 4, budget = 1, hosts = 4, running = 'v_0' }: SmallJob = {}) {
  const chance = seededChance(1);
  let nowMs = epochMs;
  let sequence = 0;
  let commands = 0;
  let state = firstState(size, budget, hosts, running ?? undefined);
  let last: JobDecision | undefined;
  const world = {
    rules: standardRules as Rules,
    get state(): JobState {
      return state;
    },
    get last(): JobDecision {
      return last!;
    },
    get nowMs(): number {
      return nowMs;
    },
    /** The rollout that was made as number `n`, whatever became of it. */
    rollout(n = 0): Rollout {
      return made[n]!;
    },
    assigned: (): (VersionId | undefined)[] =>
      [...state.assignment.values()].sort((a, b) => a.index - b.index).map((row) => row.version),
    /** Lets time pass and decides. */
    decide(afterMs = 0): JobDecision {
      nowMs += afterMs;
      last = decideJob(state, nowMs, (prefix) => makeId(prefix, nowMs, chance), world.rules);
      state = last.after;
      for (const { kind, operation } of last.dispatches) if (kind === 'execute') ordered.push(operation);
      for (const rollout of last.changed.rollouts.values()) {
        const at = made.findIndex((one) => one.id === rollout.id);
        if (at === -1) made.push(rollout);
        else made[at] = rollout;
      }
      return last;
    },
    deploy(to: VersionId, change: Partial<Parameters<typeof newRollout>[0]> = {}): void {
      const rollout = newRollout(
        {
          id: makeId('ro', nowMs, chance),
          job,
          release: undefined,
          to,
          kind: 'deploy',
          plan: planOf([1, size]),
          judged: false,
          holdAfter: undefined,
          createdBy: { kind: 'person', name: 'ada' },
          reason: undefined,
          ...change,
        },
        nowMs,
      );
      made.push(rollout);
      state = { ...state, rollouts: [...state.rollouts, rollout] };
    },
    /** What is known of the rollouts of other jobs. */
    others(known: NonNullable<JobState['others']>): void {
      state = { ...state, others: known };
    },
    command(command: RolloutCommand, n = 0, count?: number, phase?: string, holdFor?: HoldFor): void {
      commands += 1;
      const actor = { kind: 'person', name: 'ada' } as const;
      const one = {
        id: `cmd_${commands}`,
        rollout: made[n]!.id,
        command,
        actor,
        reason: 'because',
        count,
        phase,
        holdFor,
      };
      state = { ...state, commands: [...state.commands, one] };
    },
    report(index: number, taskState: TaskState, change: Partial<TaskReport> = {}): void {
      sequence += 1;
      const current = state.tasks.get(index)?.current;
      const report: TaskReport = {
        job,
        index,
        incarnation: current?.incarnation ?? 1,
        life: 0,
        host: current?.host ?? 'host-0',
        version: current?.version ?? 'v_0',
        state: taskState,
        ports: {},
        address: '',
        sequence: 1000 + sequence,
        atMs: nowMs,
        ...change,
      };
      state = { ...state, reports: [...state.reports, report] };
    },
    /** Every order so far is carried out, asked to be cancelled or not: the new incarnation ends in this state. */
    obey(taskState: TaskState = 'serving'): void {
      for (const operation of ordered.splice(0)) {
        const isStop = operation.kind === 'stop' || operation.kind === 'resize-down';
        world.report(operation.index, isStop ? 'stopped' : taskState, {
          incarnation: operation.nextIncarnation,
          host: operation.host!,
          version: operation.to ?? operation.from!,
          operation: { id: operation.id, outcome: taskState === 'serving' || isStop ? 'done' : 'failed' },
          failure: taskState === 'failed' ? { reason: 'exited', summary: 'exit 1', lastLogLines: [] } : undefined,
        });
      }
    },
    /** Decides and obeys, and lets time pass to whatever is due, until nothing is any more or until this holds. */
    settle(until: () => boolean = () => false): void {
      for (let turn = 0; turn < 200; turn++) {
        const isIdle = turn > 0 && state.reports.length === 0;
        const dueMs = last?.wakeAtMs;
        if (isIdle && dueMs === undefined) return;
        world.decide(isIdle && dueMs !== undefined ? Math.max(10, dueMs - nowMs) : 100);
        if (until()) return;
        world.obey();
      }
      throw new Error('it does not settle');
    },
    host(id: string, hostState: HostState): void {
      const change = state.inventory.hosts.map((host) => (host.id === id ? { ...host, state: hostState } : host));
      state = { ...state, inventory: { ...state.inventory, hosts: change } };
    },
    judge(evidence: Partial<PhaseEvidence>, n = 0): void {
      const rollout = made[n]!;
      const full: PhaseEvidence = {
        phase: rollout.currentPhase,
        verdict: 'undecided',
        atMs: nowMs,
        measured: true,
        lostData: false,
        powerReached: false,
        sentence: 'as planted',
        drivers: [],
        ...evidence,
      };
      state = { ...state, evidence: new Map(state.evidence).set(rollout.id, full) };
    },
    mark(version: VersionId): void {
      state = { ...state, carriers: new Map(state.carriers).set(version, ['mark_1']) };
    },
    change(part: Partial<JobState>): void {
      state = { ...state, ...part };
    },
  };
  const made: Rollout[] = [];
  const ordered: LedgerOperation[] = [];
  return world;
}

/** Phases of so many tasks, cumulative; the last number is the whole job. */
export function planOf(
  counts: readonly number[],
  change: Partial<PhaseSpec> = {},
  plan: Partial<PlanSpec> = {},
): PlanSpec {
  return {
    phases: counts.map((count, at) => ({
      name: `phase-${at + 1}`,
      select: at === counts.length - 1 ? { percent: 100 } : { count },
      concurrency: { percent: 100 },
      minBakeMs: 1000,
      maxBakeMs: 5000,
      onFail: 'revert',
      onUndecided: null,
      ...change,
    })),
    newcomers: 'last-good',
    overlap: 'wait',
    forwardOnly: false,
    ...plan,
  };
}

function firstState(size: number, budget: number, hosts: number, running: VersionId | undefined): JobState {
  const tasks = new Map<number, TaskFacts>();
  const assignment = new Map<number, AssignmentRow>();
  for (let index = 0; index < size && running !== undefined; index++) {
    const facts = { incarnation: 1, life: 0, version: running, state: 'serving', ports: {}, address: '' } as const;
    const current = { ...facts, host: `host-${index % hosts}`, sequence: 1, reportedAtMs: 0, failure: undefined };
    const task = { ...newTask(index), highestIncarnation: 1, servedOnce: true };
    tasks.set(index, { ...task, current: { ...current, servingSinceMs: 0 } });
    assignment.set(index, { job, index, version: running, rollout: undefined, lastGood: running });
  }
  return {
    job: {
      id: job,
      service: 'guestbook',
      environment: 'production',
      wantedSize: size,
      budget: { count: budget },
      limits: noLimits,
      env: {},
      hostLabels: {},
      driver: 'simulated',
      size,
      resizingFrom: undefined,
      goodVersions: running === undefined ? [] : [running],
      createdAtMs: 0,
    },
    revision: 0,
    assignment,
    rollouts: [],
    operations: [],
    outages: [],
    tasks,
    inventory: {
      hosts: Array.from({ length: hosts }, (_, at) => ({
        id: `host-${at}`,
        state: 'up' as const,
        isSilent: false,
        labels: { region: at % 2 === 0 ? 'north' : 'south', rack: `rack-${at}` },
        capacity: { cpuMillis: 10_000, memoryMb: 10_000, maxTasks: 100 },
      })),
      placements: [],
      massSilence: false,
    },
    versions: new Map(['v_0', 'v_1', 'v_2'].map((id) => [id as VersionId, versionOf(id as VersionId)])),
    carriers: new Map(),
    evidence: new Map(),
    buckets: [],
    reports: [],
    answers: [],
    commands: [],
  };
}

function versionOf(id: VersionId): Version {
  return {
    id,
    service: 'guestbook',
    commit: id,
    repository: 'guestbook',
    release: undefined,
    package: id,
    task: {
      command: ['serve'],
      ports: ['http'],
      env: {},
      secretFiles: {},
      stop: { signal: 'SIGTERM', graceMs: 1000 },
      ready: { running: { afterMs: 100 }, deadlineMs: 10_000 },
      drainMs: 100,
      dataDir: false,
      resources: { cpuMillis: 100, memoryMb: 64 },
      metrics: null,
      singleton: false,
    },
    createdAtMs: 0,
  };
}
