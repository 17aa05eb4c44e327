import {
  goneTask,
  isExtra,
  isGone,
  isHeard,
  isServing,
  type LedgerOperation,
  type TaskFacts,
} from '../disruption/index.ts';
import { type AssignmentRow, isUnderWay, partsOfDriver, type Rollout, type TaskIndex } from '../model/index.ts';
import { type Draft, emitForJob, moveOperation, retire, setOperation, setTask, taskOf, wakeAt } from './draft.ts';
import { answerFor, type Departures, departuresOf, holdFromMs } from './maintenance.ts';
import { placesOf } from './phases.ts';
import { operationPurposes, type ProposeFacts, type WantedOperation } from './propose.ts';
import { isRound } from './rounds.ts';
import { domainsOf } from './select.ts';
import { takesDown } from './strategies/chosen.ts';

/** An operation that waits to be admitted, and what it is wanted for. */
export interface Candidate {
  readonly operation: LedgerOperation;
  readonly wanted: WantedOperation;
  readonly rollout: Rollout | undefined;
}

/** Assignment − reality, index by index: what is wanted now, in the order in which it is admitted. */
export function wantedOperations(draft: Draft): Candidate[] {
  const { underWay, waiting } = operationsByIndex(draft);
  const departures = departuresOf(draft.inventory.hosts, draft.outages.values(), draft.nowMs, draft.job.driver);
  for (const atMs of departures.times) wakeAt(draft, atMs);
  const candidates = new Map<TaskIndex, Candidate>();
  for (const index of indicesOf(draft)) {
    const candidate = candidateFor(
      draft,
      index,
      underWay.get(index) ?? nothing,
      waiting.get(index) ?? nothing,
      departures,
    );
    if (candidate !== undefined) candidates.set(index, candidate);
  }
  cancelUnwanted(draft, candidates);
  return inOrder(draft, [...candidates.values()]);
}

const nothing: readonly LedgerOperation[] = [];

/** Those of the job, then those that are on their way out of it. */
function indicesOf(draft: Draft): readonly TaskIndex[] {
  const indices: TaskIndex[] = [];
  for (let index = 0; index < draft.job.size; index++) indices.push(index);
  for (const index of draft.tasks.keys()) if (index >= draft.job.size) indices.push(index);
  // Extra tasks that nothing is known of yet.
  for (const index of draft.assignment.keys()) if (isExtra(index) && !draft.tasks.has(index)) indices.push(index);
  return indices;
}

type ByIndex = Map<TaskIndex, LedgerOperation[]>;

function operationsByIndex(draft: Draft): { readonly underWay: ByIndex; readonly waiting: ByIndex } {
  const underWay: ByIndex = new Map();
  const waiting: ByIndex = new Map();
  for (const operation of draft.operations.values()) {
    if (isUnderWay(operation.state)) add(underWay, operation);
    if (operation.admittedAtMs === undefined) add(waiting, operation);
  }
  return { underWay, waiting };
}

function add(found: ByIndex, operation: LedgerOperation): void {
  const list = found.get(operation.index);
  if (list === undefined) found.set(operation.index, [operation]);
  else list.push(operation);
}

function candidateFor(
  draft: Draft,
  index: TaskIndex,
  underWay: readonly LedgerOperation[],
  waiting: readonly LedgerOperation[],
  departures: Departures,
): Candidate | undefined {
  const task = taskOf(draft, index);
  const row = draft.assignment.get(index);
  // Most tasks, most of the time: of those nothing else has to be looked up.
  if (index < draft.job.size && underWay.length === 0 && isPlainlySettled(draft, task, row, departures))
    return undefined;
  const owner = row?.rollout === undefined ? undefined : draft.rollouts.get(row.rollout);
  const runs = task.current?.version ?? row?.version;
  const spec = runs === undefined ? undefined : draft.before.versions.get(runs)?.task;
  const isRetiring = index >= draft.job.size && !(isExtra(index) && row?.version !== undefined);
  const stopMs = (spec?.drainMs ?? 0) + (spec?.stop.graceMs ?? 0);
  const departure = task.current && departures.now.get(task.current.host);
  const answer = answerFor(draft.job, draft.control, departure, index);
  if (departure !== undefined && answer === 'hold') wakeAt(draft, holdFromMs(departure, stopMs));
  const proposal = draft.rules.proposeFor({
    task,
    wanted: row?.version,
    isRetiring,
    isSingleton: spec?.singleton ?? false,
    cannotMove: !canMove(draft),
    renewal: renewalOf(row, owner),
    isHeld: owner?.state === 'held',
    batch: batchOf(draft, row),
    underWay,
    hostStates: draft.hostStates,
    toLeave: departures.now,
    leftLater: departures.later,
    answer,
    stopMs,
    readyDeadlineMs: spec?.ready.deadlineMs ?? 60_000,
    nowMs: draft.nowMs,
  });
  switch (proposal.kind) {
    case 'settled':
      return undefined;
    case 'wait':
      if (proposal.untilMs !== undefined) wakeAt(draft, proposal.untilMs);
      return undefined;
    case 'retire':
      if (isGone(task) && row === undefined) return undefined;
      setTask(draft, goneTask(task));
      retire(draft, index);
      return undefined;
    case 'operate':
      return {
        operation: operationFor(draft, index, proposal.wanted, waiting, row?.rollout, owner),
        wanted: proposal.wanted,
        rollout: owner,
      };
  }
}

