import {
  type HostStates,
  isExtra,
  isHeard,
  isServing,
  type LedgerOperation,
  mayLive,
  type TaskFacts,
} from '../disruption/index.ts';
import type {
  HostId,
  Incarnation,
  MaintenanceAnswer,
  OperationKind,
  OutageId,
  PlannedWork,
  VersionId,
} from '../model/index.ts';
import { holdFromMs, silentUntilMs, waitsUntilMs } from './maintenance.ts';

/** What reality is compared with for one index. */
export interface ProposeFacts {
  readonly task: TaskFacts;
  /** What it should run; undefined: nothing yet. */
  readonly wanted: VersionId | undefined;
  /** The index is beyond the job's size. */
  readonly isRetiring: boolean;
  readonly isSingleton: boolean;
  /** Its driver never has it in two places: what leaves a host is stopped there first. */
  readonly cannotMove?: boolean;
  /** A round wants an incarnation newer than `above`, in its place or on another host. */
  readonly renewal?: { readonly above: Incarnation; readonly how: 'restart' | 'move' } | undefined;
  /** Its owner is held: nothing new begins on it, repairs apart. */
  readonly isHeld: boolean;
  /** Its strategy stops tasks before any of them starts: nothing of it may run for now, or it may start where it was. */
  readonly batch?: 'down' | 'up' | undefined;
  /** Admitted and not ended. */
  readonly underWay: readonly LedgerOperation[];
  readonly hostStates: HostStates;
  /** Hosts that tasks should leave now, with the reason (maintenance, leaving). */
  readonly toLeave: ReadonlyMap<HostId, Departure>;
  /** Hosts under maintenance later on. */
  readonly leftLater?: readonly HostId[] | undefined;
  /** What becomes of this task if its host is under maintenance; left out: it is moved. */
  readonly answer?: MaintenanceAnswer | undefined;
  /** Drain and grace of the version its newest incarnation runs. */
  readonly stopMs?: number | undefined;
  /** Of the version its newest incarnation runs. */
  readonly readyDeadlineMs: number;
  readonly nowMs: number;
}

export interface Departure {
  readonly reason: string;
  readonly startsAtMs: number;
  /** Past it, what is left is stopped whatever the budget says. */
  readonly deadlineAtMs: number | undefined;
  readonly cause: 'maintenance' | 'leaving';
  /** Of a maintenance: the outage, and what is known of the work. */
  readonly notice?: OutageId | undefined;
  readonly work?: PlannedWork | undefined;
}

/** Why an operation is wanted; the order in which the kinds are taken is that of this list. */
export const operationPurposes = ['repair', 'forced', 'revert', 'cleanup', 'departure', 'resize', 'update'] as const;
export type OperationPurpose = (typeof operationPurposes)[number];

export interface WantedOperation {
  readonly kind: OperationKind;
  readonly purpose: OperationPurpose;
  readonly incarnation: Incarnation;
  readonly nextIncarnation: Incarnation;
  readonly from: VersionId | undefined;
  readonly to: VersionId | undefined;
  /** Undefined: to be placed. */
  readonly host: HostId | undefined;
  /** Hosts it shall not be placed on, with the reason. */
  readonly excluded: Readonly<Record<HostId, string>>;
  /** Hosts that are taken only when no other one will do: it failed there. */
  readonly avoided: readonly HostId[];
  readonly reason: string;
}

export type Proposal =
  | { readonly kind: 'operate'; readonly wanted: WantedOperation }
  /** Nothing to do before `untilMs`, or before the named thing happens. */
  | { readonly kind: 'wait'; readonly untilMs: number | undefined; readonly reason: string }
  | { readonly kind: 'settled' }
  /** Beyond the size, and nothing of it lives any more. */
  | { readonly kind: 'retire' };

/** Repairs that fail on a host so often in a row are tried elsewhere. */
const triesPerHost = 3;
/** A task that is assigned what it runs and stays out so many ready deadlines is restarted. */
const hungAfterDeadlines = 3;

