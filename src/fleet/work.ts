import type { Hello, Reports } from '../api/index.ts';
import { appendAnswer, appendReports, findOperation, listTasks } from '../disruption/rows.ts';
import type { Addition, Enqueue, Proposal, View, WorkKind } from '../engine/index.ts';
import { formatDuration } from '../kit/index.ts';
import {
  type ActionRunId,
  type Actor,
  err,
  type HostId,
  type HostState,
  type JobId,
  type NewEvent,
  type OperationId,
  ok,
  type Problem,
  ProblemError,
  problem,
  type Result,
  rollway,
  type TaskReport,
} from '../model/index.ts';
import { appendActionReport, findRunPlace } from '../pipeline/rows.ts';
import { listJobs } from '../rollout/rows.ts';
import type { Tx } from '../store/index.ts';
import type { Endpoint } from './discovery.ts';
import * as rows from './rows.ts';
import { defaultSilenceRules, type HostChange, type SilenceRules, watchHosts } from './silence.ts';

/** The one row of work that looks after silent hosts. */
export const fleetWatchWork: Enqueue = { kind: 'fleet/watch', key: 'fleet' };

/** Looks each heartbeat at who was heard, and wakes the jobs of hosts whose state changed. */
export function fleetWatch(rules: SilenceRules = defaultSilenceRules): WorkKind {
  return {
    kind: fleetWatchWork.kind,
    // Hosts are watched whatever happens: never set aside.
    maxAttempts: Number.MAX_SAFE_INTEGER,
    async run(turn) {
      const next: Enqueue = { ...fleetWatchWork, dueAtMs: turn.nowMs + rules.heartbeatMs };
      await turn.commit(async ({ tx, guard }) => {
        const hosts = await rows.listHosts(tx);
        const memory = await rows.loadWatchMemory(tx);
        const outcome = watchHosts(memory, hosts, await rows.listListeners(tx), turn.nowMs, rules);
        const work: Enqueue[] = [next];
        for (const { host } of outcome.changes) {
          await guard('host', host);
          work.push(...(await decideJobsOn(tx, host)));
        }
        return {
          bump: outcome.changes.map(({ host }) => ({ kind: 'host', id: host })),
          write: async (writer) => {
            await rows.saveWatchMemory(writer, outcome.memory);
            for (const { host, to } of outcome.changes) await rows.updateHostState(writer, host, to, turn.nowMs);
          },
          events: [...outcome.changes.map(changeEvent), ...alarmEvents(outcome.alarm)],
          work,
          result: undefined,
        };
      });
    },
  };
}

function changeEvent({ host, from, to, reason }: HostChange): NewEvent {
  return { stream: `host/${host}`, type: `host.${to}`, actor: rollway('fleet'), data: { from, to, reason } };
}

function alarmEvents(alarm: 'mass-silence-began' | 'mass-silence-ended' | undefined): NewEvent[] {
  if (alarm === undefined) return [];
  const reason =
    alarm === 'mass-silence-began'
      ? 'More than half of the hosts fell silent together: nothing is moved, clients keep their entries.'
      : 'Most hosts are heard again.';
  return [{ stream: 'fleet', type: `fleet.${alarm}`, actor: rollway('fleet'), data: { reason } }];
}

async function decideJobsOn(tx: Tx, host: HostId): Promise<Enqueue[]> {
  return (await rows.listJobsOnHost(tx, host)).map((job) => ({ kind: 'job/decide', key: job }));
}

/** Writes that a server listens, whom it has heard since the last time, and how full their disks are. */
export function listeningWrites(
  listener: string,
  hosts: readonly HostId[],
  disks: readonly { readonly host: HostId; readonly freeDiskRatio: number }[],
  atMs: number,
): (tx: Tx) => Promise<void> {
  return async (tx) => {
    await rows.saveListener(tx, listener, atMs);
    await rows.deleteListenersBefore(tx, atMs - forgetListenerAfterMs);
    await rows.updateLastSeen(tx, hosts, atMs);
    for (const { host, freeDiskRatio } of disks) await rows.updateFreeDisk(tx, host, freeDiskRatio);
  };
}