/** It serves what it is assigned, where it may stay, and there is no other incarnation of it: nothing is wanted of it. */
function isPlainlySettled(
  { turn, hostStates }: Draft,
  { current, others }: TaskFacts,
  row: AssignmentRow | undefined,
  { now }: Departures,
): boolean {
  if (current === undefined || row === undefined || turn?.down !== undefined || row.renewAbove !== undefined)
    return false;
  if (current.state !== 'serving' || current.version !== row.version || others.length > 0) return false;
  // Only a departure of its own host concerns it: work on one rack leaves all the others as they are.
  return !now.has(current.host) && isHeard(hostStates(current.host));
}

function canMove({ job, rules }: Draft): boolean {
  const plugin = partsOfDriver(job.driver)?.plugin;
  return plugin === undefined || rules.drivers.get(plugin)?.capabilities?.move !== false;
}

/** Its strategy takes tasks down: whether it is one of those. */
function batchOf({ turn }: Draft, row: AssignmentRow | undefined): ProposeFacts['batch'] {
  if (turn?.down === undefined || row?.rollout !== turn.rollout) return undefined;
  return turn.down.has(row.index) ? 'down' : 'up';
}

function renewalOf(row: AssignmentRow | undefined, owner: Rollout | undefined): ProposeFacts['renewal'] {
  if (row?.renewAbove === undefined || owner === undefined || !isRound(owner)) return undefined;
  return { above: row.renewAbove, how: owner.kind === 'move' ? 'move' : 'restart' };
}

/** The operation that already waits for this, or a new one. */
function operationFor(
  draft: Draft,
  index: TaskIndex,
  wanted: WantedOperation,
  waiting: readonly LedgerOperation[],
  rollout: Rollout['id'] | undefined,
  owner: Rollout | undefined,
): LedgerOperation {
  const known = waiting.find((one) => isSame(one, wanted, rollout));
  if (known !== undefined) return known;
  return {
    id: draft.id('op'),
    job: draft.job.id,
    index,
    kind: wanted.kind,
    incarnation: wanted.incarnation,
    nextIncarnation: wanted.nextIncarnation,
    from: wanted.from,
    to: wanted.to,
    host: wanted.host,
    rollout,
    phase: owner?.currentPhase,
    reason: wanted.reason,
    state: 'proposed',
    blockedBy: undefined,
    precondition: undefined,
    epoch: undefined,
    deadlineAtMs: undefined,
    proposedAtMs: draft.nowMs,
    admittedAtMs: undefined,
    endedAtMs: undefined,
    exemption: wanted.purpose === 'forced' ? 'forced' : undefined,
    cancelAskedAtMs: undefined,
    isWithdrawn: false,
    dispatches: 0,
    outcome: undefined,
  };
}

function isSame(one: LedgerOperation, wanted: WantedOperation, rollout: string | undefined): boolean {
  return (
    one.kind === wanted.kind &&
    one.to === wanted.to &&
    one.incarnation === wanted.incarnation &&
    one.nextIncarnation === wanted.nextIncarnation &&
    (wanted.host === undefined || one.host === wanted.host) &&
    one.rollout === rollout &&
    (one.exemption === 'forced') === (wanted.purpose === 'forced')
  );
}

/** What waits and is not wanted any more ends; what is admitted and has not begun is asked to be cancelled. */
function cancelUnwanted(draft: Draft, candidates: ReadonlyMap<TaskIndex, Candidate>): void {
  for (const operation of [...draft.operations.values()]) {
    if (operation.admittedAtMs === undefined) {
      if (candidates.get(operation.index)?.operation.id === operation.id) continue;
      moveOperation(draft, operation, 'cancelled', { outcome: 'it is not wanted any more' });
    } else if (isUnderWay(operation.state)) tend(draft, operation);
  }
}

