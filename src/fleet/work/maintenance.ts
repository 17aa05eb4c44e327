import { answeredFor } from '../../disruption/index.ts';
import * as ledger from '../../disruption/rows.ts';
import type { Enqueue, GuardRef, Proposal, View } from '../../engine/index.ts';
import {
  type Actor,
  err,
  type HostId,
  type JobId,
  type Maintenance,
  type MaintenanceId,
  type NewEvent,
  ok,
  problem,
  type Result,
  rollway,
  scopeName,
} from '../../model/index.ts';
import { listVersions } from '../../pipeline/rows.ts';
import { findJob } from '../../rollout/rows.ts';
import type { Tx } from '../../store/index.ts';
import type { Inventory } from '../inventory.ts';
import {
  type Extension,
  endMaintenance,
  extendMaintenance,
  newMaintenance,
  type OpenRequest,
  outagesOf,
} from '../maintenance.ts';
import {
  type ConcernedJob,
  type ConcernedTask,
  impactOf,
  type JobImpact,
  nextInTurn,
  waitsFor,
} from '../maintenance-impact.ts';
import * as rows from '../rows.ts';
import { decideOn } from './wake.ts';

export interface Opened {
  readonly maintenance: Maintenance;
  readonly impacts: readonly JobImpact[];
}

type Attempt<T> = (view: View) => Promise<Proposal<Result<T>>>;

/** What opening it would mean, without opening it. */
export async function planMaintenance(tx: Tx, request: OpenRequest, nowMs: number): Promise<Result<Opened>> {
  const made = newMaintenance(request, await rows.listHosts(tx), nowMs);
  if (!made.ok) return made;
  const others = (await rows.listOpenMaintenances(tx)).filter((one) => one.waitsFor === undefined);
  return ok(await againstOthers(tx, made.value, others));
}

/** `rollway maintenance open`: outages for its hosts, unless it has to wait for others. */
export function openMaintenance(request: OpenRequest, nowMs: number): Attempt<Opened> {
  return async (view) => {
    await view.guard(...turns);
    const planned = await planMaintenance(view.tx, request, nowMs);
    if (!planned.ok) return { result: planned };
    const { maintenance } = planned.value;
    return changed(view, [maintenance], [eventOf('opened', maintenance, request.actor)], planned);
  };
}

/** `rollway maintenance extend`: the work is put off, or takes longer. */
export function extend(
  id: MaintenanceId,
  wish: Extension,
  actor: Actor,
  reason: string,
  nowMs: number,
): Attempt<Maintenance> {
  return async (view) => {
    await view.guard(...turns);
    const known = await rows.findMaintenance(view.tx, id);
    if (known === undefined) return { result: unknown(id) };
    const extended = extendMaintenance(known, wish, nowMs);
    if (!extended.ok) return { result: extended };
    return changed(view, [extended.value], [eventOf('extended', extended.value, actor, reason)], extended);
  };
}

/** `rollway maintenance end | cancel`: its hosts are free again, and whoever waited for it may begin. */
export function end(
  id: MaintenanceId,
  how: 'ended' | 'cancelled',
  actor: Actor,
  reason: string,
  nowMs: number,
): Attempt<Maintenance> {
  return async (view) => {
    await view.guard(...turns);
    const known = await rows.findMaintenance(view.tx, id);
    if (known === undefined) return { result: unknown(id) };
    const ended = endMaintenance(known, how, nowMs);
    if (!ended.ok) return { result: ended };
    const begun = await turnsAfter(view.tx, id, nowMs);
    const events = begun.map((one) => eventOf(one.waitsFor === undefined ? 'begun' : 'waits', one, rollway('fleet')));
    return changed(view, [ended.value, ...begun], [eventOf(how, ended.value, actor, reason), ...events], ended);
  };
}

/** Whoever changes when maintenance is, decides alone. */
const turns = ['maintenance', 'fleet'] as const;

function unknown(id: MaintenanceId): Result<never> {
  return err(problem('api/not-found', `There is no maintenance ${id}.`, {}, 'List them: `rollway maintenance list`.'));
}

/** Those that wait and may begin now, or wait for others now. */
async function turnsAfter(tx: Tx, ended: MaintenanceId, nowMs: number): Promise<Maintenance[]> {
  const open = (await rows.listOpenMaintenances(tx)).filter(({ id }) => id !== ended);
  if (open.every((one) => one.waitsFor === undefined)) return [];
  const jobs = await concernedJobs(tx, new Set(open.flatMap((one) => one.hosts)));
  return nextInTurn({ open, jobs, inventory: await loadInventory(tx), nowMs });
}

