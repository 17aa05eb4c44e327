import type { Reports } from '../../api/index.ts';
import { foldPlain } from '../../disruption/index.ts';
import { appendAnswer, appendReports, findOperation, findTasks } from '../../disruption/rows.ts';
import type { Addition } from '../../engine/index.ts';
import {
  type ActionRunId,
  err,
  type HostId,
  type JobId,
  type OperationId,
  ok,
  problem,
  type Result,
  type TaskReport,
} from '../../model/index.ts';
import { appendActionReport, findRunPlace } from '../../pipeline/rows.ts';
import type { Tx } from '../../store/index.ts';
import type { Endpoint } from '../discovery.ts';
import * as rows from '../rows.ts';

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
  const observed = await listObserved(tx, reports, nowMs);
  const news = [...observed.keys()].filter((job) => observed.get(job) === false);
  const jobs = new Set([...news, ...[...gone, ...begun].map(({ job }) => job)]);
  const plain = [...observed.keys()].filter((job) => !jobs.has(job));
  return ok({
    write: async (writer) => {
      if (!(await rows.takeBatch(writer, batch.host, batch.batch))) return;
      await appendReports(writer, [...reports, ...gone]);
      for (const report of [...reports, ...gone]) await keepEndpoint(writer, report);
      for (const { job, operation } of begun) {
        await appendAnswer(writer, job, { operation, answer: 'begun', atMs: batch.atMs });
      }
      for (const action of batch.actions) {
        const { id, state, summary, exitCode, output, perf } = action;
        const { host, atMs } = batch;
        const report = { run: id as ActionRunId, host, state, exitCode, summary, output, perf, atMs };
        await appendActionReport(writer, report);
      }
    },
    work: [
      ...[...jobs].map((job) => ({ kind: 'job/decide', key: job })),
      ...plain.map((job) => ({ kind: 'job/observe', key: job })),
      ...services.map((service) => ({ kind: 'pipeline/decide', key: service })),
    ],
  });
}

/**
 * Whether all that a batch reports of a job is known already, as far as anybody can tell here: then nothing needs to be
 * decided. `job/observe` looks again.
 */
async function listObserved(tx: Tx, reports: readonly TaskReport[], nowMs: number): Promise<Map<JobId, boolean>> {
  const byJob = Map.groupBy(reports, ({ job }) => job);
  const observed = new Map<JobId, boolean>();
  for (const [job, own] of byJob) {
    // What begins or ends an operation is news; and most of what is reported comes alone.
    const known = own.some(({ operation }) => operation !== undefined)
      ? []
      : await findTasks(tx, job, [...new Set(own.map(({ index }) => index))]);
    const tasks = new Map(known.map((task) => [task.index, task]));
    const isPlain = own.every((report) => {
      const before = tasks.get(report.index);
      const after = before && foldPlain(before, report, nowMs);
      if (after !== undefined) tasks.set(report.index, after);
      return after !== undefined;
    });
    observed.set(job, isPlain);
  }
  return observed;
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
