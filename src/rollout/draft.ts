import type { ControlFacts, HostStates, LedgerOperation, RateBucket, TaskFacts } from '../disruption/index.ts';
import { newTask } from '../disruption/index.ts';
import type { Inventory, Placement } from '../fleet/index.ts';
import {
  type Actor,
  type AssignmentRow,
  assert,
  type HostId,
  type HostState,
  isEnded,
  isWatched,
  type NewEvent,
  type OperationId,
  type OperationState,
  type Outage,
  type OutageId,
  operationTransitions,
  type Rollout,
  type RolloutId,
  rollway,
  type TaskControlRequest,
  type TaskIndex,
} from '../model/index.ts';
import type { JobFacts } from './facts.ts';
import type { Rules } from './rules.ts';
import type { CommandOutcome, Dispatch, JobState, MarkWish } from './state.ts';

export type MakeId = <P extends string>(prefix: P) => `${P}_${string}`;

/** What the strategy of the rollout that has the job says in this decision. */
export interface StrategyTurn {
  readonly rollout: RolloutId;
  /** Who may be worked on now, and after whom; undefined: everybody, in the order of the phase. */
  readonly ranks: ReadonlyMap<TaskIndex, number> | undefined;
  /** Why the others wait. */
  readonly reason: string;
  /** Of whom nothing may run for now; undefined: the strategy takes nobody down. */
  readonly down: ReadonlySet<TaskIndex> | undefined;
}

/**
 * The working copy of one decision: the job as it would be, and what is to be committed with it. Lives inside
 * `decideJob` only; what comes in is never changed.
 */
export interface Draft {
  readonly before: JobState;
  readonly nowMs: number;
  readonly rules: Rules;
  readonly id: MakeId;
  readonly hostStates: HostStates;
  readonly silentHosts: ReadonlySet<HostId>;
  job: JobFacts;
  /** What comes in, until something is placed: its placements are then an array of our own, since one turn may admit thousands. */
  inventory: Inventory;
  /** What comes in, until something of it changes: most decisions change a few of many thousand indices. */
  assignment: ReadonlyMap<TaskIndex, AssignmentRow>;
  readonly rollouts: Map<RolloutId, Rollout>;
  /** Ended ones that are still looked at. */
  readonly watched: Map<RolloutId, Rollout>;
  readonly operations: Map<OperationId, LedgerOperation>;
  /** Likewise. */
  tasks: ReadonlyMap<TaskIndex, TaskFacts>;
  readonly outages: Map<OutageId, Outage>;
  readonly buckets: Map<string, RateBucket>;
  readonly changedBuckets: Map<string, RateBucket>;
  control: ControlFacts | undefined;
  controllerRequest: TaskControlRequest | undefined;
  isJobChanged: boolean;
  readonly changedTasks: Set<TaskIndex>;
  readonly retired: Set<TaskIndex>;
  readonly changedAssignment: Set<TaskIndex>;
  readonly changedRollouts: Map<RolloutId, Rollout>;
  readonly changedOperations: Map<OperationId, LedgerOperation>;
  readonly changedOutages: Map<OutageId, Outage>;
  readonly placed: Placement[];
  readonly unplaced: Pick<Placement, 'job' | 'index' | 'incarnation'>[];
  readonly dispatches: Dispatch[];
  readonly events: NewEvent[];
  readonly outcomes: CommandOutcome[];
  readonly markWishes: MarkWish[];
  /** Rollouts that take no further task now, with the reason. */
  readonly gates: Map<RolloutId, string>;
  /** What the strategy of the active rollout says; undefined: nothing of its own. */
  turn: StrategyTurn | undefined;
  wakeAtMs: number | undefined;
  /** Something was to be placed, and nobody has looked yet at what other jobs take. */
  wantsRoom: boolean;
}

export function openDraft(before: JobState, nowMs: number, rules: Rules, id: MakeId): Draft {
  const { states, silent } = hostsOf(before.inventory.hosts);
  return {
    before,
    nowMs,
    rules,
    id,
    hostStates: (host) => states.get(host) ?? 'fenced',
    silentHosts: silent,
    job: before.job,
    inventory: before.inventory,
    assignment: before.assignment,
    rollouts: byId(before.rollouts),
    watched: byId(before.watched ?? []),
    operations: byId(before.operations),
    tasks: before.tasks,
    outages: byId(before.outages),
    buckets: byId(before.buckets),
    changedBuckets: new Map(),
    control: before.control,
    controllerRequest: undefined,
    isJobChanged: false,
    changedTasks: new Set(),
    retired: new Set(),
    changedAssignment: new Set(),
    changedRollouts: new Map(),
    changedOperations: new Map(),
    changedOutages: new Map(),
    placed: [],
    unplaced: [],
    dispatches: [],
    events: [],
    outcomes: [],
    markWishes: [],
    gates: new Map(),
    turn: undefined,
    wakeAtMs: undefined,
    wantsRoom: false,
  };
}

function byId<T extends { readonly id: string }>(list: readonly T[]): Map<T['id'], T> {
  const found = new Map<T['id'], T>();
  for (const one of list) found.set(one.id, one);
  return found;
}

interface KnownHosts {
  readonly states: ReadonlyMap<HostId, HostState>;
  readonly silent: ReadonlySet<HostId>;
}

