import {
  type BudgetPart,
  budgetFor,
  isExtra,
  type LedgerOperation,
  type RateAnswer,
  takeToken,
} from '../disruption/index.ts';
import type { ExecuteRequest } from '../drivers/index.ts';
import type { NoHost, Placement } from '../fleet/index.ts';
import { digestOf } from '../kit/index.ts';
import {
  type HostId,
  isUnderWay,
  partsOfDriver,
  type Result,
  type Rollout,
  type RolloutId,
  type TaskIndex,
  type Version,
} from '../model/index.ts';
import { factsOfTask, waitsForAck } from './control.ts';
import {
  claimRoom,
  type Draft,
  emitForJob,
  moveOperation,
  setBucket,
  setOperation,
  setTask,
  taskOf,
  wakeAt,
} from './draft.ts';
import { isRound } from './rounds.ts';
import type { Candidate } from './wanted-operations.ts';

/**
 * Puts what is wanted to the controller, and admits in order what all allow: controller, pace of the phase, rate
 * limits, a host with room, and the budget over OUT as it grows in this very turn. The rest is blocked, with why.
 */
export function admitOperations(draft: Draft, candidates: readonly Candidate[]): void {
  if (candidates.length === 0) return;
  const { size, limits, traffic } = draft.job;
  const indices = [...draft.tasks.values()].filter((task) => task.index < size);
  const own = [...draft.operations.values()].filter((one) => !isExtra(one.index));
  const out = draft.rules.outOf(indices, own, draft.hostStates, traffic);
  const labels = labelsOf(draft);
  const room: Room = {
    labels,
    out,
    outBefore: digestOnce(out),
    extras: draft.rules.servingExtras(draft.tasks.values(), draft.operations.values(), draft.hostStates, traffic),
    parts: draft.rules.budgetParts({ ...limits, size, tasks: draft.tasks.values(), labelsOf: labels }),
    busy: updatesUnderWay(draft),
  };
  for (const candidate of candidates) {
    const reason = waitsForAck(draft, candidate) ?? tryAdmit(draft, candidate, room);
    if (reason !== undefined) block(draft, candidate.operation, reason);
  }
}

/** What is left at this moment of the turn. */
interface Room {
  readonly labels: LabelsOf;
  /** Grows with what is admitted. */
  readonly out: Set<TaskIndex>;
  /** Digest of what was out when the turn began. */
  readonly outBefore: () => string;
  /** Extra tasks that serve; shrinks with each that is told to stop. */
  readonly extras: Set<TaskIndex>;
  readonly parts: readonly BudgetPart[];
  readonly busy: Map<RolloutId, number>;
}

type LabelsOf = (host: HostId) => Readonly<Record<string, string>>;

/** Made once in a turn, and only when somebody asks. */
function labelsOf({ inventory }: Draft): LabelsOf {
  let labels: Map<HostId, Readonly<Record<string, string>>> | undefined;
  return (host) => {
    labels ??= new Map(inventory.hosts.map((one) => [one.id, one.labels]));
    return labels.get(host) ?? {};
  };
}

function updatesUnderWay(draft: Draft): Map<RolloutId, number> {
  const counts = new Map<RolloutId, number>();
  for (const { rollout, kind, state, host } of draft.operations.values()) {
    if (rollout === undefined || !isUnderWay(state)) continue;
    const owner = draft.rollouts.get(rollout);
    const takesDown = draft.turn?.rollout === rollout && draft.turn.down !== undefined;
    // What is on a host that is lost ends when its task serves elsewhere, and that waits for the others to stop.
    if (takesDown && host !== undefined && draft.hostStates(host) === 'lost') continue;
    const isDown = kind === 'stop' && takesDown;
    const isPaced = kind === 'update' || isDown || (owner !== undefined && isRound(owner) && kind !== 'stop');
    if (!isPaced) continue;
    counts.set(rollout, (counts.get(rollout) ?? 0) + 1);
  }
  return counts;
}