const settled: Proposal = { kind: 'settled' };

/** Assignment − reality for one index: the one operation that is wanted next, if any (invariant I2). */
export function proposeFor(facts: ProposeFacts): Proposal {
  const { task, hostStates } = facts;
  const busy = facts.underWay.find((one) => one.host === undefined || hostStates(one.host) !== 'lost');
  if (busy !== undefined) return waitFor(`The ${busy.kind} of task ${task.index} is under way.`);
  if (facts.isRetiring) return proposeRetirement(facts);
  const { current } = task;
  if (facts.wanted === undefined) return settled;
  if (facts.batch === 'down') return proposeDown(facts, facts.wanted);
  if (current === undefined) {
    return facts.isHeld ? waitFor('Its rollout is held.') : start(facts, 'repair', `task ${task.index} is to run`);
  }
  const state = hostStates(current.host);
  if (state === 'suspected') return waitFor(`${current.host} is silent; nothing moves until it is lost or back.`);
  if (state === 'lost' || state === 'fenced') return proposeFailover(facts, state);
  if (isServing(task, hostStates)) return proposeForServing(facts);
  return proposeRepair(facts);
}

function proposeFailover(facts: ProposeFacts, state: 'lost' | 'fenced'): Proposal {
  const { task } = facts;
  const host = task.current?.host as HostId;
  if (facts.isSingleton && state === 'lost') {
    return waitFor(`It is a singleton and ${host} is lost; \`rollway host dead ${host}\` frees it.`);
  }
  const departure = facts.toLeave.get(host);
  const untilMs = departure && silentUntilMs({ ...stayOf(facts), departure });
  if (untilMs !== undefined && state === 'lost') return waitForHost(host, untilMs);
  return afterBackoff(facts, () => start(facts, 'repair', `${host} is ${state}`));
}

/** Serving: leave a host, get the assigned version, or let a superseded incarnation go. */
function proposeForServing(facts: ProposeFacts): Proposal {
  const { task, hostStates } = facts;
  const current = task.current!;
  const departure = facts.toLeave.get(current.host);
  const leaving = departure && proposeDeparture(facts, departure);
  if (leaving !== undefined) return leaving;
  if (current.version !== facts.wanted && !facts.isHeld) {
    return afterBackoff(facts, () => inPlace(facts, 'update', 'update', 'it is assigned another version'));
  }
  const how = renewalWanted(facts);
  if (how !== undefined) return afterBackoff(facts, () => renew(facts, how));
  const superseded = task.others.find(
    (one) => one.incarnation < current.incarnation && mayLive(one, hostStates) && isHeard(hostStates(one.host)),
  );
  if (superseded === undefined) return settled;
  return {
    kind: 'operate',
    wanted: {
      kind: 'stop',
      purpose: 'cleanup',
      incarnation: superseded.incarnation,
      nextIncarnation: superseded.incarnation,
      from: superseded.version,
      to: undefined,
      host: superseded.host,
      excluded: {},
      avoided: [],
      reason: `incarnation ${current.incarnation} serves in its place`,
    },
  };
}

/** How its round wants a newer incarnation of it, if it still does. */
function renewalWanted({ renewal, isHeld, task }: ProposeFacts): 'restart' | 'move' | undefined {
  const isDue = renewal !== undefined && !isHeld && (task.current?.incarnation ?? 0) <= renewal.above;
  return isDue ? renewal.how : undefined;
}

/** The same version again: in its place, or started on another host before the old one stops. */
function renew(facts: ProposeFacts, how: 'restart' | 'move'): Proposal {
  if (how === 'restart') return inPlace(facts, 'restart', 'update', 'it is to be restarted');
  const { wanted } = start(facts, 'update', 'it is to be moved') as { wanted: WantedOperation };
  const excluded = { ...wanted.excluded, [facts.task.current!.host]: 'it is to leave it' };
  return { kind: 'operate', wanted: { ...wanted, kind: 'move', excluded } };
}

