import type { MarkFacts, MarkRequest } from '../../blame/index.ts';
import { recordMarkRequest } from '../../blame/rows.ts';
import { type ControlCall, controlCall } from '../../disruption/index.ts';
import * as ledger from '../../disruption/rows.ts';
import { Conflict, type Enqueue, type GuardRef, type NewEffect, type Proposal, type View } from '../../engine/index.ts';
import { changePlacements } from '../../fleet/rows.ts';
import {
  type DriverId,
  type EffectId,
  type HostId,
  isSameDriver,
  type JobId,
  type OperationId,
  type RolloutGroup,
  type TaskControlSpec,
} from '../../model/index.ts';
import type { Tx } from '../../store/index.ts';
import { barrierFacts } from '../barrier.ts';
import * as rows from '../rows.ts';
import type { Dispatch, JobDecision, JobState, MarkWish } from '../state.ts';
import { jobDecide } from './load.ts';

/** What a decision about a job wants committed, as the engine takes it. Undefined: nothing at all. */
export async function proposalOf(
  view: View,
  before: JobState,
  decision: JobDecision,
  nowMs: number,
): Promise<Proposal | undefined> {
  const { id: job } = before.job;
  const timer: Enqueue[] =
    decision.wakeAtMs === undefined ? [] : [{ kind: jobDecide, key: job, dueAtMs: decision.wakeAtMs }];
  if (!isNews(before, decision)) return timer.length === 0 ? undefined : { work: timer, result: undefined };
  const hosts = newHosts(before, decision);
  for (const host of hosts) await view.guard('host', host);
  const marks = decision.markWishes.flatMap((wish) => markRequest(before, wish, nowMs));
  return {
    bump: [
      { kind: 'job', id: job },
      ...hosts.map((host): GuardRef => ({ kind: 'host', id: host })),
      ...groupsToTell(before, decision).map(({ id }): GuardRef => ({ kind: 'rollout-group', id })),
    ],
    write: (tx) => write(tx, before, decision, marks),
    effects: [
      ...decision.dispatches.flatMap((one) => effectOf(one, driverOf(before, one.operation.host))),
      ...callOf(before, decision),
    ],
    withdraw: [
      ...decision.dispatches.flatMap((one) => (one.kind === 'withdraw' ? [executeId(one.operation.id)] : [])),
      ...replacedCall(before, decision),
    ],
    answers: decision.outcomes,
    events: decision.events,
    work: [...timer, ...followUps(before, decision), ...marks.map(askForMark)],
    result: undefined,
  };
}

function isNews(before: JobState, { changed, dispatches, events, outcomes }: JobDecision): boolean {
  if (before.reports.length + before.answers.length + before.commands.length + (before.controlAnswers?.length ?? 0) > 0)
    return true;
  if (changed.job || changed.control || dispatches.length + events.length + outcomes.length > 0) return true;
  const sets = [changed.tasks, changed.retired, changed.assignment, changed.rollouts, changed.operations];
  return sets.some((set) => set.size > 0) || changed.outages.size + changed.placed.length + changed.unplaced.length > 0;
}

/** Hosts on which room is claimed that this index did not have there before: their capacity is decided on. */
function newHosts(before: JobState, { changed }: JobDecision): HostId[] {
  if (changed.placed.length === 0) return [];
  const placed = new Set(changed.placed.map((one) => one.index));
  const had = new Set<string>();
  for (const one of before.inventory.placements)
    if (placed.has(one.index) && one.job === before.job.id) had.add(`${one.host} ${one.index}`);
  const fresh = changed.placed.filter((one) => !had.has(`${one.host} ${one.index}`));
  return [...new Set(fresh.map((one) => one.host))].sort();
}

async function write(
  tx: Tx,
  before: JobState,
  { after, changed }: JobDecision,
  marks: readonly MarkRequest[],
): Promise<void> {
  const { id: job } = before.job;
  for (const report of before.reports) await ledger.deleteReport(tx, report);
  for (const answer of before.answers) await ledger.deleteAnswer(tx, answer);
  for (const answer of before.controlAnswers ?? []) await ledger.deleteControlAnswer(tx, job, answer.sequence);
  if (changed.control && after.control !== undefined) await ledger.saveControl(tx, job, after.control);
  if (changed.job) await rows.updateJobInForce(tx, after.job);
  for (const index of changed.tasks) await ledger.saveTask(tx, job, after.tasks.get(index)!);
  for (const index of changed.assignment) await rows.saveAssignment(tx, after.assignment.get(index)!);
  for (const index of changed.retired) await rows.deleteAssignment(tx, job, index);
  for (const rollout of changed.rollouts.values()) await rows.saveRollout(tx, rollout);
  for (const operation of changed.operations.values()) await ledger.saveOperation(tx, operation);
  for (const outage of changed.outages.values()) await ledger.saveOutage(tx, outage);
  if (changed.placed.length + changed.unplaced.length > 0) await changePlacements(tx, changed.placed, changed.unplaced);
  // By id, so that two jobs never wait for each other in a circle.
  for (const bucket of [...changed.buckets.values()].sort((a, b) => (a.id < b.id ? -1 : 1))) {
    if (!(await ledger.takeFromBucket(tx, bucket)))
      throw new Conflict(`the rate ${bucket.id} was taken from meanwhile`);
  }
  for (const mark of marks) await recordMarkRequest(tx, mark);
}

// ---------------------------------------------------------------- effects