/** Writes that a server does not listen any more: silence is not counted until another one does. */
export function stopListeningWrites(listener: string): (tx: Tx) => Promise<void> {
  return (tx) => rows.deleteListener(tx, listener);
}

const forgetListenerAfterMs = 60_000;

// ---------------------------------------------------------------- joining and saying hello

/** Records a join token (its hash) with who made it. */
export function joinTokenAddition(token: rows.NewJoinToken, actor: Actor): Addition {
  const { id, expiresAtMs } = token;
  return {
    write: (tx) => rows.insertJoinToken(tx, token),
    events: [{ stream: 'fleet', type: 'fleet.join-token-made', actor, data: { id, expiresAtMs } }],
  };
}

export interface JoinFacts {
  readonly secretHash: string;
  readonly host: HostId;
  readonly publicKey: string;
  readonly version: string;
}

/**
 * Spends a join token and records the host with its key. The same agent may repeat it (its answer was lost); another
 * key for a host that is not lost or fenced is refused: a cloned disk is not a second host.
 */
export function join(facts: JoinFacts, nowMs: number): (view: View) => Promise<Proposal<Result<HostId>>> {
  return async ({ tx, guard }) => {
    await guard('host', facts.host);
    const known = await rows.findHost(tx, facts.host);
    const token = await rows.findJoinToken(tx, facts.secretHash);
    const isRepeat = known?.publicKey === facts.publicKey && token?.usedBy === facts.host;
    if (isRepeat) return { result: ok(facts.host) };
    if (token === undefined || token.usedBy !== undefined || token.expiresAtMs <= nowMs) {
      return { result: err(problem('auth/bad-token', 'The join token is unknown, used or expired.')) };
    }
    if (known !== undefined && known.state !== 'lost' && known.state !== 'fenced') {
      return { result: err(problem('agent/already-joined', `${facts.host} is ${known.state}.`, { host: facts.host })) };
    }
    return {
      bump: [{ kind: 'host', id: facts.host }],
      write: async (writer) => {
        const isSpent = await rows.spendJoinToken(writer, facts.secretHash, facts.host, nowMs);
        if (!isSpent) throw new ProblemError(problem('auth/bad-token', 'The join token was used a moment ago.'));
        await rows.deleteHost(writer, facts.host);
        await rows.insertHost(writer, facts.host, facts.publicKey, facts.version, nowMs);
      },
      events: [
        {
          stream: `host/${facts.host}`,
          type: 'host.joined',
          actor: { kind: 'agent', host: facts.host },
          data: { version: facts.version, token: token.id, again: known !== undefined },
        },
      ],
      result: ok(facts.host),
    };
  };
}

export interface Superseded {
  readonly job: JobId;
  readonly index: number;
  readonly incarnation: number;
}

/**
 * A host says what it has and asks what of it still counts. One that was lost or fenced lives after all: what was
 * replaced meanwhile is superseded, and `job/decide` of its jobs sees to it.
 */
export function recordHello(hello: Hello, nowMs: number): (view: View) => Promise<Proposal<readonly Superseded[]>> {
  return async ({ tx, guard }) => {
    await guard('host', hello.host);
    const before = await rows.findHost(tx, hello.host);
    const { host, address, labels, capacity, abilities } = hello;
    const facts = { address, labels, capacity, abilities, agentVersion: hello.version };
    const hasChanged =
      before === undefined ||
      JSON.stringify([before.address, before.labels, before.capacity, before.agentVersion]) !==
        JSON.stringify([address, labels, capacity, hello.version]);
    const from = before?.state;
    const isBack = from === 'fenced' || from === 'lost';
    const to = (await rows.loadWatchMemory(tx)).wereLeaving.includes(hello.host) ? 'leaving' : 'up';
    const actor: Actor = { kind: 'agent', host };
    const events: NewEvent[] = [];
    if (hasChanged) {
      const data = { address, labels, capacity, abilities, version: hello.version };
      events.push({ stream: `host/${host}`, type: 'host.described', actor, data });
    }
    if (isBack) {
      const reason = from === 'fenced' ? 'it said hello although it had been declared dead' : 'it said hello again';
      events.push({ stream: `host/${host}`, type: `host.${to}`, actor, data: { from, to, reason } });
    }
    return {
      bump: hasChanged || isBack ? [{ kind: 'host', id: host }] : [],
      write: async (writer) => {
        await rows.updateHostFacts(writer, host, facts, nowMs);
        if (isBack) await rows.updateHostState(writer, host, to, nowMs);
      },
      events,
      work: [fleetWatchWork, ...(await decideJobsOn(tx, host)), ...(await decideAllJobs(tx, hasChanged || isBack))],
      result: await listSuperseded(tx, hello),
    };
  };
}