/** Admits it, or says why not. */
function tryAdmit(draft: Draft, candidate: Candidate, room: Room): string | undefined {
  const { out, extras, parts, busy } = room;
  const { operation, rollout, wanted } = candidate;
  const silence = silenceAt(draft, wanted.host);
  if (silence !== undefined) {
    // Nobody tells when a short silence ends.
    wakeAt(draft, draft.nowMs + silenceRetryMs);
    return silence;
  }
  const paced = wanted.purpose === 'update' && rollout?.state === 'running' ? rollout : undefined;
  const held = paced && (waitsForOthers(draft, paced, operation) ?? paceOf(draft, paced, busy));
  if (held !== undefined) return held;
  const inForce = draft.rules.budgetInForce({ ...draft.job, surge: extras.size });
  const admission = draft.rules.admit(operation, {
    out,
    extras,
    budget: budgetFor(inForce, rollout?.budgetOverride),
    parts,
    raisedTo: rollout?.budgetOverride?.count ?? 0,
    ...factsOfTask(draft, operation.index),
  });
  if (!admission.admitted) {
    wakeWhenLongOut(draft, operation);
    return admission.reason;
  }
  const rate = rateFor(draft, operation, admission.exemption, room.labels);
  if (!rate.allowed) {
    wakeAt(draft, rate.atMs);
    return rate.reason;
  }
  const host = wanted.host ?? placeFor(draft, candidate);
  if (typeof host === 'object') {
    wakeAt(draft, draft.nowMs + roomRetryMs);
    return host.sentence;
  }
  for (const bucket of rate.takes) setBucket(draft, takeToken(draft.buckets.get(bucket)!, draft.nowMs));
  if (paced !== undefined) busy.set(paced.id, (busy.get(paced.id) ?? 0) + 1);
  begin(draft, operation, host, admission, toldOut(room), inForce);
  extras.delete(operation.index);
  if (!isExtra(operation.index)) out.add(operation.index);
  return undefined;
}

type ToldOut = readonly TaskIndex[] | { readonly count: number; readonly before: string };

const mostTold = 200;

/**
 * OUT as an event tells it. Named one by one in each of a thousand admissions of a large job it would fill the log:
 * there the digest of what was out before the turn has to do (what was admitted since is in the events in between).
 */
function toldOut({ out, outBefore }: Room): ToldOut {
  return out.size <= mostTold ? [...out] : { count: out.size, before: outBefore() };
}

function digestOnce(out: ReadonlySet<TaskIndex>): () => string {
  const before = [...out];
  let digest: string | undefined;
  return () => {
    digest ??= digestOf(before.sort((a, b) => a - b));
    return digest;
  };
}

/** Rates limit what takes a living task out; an exemption takes nothing out, and a deadline does not wait. */
function rateFor(
  draft: Draft,
  operation: LedgerOperation,
  exemption: LedgerOperation['exemption'],
  labelsOf: LabelsOf,
): RateAnswer {
  const current = draft.tasks.get(operation.index)?.current;
  const isOwn = !isExtra(operation.index);
  const isDisruption = isOwn && exemption === undefined && current?.incarnation === operation.incarnation;
  if (!isDisruption || draft.buckets.size === 0) return { allowed: true, takes: [] };
  const buckets = [...draft.buckets.values()];
  return draft.rules.rateLimit(operation, { nowMs: draft.nowMs, buckets, labels: labelsOf(current.host) });
}

const silenceRetryMs = 2000;
/** Room may come from other jobs, of which this one hears nothing. */
const roomRetryMs = 10_000;

function silenceAt(draft: Draft, host: HostId | undefined): string | undefined {
  const { massSilence, silentSinceMs } = draft.inventory;
  if (massSilence && silentSinceMs !== undefined) {
    const { plugin = draft.job.driver } = partsOfDriver(draft.job.driver) ?? {};
    return `The driver ${plugin} does not answer since ${new Date(silentSinceMs).toISOString()}: nothing moves.`;
  }
  if (massSilence) return 'More than half of the hosts are silent together: nothing moves.';
  return host !== undefined && draft.silentHosts.has(host) ? `${host} has not been heard for a moment.` : undefined;
}

/** The strategy takes others first. What goes back because there are too many never waits for that. */
function waitsForOthers({ turn }: Draft, rollout: Rollout, { index, to }: LedgerOperation): string | undefined {
  if (turn?.ranks === undefined || turn.rollout !== rollout.id || to !== rollout.to) return undefined;
  return turn.ranks.has(index) ? undefined : turn.reason;
}

function paceOf(draft: Draft, rollout: Rollout, busy: ReadonlyMap<RolloutId, number>): string | undefined {
  const gate = draft.gates.get(rollout.id);
  if (gate !== undefined) return gate;
  const concurrency = rollout.phases[rollout.currentPhase]?.concurrency ?? 1;
  if ((busy.get(rollout.id) ?? 0) < concurrency) return undefined;
  return `The phase updates ${concurrency} at a time.`;
}

