import {
  type Amount,
  budgetOf,
  type HostId,
  type JobId,
  type Maintenance,
  type MaintenanceAnswer,
  type MaintenanceId,
  type TaskIndex,
} from '../model/index.ts';
import { type Inventory, type TaskNeeds, withPlacement } from './inventory.ts';
import { beginNow } from './maintenance.ts';
import { place } from './place.ts';

/** A task that is on a host under maintenance, now or later. */
export interface ConcernedTask {
  readonly index: TaskIndex;
  readonly host: HostId;
  readonly answer: MaintenanceAnswer;
  readonly needs: TaskNeeds;
  readonly isSingleton: boolean;
}

export interface ConcernedJob {
  readonly job: JobId;
  readonly size: number;
  readonly budget: Amount;
  readonly hostLabels: Readonly<Record<string, string>>;
  readonly tasks: readonly ConcernedTask[];
}

/** What a maintenance means for one job. */
export interface JobImpact {
  readonly job: JobId;
  readonly size: number;
  readonly budget: number;
  readonly tasks: readonly {
    readonly index: TaskIndex;
    readonly host: HostId;
    readonly answer: MaintenanceAnswer;
    /** Where it would go if all went now; undefined: it waits for its host, or nobody has room. */
    readonly goesTo: HostId | undefined;
  }[];
  /** Out for as long as the work lasts: they wait for their host, or nobody has room for them. */
  readonly staysOut: readonly TaskIndex[];
  /** The same of other maintenance at the same time. */
  readonly outElsewhere: readonly TaskIndex[];
}

export interface ImpactFacts {
  readonly maintenance: Pick<Maintenance, 'hosts' | 'leaveAtMs' | 'untilMs'>;
  /** Others that are open and do not wait. */
  readonly others: readonly Maintenance[];
  readonly jobs: readonly ConcernedJob[];
  readonly inventory: Inventory;
}

/** Job by job: who goes where, who waits, and what that leaves of the budget. */
export function impactOf({ maintenance, others, jobs, inventory }: ImpactFacts): JobImpact[] {
  const own = new Set(maintenance.hosts);
  const elsewhere = new Set(others.filter((one) => isAtOnce(one, maintenance)).flatMap(({ hosts }) => hosts));
  const excluded: Record<HostId, string> = {};
  for (const host of [...own, ...elsewhere]) excluded[host] = 'it is in maintenance';
  let room = inventory;
  const impacts: JobImpact[] = [];
  for (const { job, size, budget, hostLabels, tasks } of jobs) {
    const told: JobImpact['tasks'][number][] = [];
    const staysOut: TaskIndex[] = [];
    const outElsewhere: TaskIndex[] = [];
    for (const { index, host, answer, needs, isSingleton } of tasks) {
      const wish = { job, index, needs, hostLabels, isSingleton: false, excluded };
      const placed = answer === 'move' && (own.has(host) || isSingleton) ? place(wish, room) : undefined;
      const goesTo = placed?.ok ? placed.value : undefined;
      if (goesTo !== undefined) {
        room = withPlacement(room, { job, index, incarnation: Number.MAX_SAFE_INTEGER, host: goesTo, ...needs });
      }
      if (own.has(host)) {
        told.push({ index, host, answer, goesTo });
        if (goesTo === undefined) staysOut.push(index);
      } else if (elsewhere.has(host) && answer !== 'move') outElsewhere.push(index);
    }
    if (told.length > 0)
      impacts.push({ job, size, budget: budgetOf(budget, size), tasks: told, staysOut, outElsewhere });
  }
  return impacts;
}

/**
 * Others that it has to wait for: they work on a host of its own, or the tasks that both keep out together break a
 * budget that each alone would not. Undefined: it may begin.
 */
export function waitsFor(
  maintenance: Pick<Maintenance, 'hosts' | 'leaveAtMs' | 'untilMs'>,
  others: readonly Maintenance[],
  impacts: readonly JobImpact[],
): Maintenance['waitsFor'] {
  const atOnce = others.filter((one) => isAtOnce(one, maintenance));
  const onHost = atOnce.find((one) => one.hosts.some((host) => maintenance.hosts.includes(host)));
  if (onHost !== undefined) {
    const host = onHost.hosts.find((one) => maintenance.hosts.includes(one));
    return { ids: [onHost.id], sentence: `${onHost.id} works on ${host} (${onHost.reason}).` };
  }
  for (const { job, budget, staysOut, outElsewhere } of impacts) {
    const together = new Set([...staysOut, ...outElsewhere]).size;
    if (staysOut.length === 0 || outElsewhere.length === 0 || together <= budget) continue;
    const ids: MaintenanceId[] = atOnce.map(({ id }) => id);
    const sentence = `${ids.join(', ')} and this one together would keep ${together} tasks of ${job} out, and its budget is ${budget}.`;
    return { ids, sentence };
  }
  return undefined;
}

export interface TurnFacts extends Omit<ImpactFacts, 'maintenance' | 'others'> {
  /** Open ones, oldest first, those that wait among them. */
  readonly open: readonly Maintenance[];
  readonly nowMs: number;
}

/** One was ended: each that waits, oldest first, begins if it fits beside what is open now. Those that have changed. */
export function nextInTurn({ open, jobs, inventory, nowMs }: TurnFacts): Maintenance[] {
  const begun = open.filter((one) => one.waitsFor === undefined);
  const changed: Maintenance[] = [];
  for (const waiting of open.filter((one) => one.waitsFor !== undefined)) {
    const next = beginNow(waiting, nowMs);
    const waits = waitsFor(next, begun, impactOf({ maintenance: next, others: begun, jobs, inventory }));
    if (waits === undefined) {
      begun.push(next);
      changed.push(next);
    } else if (waits.sentence !== waiting.waitsFor?.sentence) changed.push({ ...waiting, waitsFor: waits });
  }
  return changed;
}

type Span = Pick<Maintenance, 'leaveAtMs' | 'untilMs'>;

function isAtOnce(a: Span, b: Span): boolean {
  return a.leaveAtMs < b.untilMs && b.leaveAtMs < a.untilMs;
}