/** Undefined: it stays as it is for now. */
function proposeDeparture(facts: ProposeFacts, departure: Departure): Proposal | undefined {
  const { answer, stopMs, nowMs } = stayOf(facts);
  if (departure.deadlineAtMs !== undefined && departure.deadlineAtMs <= nowMs) {
    const ridesItOut = answer === 'ignore' && departure.work?.hostsStayUp === true;
    return ridesItOut ? undefined : inPlace(facts, 'stop', 'forced', departure.reason);
  }
  if (answer === 'ignore') return undefined;
  if (answer === 'hold') {
    const isDue = holdFromMs(departure, stopMs) <= nowMs;
    return isDue ? inPlace(facts, 'stop', 'departure', `${departure.reason}, and it is to come back`) : undefined;
  }
  if (facts.isSingleton || facts.cannotMove) return inPlace(facts, 'stop', 'departure', departure.reason);
  return afterBackoff(facts, () => {
    const { wanted } = start(facts, 'departure', departure.reason) as { wanted: WantedOperation };
    return { kind: 'operate', wanted: { ...wanted, kind: 'move' } };
  });
}

function stayOf({ answer = 'move', stopMs = 0, nowMs }: ProposeFacts) {
  return { answer, stopMs, nowMs };
}

/** Not serving, on a host that is heard. */
function proposeRepair(facts: ProposeFacts): Proposal {
  const { task, nowMs } = facts;
  const current = task.current!;
  const departure = facts.toLeave.get(current.host);
  if (departure !== undefined && (current.state === 'stopped' || current.state === 'failed')) {
    const untilMs = waitsUntilMs({ ...stayOf(facts), departure });
    if (untilMs !== undefined) return waitForHost(current.host, untilMs);
    if (!mayStay(facts, departure)) return afterBackoff(facts, () => start(facts, 'repair', departure.reason));
  }
  if (current.state === 'stopped' && facts.batch === 'up' && current.version !== facts.wanted) {
    return afterBackoff(facts, () => inPlace(facts, 'update', 'update', 'all of its phase have stopped'));
  }
  // In its place: what it kept there is there, and so is its room.
  if (current.state === 'stopped')
    return afterBackoff(facts, () => inPlace(facts, 'restart', 'repair', 'it was stopped'));
  if (current.version !== facts.wanted) {
    if (facts.isHeld) return waitFor('Its rollout is held.');
    return inPlace(facts, 'update', 'update', 'it is assigned another version');
  }
  if (current.state === 'failed') {
    const isWornOut = task.failedTries > 0 && task.failedTries % triesPerHost === 0 && !facts.isSingleton;
    if (isWornOut) return afterBackoff(facts, () => start(facts, 'repair', `it failed ${task.failedTries} times here`));
    return afterBackoff(facts, () => inPlace(facts, 'restart', 'repair', 'it failed'));
  }
  // Its keeper goes on trying the same; a round wants it begun anew.
  const how = current.state === 'crash-looping' ? renewalWanted(facts) : undefined;
  if (how !== undefined) return afterBackoff(facts, () => renew(facts, how));
  // Starting, draining or crash-looping: its keeper is at work.
  const dueAtMs = (task.outSinceMs ?? nowMs) + hungAfterDeadlines * facts.readyDeadlineMs;
  if (current.state === 'crash-looping' || nowMs < dueAtMs) {
    const untilMs = current.state === 'crash-looping' ? undefined : dueAtMs;
    return { kind: 'wait', untilMs, reason: `Task ${task.index} is ${current.state} on ${current.host}.` };
  }
  return afterBackoff(facts, () => inPlace(facts, 'restart', 'repair', `it has been ${current.state} for too long`));
}

/** It is under maintenance, and is repaired in its place all the same: nobody wants it away, and the work is not over. */
function mayStay(facts: ProposeFacts, { cause, deadlineAtMs, work }: Departure): boolean {
  const { answer, nowMs } = stayOf(facts);
  return cause === 'maintenance' && answer !== 'move' && nowMs < (work?.untilMs ?? deadlineAtMs ?? 0);
}