/** An index that stays out becomes exempt: look again then. */
function wakeWhenLongOut(draft: Draft, operation: LedgerOperation): void {
  const { task, readyDeadlineMs } = factsOfTask(draft, operation.index);
  if (task?.outSinceMs !== undefined) wakeAt(draft, task.outSinceMs + readyDeadlineMs + 1);
}

function placeFor(draft: Draft, { operation, wanted }: Candidate): HostId | { readonly sentence: string } {
  if (draft.inventory.others === 'unread') {
    draft.wantsRoom = true;
    return { sentence: 'Room is looked for.' };
  }
  const version = operation.to === undefined ? undefined : draft.before.versions.get(operation.to);
  const placeWithout = (excluded: Readonly<Record<HostId, string>>) =>
    draft.rules.place(
      {
        job: draft.job.id,
        index: operation.index,
        needs: needsOf(version),
        hostLabels: draft.job.hostLabels,
        isSingleton: version?.task.singleton ?? false,
        driver: draft.job.driver,
        excluded,
      },
      draft.inventory,
    );
  const { excluded, avoided } = wanted;
  if (avoided.length === 0) return hostOrWhyNot(placeWithout(excluded));
  // A host where it failed is better than none.
  const failedThere = Object.fromEntries(avoided.map((host) => [host, 'it failed there']));
  const elsewhere = placeWithout({ ...failedThere, ...excluded });
  return hostOrWhyNot(elsewhere.ok ? elsewhere : placeWithout(excluded));
}

function hostOrWhyNot(placed: Result<HostId, NoHost>): HostId | NoHost {
  return placed.ok ? placed.value : placed.error;
}

function needsOf(version: Version | undefined): { cpuMillis: number; memoryMb: number } {
  return version?.task.resources ?? { cpuMillis: 0, memoryMb: 0 };
}

function begin(
  draft: Draft,
  operation: LedgerOperation,
  host: HostId,
  admission: { readonly exemption: LedgerOperation['exemption']; readonly stillOut: number | undefined },
  out: ToldOut,
  budget: number,
): void {
  const version = operation.to === undefined ? undefined : draft.before.versions.get(operation.to);
  const precondition = admission.stillOut === undefined ? undefined : { stillOut: admission.stillOut };
  // Proposed, requested, acked and admitted in one turn: only the last is ever seen by others.
  const acked = { ...operation, state: 'acked' as const };
  const admitted = moveOperation(draft, acked, 'admitted', {
    host,
    blockedBy: undefined,
    precondition,
    exemption: admission.exemption,
    epoch: draft.before.revision + 1,
    admittedAtMs: draft.nowMs,
    dispatches: 1,
  });
  const task = taskOf(draft, operation.index);
  setTask(draft, { ...task, highestIncarnation: Math.max(task.highestIncarnation, operation.nextIncarnation) });
  if (version !== undefined) claimRoom(draft, claimOf(draft, admitted, host, version));
  draft.dispatches.push({ kind: 'execute', operation: admitted, request: requestOf(draft, admitted, host, version) });
  const { id, kind, index, to, reason, rollout } = admitted;
  const data = { operation: id, kind, index, to, host, reason, rollout, exemption: admission.exemption, out, budget };
  emitForJob(draft, admission.exemption === 'forced' ? 'operation.forced' : 'operation.admitted', data);
}

function claimOf(draft: Draft, operation: LedgerOperation, host: HostId, version: Version): Placement {
  const { cpuMillis, memoryMb } = needsOf(version);
  const { index, nextIncarnation: incarnation } = operation;
  return { job: draft.job.id, index, incarnation, host, cpuMillis, memoryMb };
}

function requestOf(
  draft: Draft,
  operation: LedgerOperation,
  host: HostId,
  version: Version | undefined,
): ExecuteRequest {
  const isElsewhere = operation.kind === 'start' || operation.kind === 'move';
  const current = draft.tasks.get(operation.index)?.current;
  return {
    id: operation.id,
    job: operation.job,
    index: operation.index,
    kind: operation.kind,
    // A start expects to find nothing alive on its host; what ran there before has ended.
    incarnation: isElsewhere && current?.host !== host ? 0 : operation.incarnation,
    nextIncarnation: operation.nextIncarnation,
    host,
    version,
    env: draft.job.env,
    epoch: operation.epoch!,
    precondition: operation.precondition,
  };
}

function block(draft: Draft, operation: LedgerOperation, reason: string): void {
  if (operation.state === 'blocked' && operation.blockedBy === reason) return;
  setOperation(draft, { ...operation, state: 'blocked', blockedBy: reason });
}