/** Many decisions are made over the same list of hosts: it is gone through once. */
const knownHosts = new WeakMap<Inventory['hosts'], KnownHosts>();

function hostsOf(hosts: Inventory['hosts']): KnownHosts {
  let known = knownHosts.get(hosts);
  if (known === undefined) {
    const states = new Map<HostId, HostState>();
    const silent = new Set<HostId>();
    for (const host of hosts) {
      states.set(host.id, host.state);
      if (host.isSilent) silent.add(host.id);
    }
    known = { states, silent };
    knownHosts.set(hosts, known);
  }
  return known;
}

// ---------------------------------------------------------------- writing to it

export function setJob(draft: Draft, change: Partial<JobFacts>): void {
  draft.job = { ...draft.job, ...change };
  draft.isJobChanged = true;
}

export function taskOf(draft: Draft, index: TaskIndex): TaskFacts {
  return draft.tasks.get(index) ?? newTask(index);
}

export function setTask(draft: Draft, task: TaskFacts): void {
  if (draft.tasks.get(task.index) === task) return;
  ownTasks(draft).set(task.index, task);
  draft.changedTasks.add(task.index);
}

export function setAssignment(draft: Draft, row: AssignmentRow): void {
  ownAssignment(draft).set(row.index, row);
  draft.changedAssignment.add(row.index);
}

/** The index has left the job, and nothing of it lives any more: it is assigned nothing. */
export function retire(draft: Draft, index: TaskIndex): void {
  draft.retired.add(index);
  ownAssignment(draft).delete(index);
  draft.changedAssignment.delete(index);
}

/** What comes in is never changed: the first change copies it. */
function ownTasks(draft: Draft): Map<TaskIndex, TaskFacts> {
  if (draft.tasks === draft.before.tasks) draft.tasks = new Map(draft.tasks);
  return draft.tasks as Map<TaskIndex, TaskFacts>;
}

function ownAssignment(draft: Draft): Map<TaskIndex, AssignmentRow> {
  if (draft.assignment === draft.before.assignment) draft.assignment = new Map(draft.assignment);
  return draft.assignment as Map<TaskIndex, AssignmentRow>;
}

/** Changes a live rollout; one that ends leaves the live ones, its last state is kept in the changes. */
export function setRollout(draft: Draft, id: RolloutId, change: Partial<Rollout>): Rollout {
  const before = draft.rollouts.get(id);
  assert(before !== undefined, 'a rollout that is changed is live', { id });
  const after = { ...before, ...change };
  draft.changedRollouts.set(id, after);
  if (after.endedAtMs === undefined) draft.rollouts.set(id, after);
  else draft.rollouts.delete(id);
  return after;
}

/** Changes one that has ended; it stays among the watched ones as long as its watch does. */
export function setWatched(draft: Draft, before: Rollout, change: Partial<Rollout>): Rollout {
  const after = { ...before, ...change };
  draft.changedRollouts.set(after.id, after);
  if (isWatched(after)) draft.watched.set(after.id, after);
  else draft.watched.delete(after.id);
  return after;
}

export function setOperation(draft: Draft, operation: LedgerOperation): void {
  draft.changedOperations.set(operation.id, operation);
  if (operation.endedAtMs === undefined) draft.operations.set(operation.id, operation);
  else draft.operations.delete(operation.id);
}

/** Moves an operation along its table of states; anything else is a bug. */
export function moveOperation(
  draft: Draft,
  operation: LedgerOperation,
  state: OperationState,
  change: Partial<LedgerOperation> = {},
): LedgerOperation {
  const isLegal = operation.state === state || operationTransitions[operation.state].includes(state);
  assert(isLegal, `an operation goes from ${operation.state} to ${state}`, { id: operation.id });
  const endedAtMs = isEnded(state) ? draft.nowMs : undefined;
  const after = { ...operation, ...change, state, endedAtMs };
  setOperation(draft, after);
  return after;
}

export function setOutage(draft: Draft, outage: Outage): void {
  draft.changedOutages.set(outage.id, outage);
  if (outage.endedAtMs === undefined) draft.outages.set(outage.id, outage);
  else draft.outages.delete(outage.id);
}

export function setBucket(draft: Draft, bucket: RateBucket): void {
  draft.buckets.set(bucket.id, bucket);
  draft.changedBuckets.set(bucket.id, bucket);
}

export function claimRoom(draft: Draft, placement: Placement): void {
  if (draft.inventory === draft.before.inventory) {
    draft.inventory = { ...draft.inventory, placements: [...draft.inventory.placements] };
  }
  (draft.inventory.placements as Placement[]).push(placement);
  draft.placed.push(placement);
}

export function wakeAt(draft: Draft, atMs: number): void {
  if (atMs <= draft.nowMs) return;
  if (draft.wakeAtMs === undefined || atMs < draft.wakeAtMs) draft.wakeAtMs = atMs;
}

const self: Actor = rollway('rollout');

export function emitForJob(draft: Draft, type: string, data: Record<string, unknown>, actor: Actor = self): void {
  draft.events.push({ stream: `job/${draft.job.id}`, type, actor, data });
}

export function emitForRollout(
  draft: Draft,
  id: RolloutId,
  type: string,
  data: Record<string, unknown>,
  actor: Actor = self,
): void {
  draft.events.push({ stream: `rollout/${id}`, type, actor, data });
}
