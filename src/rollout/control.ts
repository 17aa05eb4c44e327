import {
  ackLifeMs,
  alarmAtMs,
  alarmOf,
  awaitedSentence,
  type ControlFacts,
  called,
  completionOf,
  composeRequest,
  controllerName,
  dueCall,
  type ExemptionFacts,
  isExtra,
  type LedgerOperation,
  noCalls,
} from '../disruption/index.ts';
import { stableJson } from '../kit/index.ts';
import {
  isEnded,
  isUnderWay,
  type Outage,
  type Rollout,
  type TaskControlSpec,
  type TaskIndex,
} from '../model/index.ts';
import { deferrableIn, deferTasks } from './defer.ts';
import { type Draft, emitForJob, moveOperation, setOperation, setRollout, wakeAt } from './draft.ts';
import type { Candidate } from './wanted-operations.ts';

/** For so many operations of a call it is told in full why they wait. */
const mostExplained = 20;
/** Completions are kept for a controller that is silent, but not without end. */
const mostKept = 10_000;

/** Takes in what the controller answered, and voids acks that could not be used in time. */
export function foldControl(draft: Draft): void {
  const spec = draft.job.taskControl;
  nameController(draft, spec && controllerName(spec));
  if (spec === undefined) return;
  for (const answer of draft.before.controlAnswers ?? []) {
    const read = draft.rules.readAnswer(draft.control ?? noCalls, answer, draft.operations);
    const { acked } = read;
    draft.control = read.control;
    deferTasks(draft, read.deferred);
    for (const id of acked) ack(draft, draft.operations.get(id)!);
    if (acked.length > 0) emitForJob(draft, 'controller.acked', { sequence: answer.sequence, operations: acked });
  }
  keepStays(draft);
  for (const operation of [...draft.operations.values()]) {
    if (operation.ackedAtMs === undefined || operation.admittedAtMs !== undefined) continue;
    const untilMs = operation.ackedAtMs + ackLifeMs;
    if (draft.nowMs < untilMs && draft.nowMs >= operation.ackedAtMs) wakeAt(draft, untilMs);
    else expire(draft, operation);
  }
}

/** Forgets what was said of maintenance that is over or was never announced, and tells what is new of the rest. */
function keepStays(draft: Draft): void {
  const { control } = draft;
  if (control?.stays === undefined) return;
  const open = new Set(notices(draft).map(({ id }) => id as string));
  const stays = Object.fromEntries(Object.entries(control.stays).filter(([notice]) => open.has(notice)));
  const before = draft.before.control?.stays ?? {};
  for (const [notice, answers] of Object.entries(stays)) {
    if (stableJson(before[notice]) === stableJson(answers)) continue;
    emitForJob(draft, 'controller.on-maintenance', { notice, answers });
  }
  const isAsBefore = Object.keys(stays).length === Object.keys(control.stays).length;
  if (!isAsBefore) draft.control = { ...control, stays };
}

function notices(draft: Draft): Outage[] {
  return [...draft.outages.values()].filter(({ cause, scope }) => cause === 'maintenance' && 'host' in scope);
}

/** So that screens and commands know without the job that there is one. */
function nameController(draft: Draft, controller: string | undefined): void {
  for (const rollout of [...draft.rollouts.values()]) {
    if (rollout.controller !== controller) setRollout(draft, rollout.id, { controller });
  }
}

function ack(draft: Draft, operation: LedgerOperation): void {
  moveOperation(draft, operation, 'acked', { ackedAtMs: draft.nowMs, blockedBy: undefined });
}

function expire(draft: Draft, operation: LedgerOperation): void {
  const outcome = 'its ack was not used within a minute';
  const acked = operation.state === 'acked' ? operation : { ...operation, state: 'acked' as const };
  moveOperation(draft, acked, 'expired', { outcome });
}

/** Why this operation may not go on without a word of the controller; undefined: it may. */
export function waitsForAck(draft: Draft, { operation, rollout }: Candidate): string | undefined {
  const spec = draft.job.taskControl;
  if (spec === undefined || operation.ackedAtMs !== undefined || isOverridden(rollout)) return undefined;
  if (!draft.rules.needsAck(operation, factsOfTask(draft, operation.index))) return undefined;
  if (operation.state === 'proposed') moveOperation(draft, operation, 'requested');
  const control = draft.control ?? noCalls;
  // The rest says less: why it waits changes with every answer, and each sentence is a row that is written again.
  const isShown = control.asked.indexOf(operation.id) < mostExplained;
  return isShown ? awaitedSentence(spec, control, operation) : `${controllerName(spec)} has not acked it yet.`;
}

export function isOverridden(rollout: Rollout | undefined): boolean {
  return rollout?.controllerOverride?.confirmedBy !== undefined;
}

/** What admission and the need of an ack look at. */
export function factsOfTask(draft: Draft, index: TaskIndex): ExemptionFacts {
  const task = draft.tasks.get(index);
  const runs = task?.current?.version;
  const spec = runs === undefined ? undefined : draft.before.versions.get(runs)?.task;
  const { hostStates, nowMs } = draft;
  return { task, hostStates, readyDeadlineMs: spec?.ready.deadlineMs ?? 60_000, nowMs };
}

