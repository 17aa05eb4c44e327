import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecuteOrder } from '../api/index.ts';
import type { FailureCard, OperationId, OperationOutcome } from '../model/index.ts';
import { decideBegin } from './decide-order.ts';
import type { HeldTask } from './held-task.ts';
import { assignPorts } from './launch.ts';
import type { OperationMemory, TaskMemory } from './memory.ts';
import { decideStart } from './observe-keeper.ts';
import { taskFacts } from './outbox.ts';
import type { Parts } from './parts.ts';

/** The incarnations of one index on this host. */
export interface HeldIndex {
  list(): HeldTask[];
  find(incarnation: number): HeldTask | undefined;
  /** A new incarnation, written down. */
  add(task: TaskMemory): HeldTask;
  /** What is over; its newest incarnation is kept for its last report. */
  dropOlderThan(incarnation: number): void;
}

/**
 * Runs one operation to its end. Every step looks first at what is done already, so an agent that was killed anywhere
 * in here runs the operation again and ends in the same state.
 */
export async function runOperation(parts: Parts, id: string, held: HeldIndex): Promise<void> {
  const operation = parts.memory.operation(id);
  if (!operation || operation.state === 'ended' || parts.signal.aborted) return;
  const { order } = operation;
  // After a start of the agent: what runs here is known only when its keepers have spoken.
  await Promise.all(held.list().map((task) => task.whenKnown()));
  const begin = operation.state === 'begun' ? resume(order, held) : decide(parts, operation, held);
  if (begin.do === 'nothing') {
    return reportNothingDone(parts, order, held, {
      id: order.id as OperationId,
      outcome: begin.outcome,
      reason: begin.reason,
    });
  }
  if (operation.state === 'written') parts.memory.changeOperation(id, { state: 'begun' });
  if (begin.do === 'replace') await replace(parts, order, held, begin.ends);
  else await end(parts, order, held, begin.ends);
}

type Step = ReturnType<typeof decideBegin>;

function decide(parts: Parts, { order, refusal }: OperationMemory, held: HeldIndex): Step {
  if (refusal !== null) return { do: 'nothing', outcome: 'refused', reason: refusal };
  const tasks = held.list().map(({ memory }) => ({
    incarnation: memory.incarnation,
    state: memory.reported.state,
    isWanted: memory.wanted === 'running',
  }));
  return decideBegin(order, parts.memory.index(order.job, order.index), tasks);
}

function resume(order: ExecuteOrder, held: HeldIndex): Step {
  const newest = order.version ? order.nextIncarnation : Number.POSITIVE_INFINITY;
  const ends = held.list().map(({ memory }) => memory.incarnation);
  return { do: order.version ? 'replace' : 'end', ends: ends.filter((incarnation) => incarnation < newest) };
}

async function replace(parts: Parts, order: ExecuteOrder, held: HeldIndex, ends: readonly number[]): Promise<void> {
  const id = order.id as OperationId;
  let next = held.find(order.nextIncarnation);
  // With a keeper it was started before a crash; all that is left is to wait.
  if (!next || next.memory.keeper === null) {
    const isAnybodyHere = held
      .list()
      .some(({ memory }) => memory.wanted === 'running' && memory.incarnation !== order.nextIncarnation);
    if (!next && !isAnybodyHere) next = addNext(parts, order, held, 'fetching');
    // Before anything is stopped for it: a package that cannot be had costs nobody a second.
    const failure = await fetchFirst(parts, order);
    if (failure) return next ? next.fail(outcomeOf(id, failure), failure) : failBeforeStop(order, held, failure);
    await endInOrder(parts, held, ends);
    if (parts.signal.aborted) return;
    next ??= addNext(parts, order, held, 'starting');
    const problem = await launch(parts, order, next);
    if (problem) return next.fail(outcomeOf(id, problem), problem);
  }
  await waitForStart(parts, order, next);
  held.dropOlderThan(order.nextIncarnation);
}

function outcomeOf(id: OperationId, failure: FailureCard): OperationOutcome {
  return { id, outcome: 'failed', reason: failure.summary };
}

/** The next incarnation, written down and told. */
function addNext(parts: Parts, order: ExecuteOrder, held: HeldIndex, state: 'fetching' | 'starting'): HeldTask {
  parts.memory.changeIndex(order.job, order.index, { highestIncarnation: order.nextIncarnation });
  const next = held.add(newTask(parts, order));
  next.tell(state);
  return next;
}

/** Undefined: its keeper was started. */
async function launch(parts: Parts, order: ExecuteOrder, next: HeldTask): Promise<FailureCard | undefined> {
  try {
    const ports = await assignPorts(parts, order);
    parts.memory.changeIndex(order.job, order.index, { ports });
    parts.memory.putTask({ ...next.memory, ports });
    next.tell('starting');
    await next.launch();
    return undefined;
  } catch (cause) {
    if (parts.signal.aborted) throw cause;
    return { reason: 'cannot-start', summary: String(cause).slice(0, 2000), lastLogLines: [] };
  }
}