/** Looks after an admitted operation: cancelled when it is not wanted, taken back while its host is lost. */
function tend(draft: Draft, operation: LedgerOperation): void {
  if (operation.state !== 'admitted' || operation.host === undefined) return;
  const host = draft.hostStates(operation.host);
  if (host === 'lost') {
    if (operation.isWithdrawn) return;
    const taken = { ...operation, isWithdrawn: true };
    setOperation(draft, taken);
    draft.dispatches.push({ kind: 'withdraw', operation: taken });
    return;
  }
  const row = draft.assignment.get(operation.index);
  const isWanted =
    operation.to === undefined
      ? !isStoppedInVain(draft, operation, row)
      : row?.version === operation.to && !isGivenBack(draft, operation, row);
  if (operation.isWithdrawn && isHeard(host)) {
    // It may have been written down after all; a cancel settles that, and reality decides what comes next.
    askCancel(draft, { ...operation, isWithdrawn: false });
  } else if (!isWanted && operation.cancelAskedAtMs === undefined) askCancel(draft, operation);
}

/** A round that was stopped wants nothing of what serves and has not begun to be renewed. */
function isGivenBack(draft: Draft, operation: LedgerOperation, row: AssignmentRow): boolean {
  const owner = operation.rollout === undefined ? undefined : draft.rollouts.get(operation.rollout);
  const isRenewal = owner !== undefined && isRound(owner) && row.renewAbove === undefined;
  return isRenewal && isServing(draft.tasks.get(operation.index), draft.hostStates);
}

/** It was to stop with its phase, and is assigned again what it runs: it may as well go on. */
function isStoppedInVain(draft: Draft, operation: LedgerOperation, row: AssignmentRow | undefined): boolean {
  const owner = operation.rollout === undefined ? undefined : draft.rollouts.get(operation.rollout);
  if (operation.kind !== 'stop' || owner === undefined || !takesDown(draft, owner)) return false;
  const current = draft.tasks.get(operation.index)?.current;
  const isOwn = current?.incarnation === operation.incarnation && operation.exemption === undefined;
  return isOwn && row?.version === current.version && draft.hostStates(current.host) === 'up';
}

function askCancel(draft: Draft, operation: LedgerOperation): void {
  // Each order has a number of its own: one that was taken back from a lost host is not the one given after it.
  const asked = { ...operation, cancelAskedAtMs: draft.nowMs, dispatches: operation.dispatches + 1 };
  setOperation(draft, asked);
  draft.dispatches.push({ kind: 'cancel', operation: asked });
  const { id, kind, index, host } = asked;
  emitForJob(draft, 'operation.cancel-asked', { operation: id, kind, index, host });
}

/**
 * Repairs first, then what is forced, reverts (by fault domain, so that what is out at once is out together), and
 * rollouts in the order of their phase's members.
 */
function inOrder(draft: Draft, candidates: Candidate[]): Candidate[] {
  if (candidates.length < 2) return candidates;
  const ranks = new Map<LedgerOperation, number>();
  const byDomain = candidates.some((one) => one.rollout?.state === 'reverting') ? domainOrder(draft) : undefined;
  const members = new Map<Rollout | undefined, ReadonlyMap<TaskIndex, number>>([[undefined, new Map()]]);
  for (const one of candidates) {
    if (!members.has(one.rollout)) members.set(one.rollout, memberOrder(draft, one.rollout!));
    ranks.set(one.operation, rankOf(one, byDomain, members.get(one.rollout)!));
  }
  return candidates.sort((a, b) => ranks.get(a.operation)! - ranks.get(b.operation)!);
}

function rankOf(
  { operation, wanted, rollout }: Candidate,
  byDomain: ReadonlyMap<TaskIndex, number> | undefined,
  members: ReadonlyMap<TaskIndex, number>,
): number {
  const isRevert = wanted.purpose === 'update' && rollout?.state === 'reverting';
  const purpose = operationPurposes.indexOf(isRevert ? 'revert' : wanted.purpose);
  const within = isRevert ? byDomain?.get(operation.index) : members.get(operation.index);
  return purpose * 1_000_000 + (within ?? operation.index);
}

function memberOrder({ turn }: Draft, rollout: Rollout): ReadonlyMap<TaskIndex, number> {
  if (turn?.rollout === rollout.id && turn.ranks !== undefined) return turn.ranks;
  const members = rollout.phases[rollout.currentPhase]?.members ?? [];
  return new Map(members.map((index, at) => [index, at]));
}

function domainOrder(draft: Draft): ReadonlyMap<TaskIndex, number> {
  const places = placesOf(draft).map((place) => ({ index: place.index, key: domainsOf(place)[2] }));
  places.sort((a, b) => (a.key < b.key ? -1 : a.key > b.key ? 1 : a.index - b.index));
  return new Map(places.map((place, at) => [place.index, at]));
}
