import { answeredFor, type ControlFacts } from '../disruption/index.ts';
import type { Inventory } from '../fleet/index.ts';
import {
  type DriverId,
  type HostId,
  isSameDriver,
  type MaintenanceAnswer,
  type Outage,
  type TaskIndex,
} from '../model/index.ts';
import type { JobFacts } from './facts.ts';
import type { Departure } from './propose.ts';

/** Hosts that tasks should leave now (being drained for good, or under maintenance), and those that will be soon. */
export interface Departures {
  readonly now: ReadonlyMap<HostId, Departure>;
  /** Under maintenance later on: taken for new tasks only when no other will do. */
  readonly later: readonly HostId[];
  /** Times at which that changes, or what it means. */
  readonly times: readonly number[];
}

export function departuresOf(
  hosts: Inventory['hosts'],
  outages: Iterable<Outage>,
  nowMs: number,
  driver?: DriverId,
): Departures {
  const now = new Map<HostId, Departure>();
  const later = new Set<HostId>();
  const times: number[] = [];
  for (const host of hosts) {
    // The job got another driver: its tasks leave the hosts of the one before.
    const isForeign = driver !== undefined && !isSameDriver(host.driver, driver);
    if (host.state !== 'leaving' && !isForeign) continue;
    const reason = isForeign ? `${host.id} is not run by ${driver}` : `${host.id} is leaving`;
    now.set(host.id, { reason, startsAtMs: 0, deadlineAtMs: undefined, cause: 'leaving' });
  }
  for (const outage of outages) {
    if (outage.cause !== 'maintenance' || !('host' in outage.scope)) continue;
    const { startsAtMs, deadlineAtMs, work } = outage;
    for (const atMs of [startsAtMs, deadlineAtMs, work?.untilMs]) if (atMs !== undefined) times.push(atMs);
    const { host } = outage.scope;
    if (startsAtMs > nowMs) later.add(host);
    else now.set(host, sooner(now.get(host), departureOf(host, outage)));
  }
  return { now, later: [...later].filter((host) => !now.has(host)), times };
}

function departureOf(host: HostId, { id, startsAtMs, deadlineAtMs, work }: Outage): Departure {
  const reason = `${host} is in maintenance`;
  return { reason, startsAtMs, deadlineAtMs, cause: 'maintenance', notice: id, work };
}

/** Of two works on one host the one that begins first says when it is left. */
function sooner(known: Departure | undefined, next: Departure): Departure {
  if (known?.cause !== 'maintenance') return next;
  return (known.deadlineAtMs ?? Number.POSITIVE_INFINITY) <= (next.deadlineAtMs ?? Number.POSITIVE_INFINITY)
    ? known
    : next;
}

/** What becomes of a task there: as the service's controller says, else as the job's owner does; a host that leaves for good is left. */
export function answerFor(
  { onMaintenance }: Pick<JobFacts, 'onMaintenance'>,
  control: Pick<ControlFacts, 'stays'> | undefined,
  departure: Departure | undefined,
  index: TaskIndex,
): MaintenanceAnswer {
  if (departure?.cause !== 'maintenance' || departure.notice === undefined) return 'move';
  return answeredFor(control, departure.notice, index) ?? onMaintenance ?? 'move';
}

/** The least time before the deadline at which a task that is held is stopped in order. */
const leastHoldLeadMs = 60_000;

/** From when a task that is held is stopped: late, and yet so early that it drains and stops before the deadline. */
export function holdFromMs({ startsAtMs, deadlineAtMs }: Departure, stopMs: number): number {
  if (deadlineAtMs === undefined) return startsAtMs;
  return Math.max(startsAtMs, deadlineAtMs - Math.max(leastHoldLeadMs, 3 * stopMs));
}

export interface StayFacts {
  readonly departure: Departure;
  readonly answer: MaintenanceAnswer;
  /** Drain and grace of what it runs. */
  readonly stopMs: number;
  readonly nowMs: number;
}

/**
 * Until when a task that does not serve waits for its host; undefined: it does not. One that is held waits from when
 * it is stopped; one that is ignored from the deadline on, unless its host stays up (then its agent restarts it). Work
 * that takes longer than it was said to does not keep it waiting.
 */
export function waitsUntilMs({ departure, answer, stopMs, nowMs }: StayFacts): number | undefined {
  const { work, deadlineAtMs } = departure;
  if (answer === 'move' || departure.cause !== 'maintenance' || deadlineAtMs === undefined) return undefined;
  const untilMs = work?.untilMs ?? deadlineAtMs;
  if (nowMs >= untilMs) return undefined;
  if (answer === 'hold') return nowMs >= holdFromMs(departure, stopMs) ? untilMs : undefined;
  return nowMs >= deadlineAtMs && work?.hostsStayUp !== true ? untilMs : undefined;
}

/** Until when the tasks of a host that fell silent are not started elsewhere: the work on it has begun. */
export function silentUntilMs({ departure, answer, nowMs }: Omit<StayFacts, 'stopMs'>): number | undefined {
  const { work, deadlineAtMs } = departure;
  if (answer === 'move' || departure.cause !== 'maintenance' || deadlineAtMs === undefined) return undefined;
  const untilMs = work?.untilMs ?? deadlineAtMs;
  return nowMs >= deadlineAtMs && nowMs < untilMs ? untilMs : undefined;
}
