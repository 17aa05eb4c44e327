import type { MaintenancePlanView, MaintenanceView } from '../../api/index.ts';
import { countForcedStops } from '../../disruption/read.ts';
import type { Proposal, View } from '../../engine/index.ts';
import { type JobImpact, maintenanceState, type OpenRequest } from '../../fleet/index.ts';
import { findMaintenance, listMaintenances, listTasksOnHosts, type TaskOnHost } from '../../fleet/read.ts';
import { end, extend, openMaintenance, planMaintenance } from '../../fleet/work.ts';
import { formatDuration, makeId } from '../../kit/index.ts';
import {
  type Actor,
  actorName,
  type Maintenance,
  type MaintenanceId,
  type MaintenanceScope,
  type Result,
  scopeName,
} from '../../model/index.ts';
import { readTasksOnHosts } from '../../rollout/read.ts';
import type { Tx } from '../../store/index.ts';
import type { Call, Handlers, ServerContext } from '../context.ts';
import { refuse, valueOrThrow } from '../errors.ts';

interface Wish {
  readonly host?: string | undefined;
  readonly domain?: { readonly label: string; readonly value: string } | undefined;
  readonly fromMs?: number | undefined;
  readonly leadMs: number;
  readonly forMs: number;
  readonly hostsStayUp: boolean;
  readonly fixed: boolean;
  readonly reason?: string | undefined;
}

/** Work on hosts and domains: announced, planned, extended, ended. */
export function maintenanceHandlers(context: ServerContext) {
  const { store, engine, clock, chance, settings } = context;

  const commit = async <T>(call: Call, attempt: (view: View) => Promise<Proposal<Result<T>>>): Promise<T> => {
    const outcome = await engine.commitAs(call.actor, attempt);
    if (outcome === undefined) return refuse('api/unavailable', 'The change could not be committed.');
    return valueOrThrow(outcome);
  };
  const load = (id: MaintenanceId): Promise<MaintenanceView> =>
    store.read(async (tx) => {
      const found = await findMaintenance(tx, id);
      return found === undefined
        ? refuse('api/not-found', `There is no maintenance ${id}.`, {}, 'List them: `rollway maintenance list`.')
        : view(tx, found);
    });

  return {
    async planMaintenance({ body }, call) {
      const nowMs = clock.nowMs();
      const planned = await store.read((tx) => planMaintenance(tx, requestOf(body, 'mnt_plan', call.actor), nowMs));
      const { maintenance, impacts } = valueOrThrow(planned);
      return planView(maintenance, impacts);
    },
    async openMaintenance({ body }, call) {
      const nowMs = clock.nowMs();
      const request = requestOf(body, makeId('mnt', nowMs, chance), call.actor);
      const { maintenance } = await commit(call, openMaintenance(request, nowMs));
      return load(maintenance.id);
    },
    async listMaintenances({ query }) {
      return store.read(async (tx) => {
        const items: MaintenanceView[] = [];
        for (const one of await listMaintenances(tx, query.ended === '1' ? 50 : 0)) items.push(await view(tx, one));
        return { items };
      });
    },
    async getMaintenance({ params }) {
      return load(params.maintenance);
    },
    async extendMaintenance({ params, body }, call) {
      const wish = { untilMs: body.untilMs, deadlineAtMs: body.deadlineMs };
      await commit(call, extend(params.maintenance, wish, call.actor, body.reason, clock.nowMs()));
      return load(params.maintenance);
    },
    async endMaintenance({ params, body }, call) {
      await commit(call, end(params.maintenance, 'ended', call.actor, body.reason, clock.nowMs()));
      return load(params.maintenance);
    },
    async cancelMaintenance({ params, body }, call) {
      await commit(call, end(params.maintenance, 'cancelled', call.actor, body.reason, clock.nowMs()));
      return load(params.maintenance);
    },
  } satisfies Partial<Handlers>;

  async function view(tx: Tx, maintenance: Maintenance): Promise<MaintenanceView> {
    const nowMs = clock.nowMs();
    const isOpen = maintenance.endedAtMs === undefined;
    const tasks = isOpen ? await listTasksOnHosts(tx, maintenance.hosts, jobReader(tx, nowMs)) : [];
    const { id, hosts, reason, openedBy, openedAtMs, leaveAtMs, deadlineAtMs, untilMs, hostsStayUp } = maintenance;
    const living = tasks.filter(({ mayLive }) => mayLive).length;
    const state = maintenanceState(maintenance, living, nowMs);
    return {
      id,
      scope: scopeName(maintenance.scope),
      hosts: [...hosts],
      reason,
      state,
      sentence: sentenceOf(maintenance, state, living, nowMs),
      openedBy: actorName(openedBy),
      openedAtMs,
      leaveAtMs,
      deadlineAtMs,
      untilMs,
      hostsStayUp,
      fixed: maintenance.isFixed,
      waitsFor: maintenance.waitsFor?.sentence ?? null,
      endedAtMs: maintenance.endedAtMs ?? null,
      forced: await countForced(tx, maintenance, nowMs),
      tasks: tasks.map(({ job, index, host, state: taskState, answer, sentence }) => {
        return { job, index, host, state: taskState, answer: answer ?? null, sentence };
      }),
    };
  }

  function jobReader(tx: Tx, nowMs: number) {
    return (job: TaskOnHost['job'], hosts: ReadonlySet<string>) =>
      readTasksOnHosts(tx, job, hosts, nowMs, settings.limits);
  }
}