function waitForHost(host: HostId, untilMs: number): Proposal {
  return { kind: 'wait', untilMs, reason: `It waits for ${host}, which is in maintenance.` };
}

/** Nothing of it may run for now: what lives of other versions stops, and nothing starts. */
function proposeDown({ task, hostStates }: ProposeFacts, wanted: VersionId): Proposal {
  const lives = [task.current, ...task.others].find(
    (one) => one !== undefined && one.version !== wanted && mayLive(one, hostStates) && hostStates(one.host) !== 'lost',
  );
  if (lives === undefined) return waitFor('Others of its phase have to stop before it starts.');
  const { incarnation, version: from, host } = lives;
  if (!isHeard(hostStates(host))) return waitFor(`${host} is silent; nothing moves until it is lost or back.`);
  return {
    kind: 'operate',
    wanted: {
      kind: 'stop',
      purpose: 'update',
      incarnation,
      nextIncarnation: incarnation,
      from,
      to: undefined,
      host,
      excluded: {},
      avoided: [],
      reason: 'all of its phase stop before any of them starts',
    },
  };
}

function proposeRetirement(facts: ProposeFacts): Proposal {
  const { task, hostStates } = facts;
  const living = [task.current, ...task.others].find((one) => one !== undefined && mayLive(one, hostStates));
  if (living === undefined)
    return facts.underWay.length === 0 ? { kind: 'retire' } : waitFor('An operation has to end.');
  if (!isHeard(hostStates(living.host))) return waitFor(`${living.host} is ${hostStates(living.host)}.`);
  return {
    kind: 'operate',
    wanted: {
      kind: 'resize-down',
      purpose: 'resize',
      incarnation: living.incarnation,
      nextIncarnation: living.incarnation,
      from: living.version,
      to: undefined,
      host: living.host,
      excluded: {},
      avoided: [],
      reason: isExtra(task.index) ? 'it was borrowed, and is not needed any more' : 'the job has become smaller',
    },
  };
}

function start(facts: ProposeFacts, purpose: OperationPurpose, reason: string): Proposal {
  const { task, wanted } = facts;
  const excluded: Record<HostId, string> = {};
  for (const [host, departure] of facts.toLeave) excluded[host] = departure.reason;
  // A superseded incarnation goes on until its replacement serves: the replacement starts somewhere else.
  for (const one of task.others) if (mayLive(one, facts.hostStates)) excluded[one.host] = 'an older one runs there';
  return {
    kind: 'operate',
    wanted: {
      kind: 'start',
      purpose,
      incarnation: task.current?.incarnation ?? 0,
      nextIncarnation: task.highestIncarnation + 1,
      from: task.current?.version,
      to: wanted,
      host: undefined,
      excluded,
      avoided: [...task.failedOn, ...(facts.leftLater ?? [])],
      reason,
    },
  };
}

function inPlace(
  facts: ProposeFacts,
  kind: 'update' | 'restart' | 'stop',
  purpose: OperationPurpose,
  reason: string,
): Proposal {
  const { task, wanted } = facts;
  const current = task.current!;
  const nextIncarnation = kind === 'stop' ? current.incarnation : task.highestIncarnation + 1;
  const to = kind === 'stop' ? undefined : wanted;
  const { incarnation, version: from, host } = current;
  return {
    kind: 'operate',
    wanted: { kind, purpose, incarnation, nextIncarnation, from, to, host, excluded: {}, avoided: [], reason },
  };
}

function afterBackoff({ task, nowMs }: ProposeFacts, propose: () => Proposal): Proposal {
  if (task.notBeforeMs <= nowMs) return propose();
  return {
    kind: 'wait',
    untilMs: task.notBeforeMs,
    reason: `Try ${task.failedTries} failed; it waits before the next.`,
  };
}

function waitFor(reason: string): Proposal {
  return { kind: 'wait', untilMs: undefined, reason };
}