/** New room may be what some job waits for. */
async function decideAllJobs(tx: Tx, isNeeded: boolean): Promise<Enqueue[]> {
  return isNeeded ? (await listJobs(tx)).map(({ id }) => ({ kind: 'job/decide', key: id })) : [];
}

async function listSuperseded(tx: Tx, hello: Hello): Promise<Superseded[]> {
  const superseded: Superseded[] = [];
  for (const job of new Set(hello.tasks.map((task) => task.job as JobId))) {
    const highest = new Map((await listTasks(tx, job)).map((task) => [task.index, task.highestIncarnation]));
    for (const { index, incarnation } of hello.tasks.filter((task) => task.job === job)) {
      if ((highest.get(index) ?? 0) > incarnation) superseded.push({ job, index, incarnation });
    }
  }
  return superseded;
}

// ---------------------------------------------------------------- what a person says of a host

/** `rollway host dead`: nothing runs there any more, so its tasks (singletons too) may start elsewhere. */
export function declareDead(
  host: HostId,
  actor: Actor,
  reason: string,
  nowMs: number,
): (view: View) => Promise<Proposal<Result<HostState>>> {
  return changeByPerson(host, 'fenced', actor, reason, nowMs);
}

/** `rollway host leave`: nothing new goes there; its tasks are moved within the budget. */
export function letLeave(
  host: HostId,
  actor: Actor,
  reason: string,
  nowMs: number,
): (view: View) => Promise<Proposal<Result<HostState>>> {
  return changeByPerson(host, 'leaving', actor, reason, nowMs);
}

function changeByPerson(
  host: HostId,
  to: HostState,
  actor: Actor,
  reason: string,
  nowMs: number,
): (view: View) => Promise<Proposal<Result<HostState>>> {
  return async ({ tx, guard }) => {
    await guard('host', host);
    const known = await rows.findHost(tx, host);
    if (known === undefined) return { result: err(problem('host/unknown', `There is no host ${host}.`, { host })) };
    if (known.state === to) return { result: ok(to) };
    const refusal = whyNot(known, to, nowMs);
    if (refusal !== undefined) return { result: err(refusal) };
    return {
      bump: [{ kind: 'host', id: host }],
      write: (writer) => rows.updateHostState(writer, host, to, nowMs),
      events: [{ stream: `host/${host}`, type: `host.${to}`, actor, data: { from: known.state, to, reason } }],
      work: await decideJobsOn(tx, host),
      result: ok(to),
    };
  };
}

/** A host that is heard is not dead, and one that is not heard cannot leave in order. */
function whyNot(known: rows.HostRecord, to: HostState, nowMs: number): Problem | undefined {
  const { id: host, state, lastSeenAtMs } = known;
  const silentMs = nowMs - lastSeenAtMs;
  const isHeard = (state === 'up' || state === 'leaving') && silentMs < declareDeadAfterMs;
  if (to === 'fenced' && isHeard) {
    const detail = `${host} was heard ${formatDuration(Math.max(0, silentMs))} ago, so its tasks still run.`;
    return problem('host/alive', detail, { host, lastSeenAtMs });
  }
  if (to === 'leaving' && (state === 'lost' || state === 'fenced')) {
    return problem('api/conflict', `${host} is ${state}: it has left already.`, { host, state });
  }
  return undefined;
}

const declareDeadAfterMs = 3000;

// ---------------------------------------------------------------- reports

/**
 * What one batch of reports adds: task reports and answers to the inbox, action reports to the pipeline, endpoints to
 * discovery; taken once, by its number. Refused as a whole when it speaks for another host.
 */