/** After everything else was decided: puts to the controller what still waits for it, and tells it what has ended. */
export function askController(draft: Draft, candidates: readonly Candidate[]): void {
  const spec = draft.job.taskControl;
  if (spec === undefined) return;
  const deadlines = deadlinesOf(draft);
  const deadlineOf = ({ kind, index }: LedgerOperation): number | undefined => {
    const host = draft.tasks.get(index)?.current?.host;
    return host !== undefined && (kind === 'move' || kind === 'stop') ? deadlines.get(host) : undefined;
  };
  keepCompleted(draft, deadlineOf);
  const waiting = waitingFor(draft, candidates);
  callIfDue(draft, spec, waiting, deadlineOf);
  if (waiting.length === 0 && draft.control?.withheldSinceMs !== undefined) {
    draft.control = { ...draft.control, withheldSinceMs: undefined };
  }
  if (draft.control !== undefined) soundAlarm(draft, draft.control, spec, waiting.length);
}

/** A call that nothing came back of is made again. */
const lostAfterMs = 5000;

function callIfDue(
  draft: Draft,
  spec: TaskControlSpec,
  waiting: readonly LedgerOperation[],
  deadlineOf: (operation: LedgerOperation) => number | undefined,
): void {
  const control = draft.control ?? noCalls;
  const maintenance = notices(draft);
  // There is nothing to say, so that nothing is due.
  if (waiting.length === 0 && control.completed.length === 0 && maintenance.length === 0) return;
  const facts = {
    job: draft.job.id,
    control,
    waiting,
    inFlight: [...draft.operations.values()].filter(isInFlight),
    maintenance,
    policy: draft.job.onMaintenance ?? 'move',
    tasks: draft.tasks.values(),
    out: outNow(draft),
    deadlineOf,
    nowMs: draft.nowMs,
  };
  // Whom a later phase could take is looked for only when it is told.
  const due = dueCall(control, composeRequest({ ...facts, isDeferrable: () => false }), spec, draft.nowMs);
  if (due.kind === 'wait') {
    if (due.untilMs !== undefined) wakeAt(draft, due.untilMs);
    return;
  }
  const request = composeRequest({ ...facts, tasks: draft.tasks.values(), isDeferrable: deferrableIn(draft) });
  draft.control = called(control, request, draft.nowMs);
  draft.controllerRequest = request;
  const asked = new Set<string>(draft.control.asked);
  for (const one of waiting) if (!one.isAsked && asked.has(one.id)) setOperation(draft, { ...one, isAsked: true });
  wakeAt(draft, draft.nowMs + spec.timeoutMs + lostAfterMs);
}

/** Operations that end without the controller's ack, because their host is to be maintained, and when. */
function deadlinesOf(draft: Draft): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  for (const { cause, scope, deadlineAtMs } of draft.outages.values()) {
    if (cause === 'maintenance' && 'host' in scope && deadlineAtMs !== undefined) found.set(scope.host, deadlineAtMs);
  }
  return found;
}

function waitingFor(draft: Draft, candidates: readonly Candidate[]): LedgerOperation[] {
  return candidates.flatMap((candidate) => {
    const operation = draft.operations.get(candidate.operation.id);
    const isOpen = operation !== undefined && operation.ackedAtMs === undefined && operation.state === 'blocked';
    if (!isOpen || isOverridden(candidate.rollout)) return [];
    return draft.rules.needsAck(operation, factsOfTask(draft, operation.index)) ? [operation] : [];
  });
}

function keepCompleted(draft: Draft, deadlineOf: (operation: LedgerOperation) => number | undefined): void {
  const ended = [...draft.changedOperations.values()].filter((one) => one.isAsked === true && isEnded(one.state));
  if (ended.length === 0) return;
  const control = draft.control ?? noCalls;
  const news = ended.map((one) => ({ operation: completionOf(one, deadlineOf(one)), sequence: undefined }));
  draft.control = { ...control, completed: [...control.completed, ...news].slice(-mostKept) };
}

/** An extra task that is borrowed takes nothing from anybody; one that is given back does. */
function isInFlight({ ackedAtMs, index, kind, state }: LedgerOperation): boolean {
  return (ackedAtMs !== undefined || isUnderWay(state)) && !(isExtra(index) && kind === 'start');
}

function outNow(draft: Draft): Set<TaskIndex> {
  const indices = [...draft.tasks.values()].filter((task) => task.index < draft.job.size);
  const own = [...draft.operations.values()].filter((one) => !isExtra(one.index));
  return draft.rules.outOf(indices, own, draft.hostStates);
}

/** A person hears once of a controller that is silent or acks nothing, and once of its return. */
function soundAlarm(draft: Draft, control: ControlFacts, spec: TaskControlSpec, waiting: number): void {
  const alarm = alarmOf(control, spec, draft.nowMs);
  const atMs = alarmAtMs(control, spec);
  if (atMs !== undefined) wakeAt(draft, atMs);
  if (alarm === control.alarm) return;
  draft.control = { ...control, alarm };
  const who = controllerName(spec);
  if (alarm === undefined) emitForJob(draft, 'controller.recovered', { controller: who });
  else {
    const { silentSinceMs, withheldSinceMs, lastFailure } = control;
    const sinceMs = alarm === 'silent' ? silentSinceMs : withheldSinceMs;
    emitForJob(draft, `controller.${alarm}`, { controller: who, sinceMs, failure: lastFailure, waiting });
  }
}