/** Named by its operation, so that it can be taken back. */
function executeId(operation: OperationId): EffectId {
  return `eff_${operation.slice(3)}`;
}

/** A host is known to its own driver alone; the job may have another one by now. */
function driverOf({ job, inventory }: JobState, host: HostId | undefined): DriverId {
  const own = inventory.hosts.find(({ id }) => id === host)?.driver;
  return own === undefined || isSameDriver(own, job.driver) ? job.driver : own;
}

function effectOf(dispatch: Dispatch, driver: string): NewEffect[] {
  const { operation } = dispatch;
  const base = { receiver: `agent/${operation.host}`, orderKey: `${operation.job}/${operation.index}` };
  switch (dispatch.kind) {
    case 'execute':
      return [
        { ...base, id: executeId(operation.id), kind: 'agent/execute', payload: { driver, request: dispatch.request } },
      ];
    case 'cancel': {
      const { id, job, index, host } = operation;
      const effect: EffectId = `eff_${id.slice(3)}c${operation.dispatches}`;
      return [{ ...base, id: effect, kind: 'agent/cancel', payload: { driver, id, job, index, host } }];
    }
    case 'withdraw':
      return [];
  }
}

/** The call of a controller; one at a time per job. */
function callOf({ job }: JobState, { after, controllerRequest: request }: JobDecision): NewEffect[] {
  const { taskControl: control } = job;
  if (request === undefined || control === undefined) return [];
  const payload: ControlCall = { job: job.id, control, request, endpoints: endpointsOf(after, control) };
  const receiver = `controller/${job.id}`;
  return [{ id: callId(job.id, request.sequenceNumber), kind: controlCall, receiver, orderKey: job.id, payload }];
}

function callId(job: JobId, sequence: number): EffectId {
  return `eff_call_${job}_${sequence}`;
}

/** A call that was given up need not begin any more. */
function replacedCall({ job, control }: JobState, { controllerRequest }: JobDecision): EffectId[] {
  return controllerRequest !== undefined && control?.isAwaited ? [callId(job.id, control.sequence)] : [];
}

/** Tasks of a large job that are asked, evenly spread. */
const mostAsked = 50;

/** Where the service itself can be asked, for the built-in controllers. */
function endpointsOf({ tasks }: JobState, control: TaskControlSpec): ControlCall['endpoints'] {
  if (control.kind === 'http' || control.kind === 'load-metric') return [];
  const serving = [...tasks.values()].filter(({ current }) => current?.state === 'serving');
  const step = Math.max(1, Math.ceil(serving.length / mostAsked));
  return serving.flatMap(({ index, current }, at) => {
    if (at % step !== 0) return [];
    const port = current?.ports[control.port];
    return current === undefined || port === undefined ? [] : [{ index, address: current.address, port }];
  });
}

// ---------------------------------------------------------------- who is told

function followUps(before: JobState, decision: JobDecision): Enqueue[] {
  const looks = decision.looks
    .filter((id) => decision.changed.rollouts.has(id))
    .map((id): Enqueue => ({ kind: 'judge/look', key: id }));
  // What a placebo showed is learnt before its deployment is first looked at.
  for (const { id, placeboFor, state } of decision.changed.rollouts.values())
    if (placeboFor !== undefined && state === 'succeeded') looks.push({ kind: 'judge/look', key: id });
  // The watch after the last phase looks at the whole job.
  if (decision.watches.some((id) => decision.changed.rollouts.has(id)))
    looks.push({ kind: 'judge/watch', key: before.job.id });
  // A rollout that moved on may be what a release waits for.
  const isMoved = [...decision.changed.rollouts.values()].some(
    (rollout) => before.rollouts.find((one) => one.id === rollout.id)?.state !== rollout.state,
  );
  // Enqueued with what they wait for: they run after it is committed, and see it.
  const others = groupsToTell(before, decision).flatMap(({ members }) =>
    members.filter(({ job }) => job !== before.job.id).map(({ job }): Enqueue => ({ kind: jobDecide, key: job })),
  );
  const told = [...looks, ...others];
  return isMoved ? [...told, { kind: 'pipeline/decide', key: before.job.service }] : told;
}

/** Groups of rollouts that have changed in what the other jobs' barriers read. */
function groupsToTell(before: JobState, { changed }: JobDecision): RolloutGroup[] {
  return [...changed.rollouts.values()].flatMap((rollout) => {
    const known = [...before.rollouts, ...(before.watched ?? [])].find(({ id }) => id === rollout.id);
    const isTold = known !== undefined && barrierFacts(known) === barrierFacts(rollout);
    return rollout.group === undefined || isTold ? [] : [rollout.group];
  });
}

function markRequest(before: JobState, wish: MarkWish, nowMs: number): MarkRequest[] {
  const { rollout } = wish;
  const version = before.versions.get(rollout.to);
  const failure = rollout.failure;
  if (version === undefined || failure === undefined) return [];
  if (failure.by !== 'judge' && failure.by !== 'basic-checks') return [];
  const facts: MarkFacts = {
    cause: failure.by,
    evidence: failure.sentence,
    oldVersions: rollout.from,
    areOldTasksWell: wish.areOldTasksWell,
    failedHosts: failure.hosts,
    lastGoodServesOn: wish.lastGoodServesOn,
  };
  const { repository, service } = version;
  const { id, release, to } = rollout;
  return [{ rollout: id, repository, service, release, version: to, facts, atMs: nowMs }];
}

function askForMark({ repository }: MarkRequest): Enqueue {
  return { kind: 'blame/mark', key: repository };
}