export async function planIntake(tx: Tx, batch: Reports, nowMs: number): Promise<Result<Addition>> {
  const foreign = await findForeign(tx, batch);
  if (foreign !== undefined) {
    return err(problem('agent/foreign-host', `${batch.host} reported ${foreign}.`, { host: batch.host, foreign }));
  }
  const reports = batch.tasks.map((task) => task as TaskReport);
  const gone = batch.snapshot ? await listGone(tx, batch, nowMs) : [];
  const services = await listServices(tx, batch);
  const begun = await listBegun(tx, batch);
  const jobs = new Set([...reports, ...gone, ...begun].map(({ job }) => job));
  return ok({
    write: async (writer) => {
      if (!(await rows.takeBatch(writer, batch.host, batch.batch))) return;
      await appendReports(writer, [...reports, ...gone]);
      for (const report of [...reports, ...gone]) await keepEndpoint(writer, report);
      for (const { job, operation } of begun) {
        await appendAnswer(writer, job, { operation, answer: 'begun', atMs: batch.atMs });
      }
      for (const action of batch.actions) {
        const { id, state, summary, exitCode, output } = action;
        const { host, atMs } = batch;
        await appendActionReport(writer, { run: id as ActionRunId, host, state, exitCode, summary, output, atMs });
      }
    },
    work: [
      ...[...jobs].map((job) => ({ kind: 'job/decide', key: job })),
      ...services.map((service) => ({ kind: 'pipeline/decide', key: service })),
    ],
  });
}

/** The first thing in the batch that is not this host's to report. */
async function findForeign(tx: Tx, batch: Reports): Promise<string | undefined> {
  const task = batch.tasks.find((report) => report.host !== batch.host);
  if (task !== undefined) return `task ${task.job}/${task.index} as ${task.host}`;
  for (const id of [...batch.begun, ...batch.tasks.flatMap((t) => t.operation?.id ?? [])]) {
    if (!id.startsWith('op_')) continue;
    const operation = await findOperation(tx, id as OperationId);
    if (operation?.host !== undefined && operation.host !== batch.host) return `operation ${id} of ${operation.host}`;
  }
  for (const { id } of batch.actions) {
    const run = await findRunPlace(tx, id as ActionRunId);
    if (run?.host !== undefined && run.host !== batch.host) return `action run ${id} of ${run.host}`;
  }
  return undefined;
}

/** Tasks that lived on the host and are not in its snapshot: it lost them, and nobody else will say so. */
async function listGone(tx: Tx, batch: Reports, nowMs: number): Promise<TaskReport[]> {
  const present = new Set(batch.tasks.map((t) => `${t.job}/${t.index}/${t.incarnation}`));
  const known = await rows.listEndpointsOnHost(tx, batch.host);
  return known
    .filter((e) => !present.has(`${e.job}/${e.index}/${e.incarnation}`))
    .map((e) => ({ ...e, life: 0, ports: {}, state: 'failed', sequence: e.sequence + 1, atMs: nowMs, failure: lost }));
}

const lost: TaskReport['failure'] = {
  reason: 'lost',
  summary: 'Its host came back without it.',
  lastLogLines: [],
};

async function listServices(tx: Tx, batch: Reports): Promise<string[]> {
  const services = new Set<string>();
  for (const { id } of batch.actions) {
    const run = await findRunPlace(tx, id as ActionRunId);
    if (run !== undefined) services.add(run.service);
  }
  return [...services];
}

async function listBegun(tx: Tx, batch: Reports): Promise<{ job: JobId; operation: OperationId }[]> {
  const begun: { job: JobId; operation: OperationId }[] = [];
  for (const id of batch.begun) {
    const operation = id.startsWith('op_') ? await findOperation(tx, id as OperationId) : undefined;
    if (operation !== undefined) begun.push({ job: operation.job, operation: operation.id });
  }
  return begun;
}

/** On which host an action run was ordered; undefined: there is no such run. */
export async function findHostOfRun(
  tx: Tx,
  run: ActionRunId,
): Promise<{ readonly host: HostId | undefined } | undefined> {
  return findRunPlace(tx, run);
}

async function keepEndpoint(tx: Tx, report: TaskReport): Promise<void> {
  const isOver = report.state === 'stopped' || report.state === 'failed';
  if (isOver) await rows.deleteEndpoint(tx, report.job, report.index, report.incarnation);
  else await rows.saveEndpoint(tx, report satisfies Endpoint & { sequence: number });
}