async function countForced(tx: Tx, { hosts, deadlineAtMs, endedAtMs }: Maintenance, nowMs: number): Promise<number> {
  if (nowMs < deadlineAtMs) return 0;
  return countForcedStops(tx, hosts, deadlineAtMs, endedAtMs ?? nowMs);
}

function requestOf(wish: Wish, id: MaintenanceId, actor: Actor): OpenRequest {
  const { fromMs, leadMs, forMs, hostsStayUp, fixed: isFixed, reason = '' } = wish;
  return { id, scope: scopeOf(wish), reason, actor, fromMs, leadMs, forMs, hostsStayUp, isFixed };
}

function scopeOf({ host, domain }: Wish): MaintenanceScope {
  if (host !== undefined && domain === undefined) return { host };
  if (domain !== undefined && host === undefined) return domain;
  return refuse('api/bad-request', 'body: name one host, or one domain', {});
}

function planView(maintenance: Maintenance, impacts: readonly JobImpact[]): MaintenancePlanView {
  const { scope, hosts, leaveAtMs, deadlineAtMs, untilMs, waitsFor } = maintenance;
  return {
    scope: scopeName(scope),
    hosts: [...hosts],
    leaveAtMs,
    deadlineAtMs,
    untilMs,
    waitsFor: waitsFor?.sentence ?? null,
    jobs: impacts.map(({ job, size, budget, tasks, staysOut, outElsewhere }) => ({
      ...{ job, size, budget, staysOut: [...staysOut], outElsewhere: [...outElsewhere] },
      tasks: tasks.map((task) => ({ ...task, goesTo: task.goesTo ?? null })),
    })),
    notes: impacts.length === 0 ? ['No task is there now.'] : impacts.flatMap(notesOf),
  };
}

function notesOf({ job, budget, tasks, staysOut, outElsewhere }: JobImpact): string[] {
  const notes: string[] = [];
  const homeless = tasks.filter(({ answer, goesTo }) => answer === 'move' && goesTo === undefined);
  if (homeless.length > 0) {
    const list = homeless.map(({ index }) => index).join(', ');
    notes.push(`${job}: nobody has room for task ${list} now: what is left at the deadline is stopped.`);
  }
  const together = new Set([...staysOut, ...outElsewhere]).size;
  if (together > budget) {
    notes.push(
      `${job}: ${together} tasks are out at once, and its budget is ${budget}: the rest is forced at the deadline.`,
    );
  } else if (together === budget && together > 0) {
    notes.push(`${job}: its whole budget of ${budget} is taken while the work lasts: releases wait.`);
  }
  return notes;
}

function sentenceOf(maintenance: Maintenance, state: MaintenanceView['state'], living: number, nowMs: number): string {
  const { waitsFor, leaveAtMs, deadlineAtMs, untilMs } = maintenance;
  const there = living === 1 ? '1 task runs there' : `${living} tasks run there`;
  switch (state) {
    case 'waiting':
      return `It waits its turn: ${waitsFor?.sentence} It begins by itself when that is over.`;
    case 'announced':
      return `Tasks begin to leave in ${formatDuration(leaveAtMs - nowMs)}; ${there}.`;
    case 'leaving':
      return `Tasks leave; ${there}, and the work begins in ${formatDuration(deadlineAtMs - nowMs)}.`;
    case 'empty':
      return 'Nothing runs there: the work may begin.';
    case 'working':
      return `The work is under way for ${formatDuration(untilMs - nowMs)} more; ${living === 0 ? 'nothing runs there' : there}.`;
    case 'overdue':
      return `The work takes longer than it was said to, by ${formatDuration(nowMs - untilMs)}: end it, or extend it.`;
    default:
      return state === 'ended' ? 'The work is over.' : 'It did not take place.';
  }
}
