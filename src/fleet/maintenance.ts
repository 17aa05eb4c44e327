import {
  type Actor,
  err,
  type HostId,
  type Maintenance,
  type MaintenanceId,
  type MaintenanceScope,
  type MaintenanceState,
  type Outage,
  ok,
  problem,
  type Result,
  scopeName,
} from '../model/index.ts';

/** What a person asks for. Times are epoch milliseconds. */
export interface OpenRequest {
  readonly id: MaintenanceId;
  readonly scope: MaintenanceScope;
  readonly reason: string;
  readonly actor: Actor;
  /** When the work begins; left out: as soon as the lead time is over. */
  readonly fromMs: number | undefined;
  /** How long before that tasks begin to leave. */
  readonly leadMs: number;
  /** How long the work is expected to take. */
  readonly forMs: number;
  readonly hostsStayUp: boolean;
  readonly isFixed: boolean;
}

interface KnownHost {
  readonly id: HostId;
  readonly labels: Readonly<Record<string, string>>;
}

/** A maintenance as it would be, before others are looked at: hosts by its scope, and its three times. */
export function newMaintenance(request: OpenRequest, hosts: readonly KnownHost[], nowMs: number): Result<Maintenance> {
  const { id, scope, reason, actor, fromMs, leadMs, forMs, hostsStayUp, isFixed } = request;
  const inScope = hosts.filter((host) =>
    'host' in scope ? host.id === scope.host : host.labels[scope.label] === scope.value,
  );
  if (inScope.length === 0) {
    const detail = 'host' in scope ? `There is no host ${scope.host}.` : `No host has the label ${scopeName(scope)}.`;
    return err(problem('host/unknown', detail, { scope: scopeName(scope) }));
  }
  const deadlineAtMs = fromMs ?? nowMs + leadMs;
  if (deadlineAtMs < nowMs) {
    const facts = { fromMs, nowMs };
    return err(problem('api/bad-request', 'The work would begin in the past.', facts, 'Say a later time, or none.'));
  }
  return ok({
    id,
    scope,
    hosts: inScope.map((host) => host.id).sort(),
    reason,
    openedBy: actor,
    openedAtMs: nowMs,
    leaveAtMs: Math.max(nowMs, deadlineAtMs - leadMs),
    deadlineAtMs,
    untilMs: deadlineAtMs + forMs,
    hostsStayUp,
    isFixed,
    waitsFor: undefined,
    endedAtMs: undefined,
    end: undefined,
  });
}

/** Its turn has come: the same lead, the same time for the work, from now on. */
export function beginNow(waiting: Maintenance, nowMs: number): Maintenance {
  const { leaveAtMs, deadlineAtMs, untilMs } = waiting;
  const leave = Math.max(nowMs, leaveAtMs);
  const lateMs = leave - leaveAtMs;
  const times = { leaveAtMs: leave, deadlineAtMs: deadlineAtMs + lateMs, untilMs: untilMs + lateMs };
  return { ...waiting, ...times, waitsFor: undefined };
}

export interface Extension {
  /** When the work is expected to be over now. */
  readonly untilMs: number | undefined;
  /** When the work begins now: later than it would have, and not when it has begun; one that waits its turn has not. */
  readonly deadlineAtMs: number | undefined;
}

export function extendMaintenance(known: Maintenance, wish: Extension, nowMs: number): Result<Maintenance> {
  const facts = { maintenance: known.id };
  const refuse = (detail: string, remedy: string) => err(problem('api/bad-request', detail, facts, remedy));
  if (known.endedAtMs !== undefined) {
    return err(problem('api/conflict', `${known.id} is over already.`, facts, 'Open another one.'));
  }
  const deadlineAtMs = wish.deadlineAtMs ?? known.deadlineAtMs;
  const hasBegun = known.waitsFor === undefined && nowMs >= known.deadlineAtMs;
  if (deadlineAtMs !== known.deadlineAtMs && hasBegun) {
    return refuse('The work has begun already.', 'Only its end can be put off: `--until`.');
  }
  if (deadlineAtMs < known.deadlineAtMs) {
    return refuse('It can be put off, not brought forward.', 'Cancel it, and open another one.');
  }
  const untilMs = wish.untilMs ?? known.untilMs + deadlineAtMs - known.deadlineAtMs;
  if (untilMs < Math.max(nowMs, deadlineAtMs)) {
    return refuse('The work would be over before it begins, or before now.', 'Say a later `--until`.');
  }
  return ok({ ...known, deadlineAtMs, untilMs });
}

export function endMaintenance(known: Maintenance, end: 'ended' | 'cancelled', nowMs: number): Result<Maintenance> {
  const refuse = (detail: string, remedy: string) =>
    err(problem('api/conflict', detail, { maintenance: known.id }, remedy));
  if (known.endedAtMs !== undefined) return refuse(`${known.id} is over already.`, 'Nothing is left to do.');
  if (end === 'cancelled' && nowMs >= known.deadlineAtMs && known.waitsFor === undefined) {
    return refuse(
      'The work has begun.',
      `Say \`rollway maintenance end ${known.id}\` when the hosts may be used again.`,
    );
  }
  return ok({ ...known, waitsFor: undefined, endedAtMs: nowMs, end });
}

/** What it is to the ledger: one outage per host; none while it waits its turn. */
export function outagesOf(maintenance: Maintenance): Outage[] {
  const { id, hosts, scope, reason, leaveAtMs, deadlineAtMs, untilMs, hostsStayUp, waitsFor, endedAtMs } = maintenance;
  if (waitsFor !== undefined) return [];
  return hosts.map((host) => ({
    id: `out_${id.slice(4)}_${host}`,
    cause: 'maintenance',
    scope: { host },
    operation: undefined,
    startsAtMs: leaveAtMs,
    deadlineAtMs,
    endedAtMs,
    work: { maintenance: id, scope: scopeName(scope), reason, untilMs, hostsStayUp },
  }));
}

/** How far it is, given how many tasks have a process on its hosts. */
export function maintenanceState(maintenance: Maintenance, living: number, nowMs: number): MaintenanceState {
  const { waitsFor, end, leaveAtMs, deadlineAtMs, untilMs } = maintenance;
  if (end !== undefined) return end;
  if (waitsFor !== undefined) return 'waiting';
  if (nowMs >= untilMs) return 'overdue';
  if (nowMs >= deadlineAtMs) return 'working';
  if (nowMs < leaveAtMs) return 'announced';
  return living === 0 ? 'empty' : 'leaving';
}