async function loadInventory(tx: Tx): Promise<Inventory> {
  return { ...(await rows.loadHosts(tx)), placements: await rows.listPlacements(tx) };
}

async function againstOthers(tx: Tx, maintenance: Maintenance, others: readonly Maintenance[]): Promise<Opened> {
  const hosts = new Set([maintenance, ...others].flatMap((one) => one.hosts));
  const inventory = await loadInventory(tx);
  const impacts = impactOf({ maintenance, others, jobs: await concernedJobs(tx, hosts), inventory });
  const waits = maintenance.isFixed ? undefined : waitsFor(maintenance, others, impacts);
  return { maintenance: { ...maintenance, waitsFor: waits }, impacts };
}

async function concernedJobs(tx: Tx, hosts: ReadonlySet<HostId>): Promise<ConcernedJob[]> {
  const found: ConcernedJob[] = [];
  for (const id of await jobsOn(tx, hosts)) {
    const job = await findJob(tx, id);
    if (job === undefined) continue;
    const here = (await ledger.listTasks(tx, id)).flatMap(({ index, current }) =>
      current !== undefined && hosts.has(current.host) ? [{ index, current }] : [],
    );
    const control = await ledger.findControl(tx, id);
    const versions = await listVersions(tx, [...new Set(here.map(({ current }) => current.version))]);
    const specs = new Map(versions.map((version) => [version.id, version.task]));
    const notices = new Map<HostId, string>();
    for (const { id: notice, scope, cause } of await ledger.listOutages(tx, id)) {
      if (cause === 'maintenance' && 'host' in scope) notices.set(scope.host, notice);
    }
    const tasks = here.map(({ index, current }): ConcernedTask => {
      const spec = specs.get(current.version);
      const said = answeredFor(control, notices.get(current.host) ?? '', index);
      return {
        index,
        host: current.host,
        answer: said ?? job.onMaintenance ?? 'move',
        needs: spec?.resources ?? { cpuMillis: 0, memoryMb: 0 },
        isSingleton: spec?.singleton ?? false,
      };
    });
    const { size, budget, hostLabels } = job;
    found.push({ job: id, size, budget, hostLabels, tasks });
  }
  return found;
}

async function jobsOn(tx: Tx, hosts: Iterable<HostId>): Promise<JobId[]> {
  const jobs = new Set<JobId>();
  for (const host of hosts) for (const job of await ledger.listJobsOnHost(tx, host)) jobs.add(job);
  return [...jobs].sort();
}

/** Writes them with their outages; decisions about their hosts and the jobs there that are under way begin anew. */
async function changed<T>(
  view: View,
  maintenances: readonly Maintenance[],
  events: readonly NewEvent[],
  result: Result<T>,
): Promise<Proposal<Result<T>>> {
  const hosts = [...new Set(maintenances.flatMap((one) => one.hosts))].sort();
  const jobs = await jobsOn(view.tx, hosts);
  const bump: GuardRef[] = [
    { kind: turns[0], id: turns[1] },
    ...jobs.map((id): GuardRef => ({ kind: 'job', id })),
    ...hosts.map((id): GuardRef => ({ kind: 'host', id })),
  ];
  for (const { kind, id } of bump) await view.guard(kind, id);
  const work: Enqueue[] = [];
  for (const host of hosts) work.push(...(await decideOn(view.tx, host)));
  return {
    bump,
    write: async (tx) => {
      for (const one of maintenances) {
        await rows.saveMaintenance(tx, one);
        for (const outage of outagesOf(one)) await ledger.saveOutage(tx, outage);
      }
    },
    events,
    work: work.map((one) => ({ ...one, urgent: true })),
    result,
  };
}

function eventOf(what: string, maintenance: Maintenance, actor: Actor, reason = maintenance.reason): NewEvent {
  const { id, scope, hosts, leaveAtMs, deadlineAtMs, untilMs, hostsStayUp, waitsFor: waits } = maintenance;
  const data = { scope: scopeName(scope), hosts, leaveAtMs, deadlineAtMs, untilMs, hostsStayUp, reason };
  const waiting = waits === undefined ? {} : { waitsFor: waits.ids, sentence: waits.sentence };
  return { stream: `maintenance/${id}`, type: `maintenance.${what}`, actor, data: { ...data, ...waiting } };
}

/** How long work that is over can be looked at; its events stay. */
const keepMs = 30 * 24 * 3_600_000;

export async function forgetOldMaintenances(tx: Tx, nowMs: number): Promise<number> {
  return rows.deleteEndedMaintenances(tx, nowMs - keepMs);
}