async function end(parts: Parts, order: ExecuteOrder, held: HeldIndex, ends: readonly number[]): Promise<void> {
  const outcome: OperationOutcome = { id: order.id as OperationId, outcome: 'done' };
  const last = ends.at(-1);
  await endInOrder(parts, held, ends, last === undefined ? undefined : { incarnation: last, outcome });
  if (parts.signal.aborted) return;
  if (parts.memory.operation(order.id)?.state !== 'ended') reportNothingDone(parts, order, held, outcome);
}

/** Leave discovery, drain, stop. */
async function endInOrder(
  parts: Parts,
  held: HeldIndex,
  ends: readonly number[],
  last?: { readonly incarnation: number; readonly outcome: OperationOutcome },
): Promise<void> {
  const tasks = ends.map((incarnation) => held.find(incarnation)).filter((task) => task !== undefined);
  await Promise.all(tasks.map((task) => drain(parts, task)));
  for (const task of tasks) {
    if (parts.signal.aborted) return;
    const outcome = task.memory.incarnation === last?.incarnation ? last.outcome : undefined;
    // Told to stop before a crash, and perhaps still there: the next one must not start beside it.
    if (task.memory.wanted === 'running' || task.hasKeeper || outcome) await task.end(outcome);
  }
}

/**
 * The drain begins when the server knows, for only then can discovery, and it lasts as long as contact does: who reads
 * discovery cannot know while there is no server. Broken in between, it begins anew.
 */
async function drain({ outbox, contact, signal }: Parts, task: HeldTask): Promise<void> {
  const drainMs = task.memory.order.version?.task.drainMs ?? 0;
  const report = task.beginDraining();
  const wasDraining = task.memory.reported.state === 'draining';
  if (!report && !wasDraining) return; // it is not in discovery
  try {
    for (let isOver = false; !isOver; ) {
      const session = await contact.whenOpen(signal);
      await outbox.whenDelivered(report?.sequence ?? task.memory.reported.sequence, signal);
      await sleep(drainMs, undefined, { signal });
      isOver = await contact.isUnbroken(session, signal);
    }
  } catch {
    // The agent ends; the next one goes on here.
  }
}

/** Undefined: the package is here. Otherwise the card that says why it is not. */
async function fetchFirst(parts: Parts, { id, version }: ExecuteOrder): Promise<FailureCard | undefined> {
  if (!version) throw new Error(`operation ${id} has no version`);
  const folder = await parts.packages.unpacked(version.package, parts.signal);
  if (folder.ok) return undefined;
  return { reason: 'package', summary: folder.error.detail.slice(0, 2000), lastLogLines: [] };
}

/** Nothing was stopped, so what ran still runs; that is what is reported, with the operation's failure. */
function failBeforeStop({ id }: ExecuteOrder, held: HeldIndex, failure: FailureCard): void {
  const present = held.list().findLast(({ memory }) => memory.wanted === 'running');
  present?.reportOutcome(outcomeOf(id as OperationId, failure), failure);
}

async function waitForStart(parts: Parts, order: ExecuteOrder, task: HeldTask): Promise<void> {
  const { signal } = parts;
  const deadlineMs = order.version?.task.ready.deadlineMs ?? 0;
  const outcome = await new Promise<ReturnType<typeof decideStart>>((resolve) => {
    // A little later than the keeper's own deadline, whose card says more.
    const look = (): void => {
      const decided = decideStart(task.keeperState, deadlineMs + 2000, task.launchedAtMs, Date.now());
      if (decided || signal.aborted) finish(decided);
    };
    const stopWatching = task.watch(look);
    const timer = setInterval(look, 250);
    const finish = (decided: ReturnType<typeof decideStart>): void => {
      clearInterval(timer);
      stopWatching();
      resolve(decided);
    };
    look();
  });
  if (!outcome) return; // the agent ends; the next one waits on
  const id = order.id as OperationId;
  if (outcome.is === 'serving') task.reportOutcome({ id, outcome: 'done' });
  else task.reportOutcome({ id, outcome: 'failed', reason: outcome.why.slice(0, 2000) }, lastCard(task, outcome.why));
}

function lastCard(task: HeldTask, why: string): FailureCard {
  const card = task.keeperState?.ends.at(-1)?.failure;
  return card ?? { reason: 'not-ready', summary: why.slice(0, 2000), lastLogLines: [] };
}

function newTask(parts: Parts, order: ExecuteOrder): TaskMemory {
  return {
    job: order.job,
    index: order.index,
    incarnation: order.nextIncarnation,
    order,
    ports: {},
    address: parts.options.address,
    wanted: 'running',
    keeper: null,
    nextLife: 0,
    reported: { state: 'starting', life: 0, sequence: 0, atMs: 0, failure: null },
  };
}

/** Refused, cancelled, or there was nothing to end: the truth about the index, with the operation's end. */
function reportNothingDone(parts: Parts, order: ExecuteOrder, held: HeldIndex, operation: OperationOutcome): void {
  const present = held.list().at(-1);
  if (present) {
    present.reportOutcome(operation);
    return;
  }
  const { highestIncarnation } = parts.memory.index(order.job, order.index);
  const task = { ...newTask(parts, order), incarnation: highestIncarnation };
  parts.outbox.add({
    ...taskFacts(task, task.address),
    life: 0,
    state: 'stopped',
    ports: {},
    atMs: Date.now(),
    operation,
  });
}
