import type { Selectable } from 'kysely';
import type {
  HostId,
  JobId,
  OperationId,
  Outage,
  PlannedWork,
  RolloutId,
  TaskIndex,
  TaskReport,
} from '../model/index.ts';
import { byLength, dialectOf, padded, prepare, prepareChange, type Schema, type Tx } from '../store/index.ts';
import type { IncarnationFacts, LedgerOperation, OperationAnswer, TaskFacts } from './facts.ts';
import type { RateBucket } from './rates.ts';

export * from './rows/control.ts';

// ---------------------------------------------------------------- the inbox

const insertReport = prepareChange<Selectable<Schema['task_report']>>((db, p) => {
  const { job, task_index, incarnation, host, sequence, at_ms, body } = p;
  const row = { job, task_index, incarnation, host, sequence, at_ms, body };
  return db
    .insertInto('task_report')
    .values(row)
    .onConflict((on) => on.doNothing());
});

/** Appends reports without a guard; then enqueue `job/decide` for their jobs. A repeated report changes nothing. */
export async function appendReports(tx: Tx, reports: readonly TaskReport[]): Promise<void> {
  if (reports.length === 1 || dialectOf(tx) === 'sqlite') {
    // Compiled once; where nothing travels, that is faster than building one statement for a hundred.
    for (const report of reports) await insertReport(tx, rowOfReport(report));
    return;
  }
  for (let at = 0; at < reports.length; at += 100) {
    const rows = reports.slice(at, at + 100).map(rowOfReport);
    const insert = tx.insertInto('task_report').values(rows);
    await insert.onConflict((on) => on.doNothing()).execute();
  }
}

function rowOfReport(report: TaskReport): Selectable<Schema['task_report']> {
  const { job, index, incarnation, host, sequence, atMs } = report;
  return { job, task_index: index, incarnation, host, sequence, at_ms: atMs, body: JSON.stringify(report) };
}

const selectReports = prepare<{ job: string }, { body: string }>((db, p) =>
  db.selectFrom('task_report').select('body').where('job', '=', p.job),
);

/** All reports of a job that were not folded yet. */
export async function listReports(tx: Tx, job: JobId): Promise<TaskReport[]> {
  return (await selectReports(tx, { job })).map((row) => JSON.parse(row.body) as TaskReport);
}

const removeReport = prepareChange<TaskReport>((db, p) =>
  db
    .deleteFrom('task_report')
    .where('job', '=', p.job)
    .where('task_index', '=', p.index)
    .where('incarnation', '=', p.incarnation)
    .where('host', '=', p.host)
    .where('sequence', '=', p.sequence)
    .where('at_ms', '=', p.atMs),
);

export async function deleteReport(tx: Tx, report: TaskReport): Promise<void> {
  await removeReport(tx, report);
}

const upsertAnswer = prepareChange<{ operation: string; job: string; answer: string; atMs: number }>((db, p) =>
  db
    .insertInto('operation_answer')
    .values({ operation: p.operation, job: p.job, answer: p.answer, at_ms: p.atMs })
    .onConflict((on) => on.doNothing()),
);

/** The receiver wrote an operation down (`begun`), or answered a cancel. Then enqueue `job/decide`. */
export async function appendAnswer(tx: Tx, job: JobId, answer: OperationAnswer): Promise<void> {
  await upsertAnswer(tx, { operation: answer.operation, job, answer: answer.answer, atMs: answer.atMs });
}

/** Which job an operation belongs to: agents report begun operations by id alone. */
export async function findJobOfOperation(tx: Tx, operation: OperationId): Promise<JobId | undefined> {
  const row = await tx.selectFrom('operation').select('job').where('id', '=', operation).executeTakeFirst();
  return row?.job as JobId | undefined;
}

const selectAnswers = prepare<{ job: string }, Selectable<Schema['operation_answer']>>((db, p) =>
  db.selectFrom('operation_answer').selectAll().where('job', '=', p.job).orderBy('at_ms').orderBy('operation'),
);

export async function listAnswers(tx: Tx, job: JobId): Promise<OperationAnswer[]> {
  return (await selectAnswers(tx, { job })).map((row) => ({
    operation: row.operation as OperationId,
    answer: row.answer as OperationAnswer['answer'],
    atMs: row.at_ms,
  }));
}

const removeAnswer = prepareChange<{ operation: string; answer: string }>((db, p) =>
  db.deleteFrom('operation_answer').where('operation', '=', p.operation).where('answer', '=', p.answer),
);

export async function deleteAnswer(tx: Tx, { operation, answer }: OperationAnswer): Promise<void> {
  await removeAnswer(tx, { operation, answer });
}

// ---------------------------------------------------------------- tasks

const selectTasks = prepare<{ job: string }, Selectable<Schema['task']>>((db, p) =>
  db.selectFrom('task').selectAll().where('job', '=', p.job).orderBy('task_index'),
);

export async function listTasks(tx: Tx, job: JobId): Promise<TaskFacts[]> {
  return (await selectTasks(tx, { job })).map(taskOf);
}

const selectSome = byLength((list) =>
  prepare<readonly (string | number)[], Selectable<Schema['task']>>((db, p) =>
    db
      .selectFrom('task')
      .selectAll()
      .where('job', '=', p[0] as string)
      .where('task_index', 'in', list(p, 1) as never),
  ),
);

/** What is known of these indices; those of which nothing is are absent. */
export async function findTasks(tx: Tx, job: JobId, indices: readonly TaskIndex[]): Promise<TaskFacts[]> {
  if (indices.length === 0) return [];
  return (await selectSome(indices.length)(tx, [job, ...padded(indices)])).map(taskOf);
}

/** Jobs with a task on this host by the newest folded report: whom to wake when its state changes. */
export async function listJobsOnHost(tx: Tx, host: HostId): Promise<JobId[]> {
  const rows = await tx.selectFrom('task').select('job').distinct().where('host', '=', host).orderBy('job').execute();
  return rows.map((row) => row.job as JobId);
}

const upsertTask = prepareChange<Selectable<Schema['task']>>((db, p) => {
  const values = {
    highest_incarnation: p.highest_incarnation,
    served_once: p.served_once,
    out_since_ms: p.out_since_ms,
    failed_tries: p.failed_tries,
    not_before_ms: p.not_before_ms,
    failed_on: p.failed_on,
    incarnation: p.incarnation,
    host: p.host,
    version: p.version,
    state: p.state,
    facts: p.facts,
    others: p.others,
  };
  return db
    .insertInto('task')
    .values({ job: p.job, task_index: p.task_index, ...values })
    .onConflict((on) => on.columns(['job', 'task_index']).doUpdateSet(values));
});

export async function saveTask(tx: Tx, job: JobId, task: TaskFacts): Promise<void> {
  await upsertTask(tx, { job, ...rowOfTask(task) });
}

// ---------------------------------------------------------------- operations

const selectOperations = prepare<{ job: string }, Selectable<Schema['operation']>>((db, p) =>
  db.selectFrom('operation').selectAll().where('job', '=', p.job).where('is_ended', '=', 0).orderBy('id'),
);

/** Operations of a job that have not ended. */
export async function loadOperations(tx: Tx, job: JobId): Promise<LedgerOperation[]> {
  return (await selectOperations(tx, { job })).map(operationOf);
}

const selectOfRollout = prepare<{ rollout: string }, Selectable<Schema['operation']>>((db, p) =>
  db.selectFrom('operation').selectAll().where('rollout', '=', p.rollout).orderBy('id'),
);

/** All operations of a rollout, ended ones too, oldest first: its history, and when each index was updated. */
export async function listOperationsOfRollout(tx: Tx, rollout: RolloutId): Promise<LedgerOperation[]> {
  return (await selectOfRollout(tx, { rollout })).map(operationOf);
}

const selectOperation = prepare<{ id: string }, Selectable<Schema['operation']>>((db, p) =>
  db.selectFrom('operation').selectAll().where('id', '=', p.id),
);

export async function findOperation(tx: Tx, id: OperationId): Promise<LedgerOperation | undefined> {
  const [row] = await selectOperation(tx, { id });
  return row && operationOf(row);
}

const upsertOperation = prepareChange<Selectable<Schema['operation']>>((db, p) => {
  const fixed = {
    job: p.job,
    task_index: p.task_index,
    kind: p.kind,
    incarnation: p.incarnation,
    next_incarnation: p.next_incarnation,
    from_version: p.from_version,
    to_version: p.to_version,
    rollout: p.rollout,
    reason: p.reason,
    proposed_at_ms: p.proposed_at_ms,
  };
  const values = {
    host: p.host,
    phase: p.phase,
    state: p.state,
    blocked_by: p.blocked_by,
    still_out: p.still_out,
    epoch: p.epoch,
    deadline_at_ms: p.deadline_at_ms,
    admitted_at_ms: p.admitted_at_ms,
    ended_at_ms: p.ended_at_ms,
    is_ended: p.is_ended,
    facts: p.facts,
  };
  return db
    .insertInto('operation')
    .values({ id: p.id, ...fixed, ...values })
    .onConflict((on) => on.column('id').doUpdateSet(values));
});

export async function saveOperation(tx: Tx, operation: LedgerOperation): Promise<void> {
  await upsertOperation(tx, rowOfOperation(operation));
}

/** Stops on these hosts from this time on that no budget was asked for: a deadline had passed. */
export async function countForcedStops(
  tx: Tx,
  hosts: readonly HostId[],
  fromMs: number,
  toMs: number,
): Promise<number> {
  const rows = await tx
    .selectFrom('operation')
    .selectAll()
    .where('kind', '=', 'stop')
    .where('host', 'in', [...hosts])
    .where('admitted_at_ms', '>=', fromMs)
    .where('admitted_at_ms', '<=', toMs)
    .execute();
  return rows.map(operationOf).filter(({ exemption }) => exemption === 'forced').length;
}

/** Operations and outages that ended before this time, but none of these rollouts; events tell of them for ever. */
export async function deleteEndedOperations(tx: Tx, beforeMs: number, keep: readonly RolloutId[]): Promise<number> {
  let gone = tx.deleteFrom('operation').where('is_ended', '=', 1).where('ended_at_ms', '<', beforeMs);
  if (keep.length > 0)
    gone = gone.where((where) => where.or([where('rollout', 'is', null), where('rollout', 'not in', keep)]));
  const { numDeletedRows } = await gone.executeTakeFirst();
  await tx.deleteFrom('outage').where('ended_at_ms', '<', beforeMs).execute();
  return Number(numDeletedRows);
}

// ---------------------------------------------------------------- outages

// One by one each is found by its index: together they were looked for among all outages that ever were.
const selectOutagesOfJob = prepare<{ job: string }, Selectable<Schema['outage']>>((db, p) =>
  db.selectFrom('outage').selectAll().where('job', '=', p.job).where('ended_at_ms', 'is', null),
);
const selectOutagesOfHosts = prepare<object, Selectable<Schema['outage']>>((db) =>
  db.selectFrom('outage').selectAll().where('host', '>', '').where('job', 'is', null).where('ended_at_ms', 'is', null),
);

/** Outages of a job, and of all hosts (a job may want to go there), that have not ended. */
export async function listOutages(tx: Tx, job: JobId): Promise<Outage[]> {
  const rows = [...(await selectOutagesOfJob(tx, { job })), ...(await selectOutagesOfHosts(tx, {}))];
  return rows.sort((a, b) => (a.id < b.id ? -1 : 1)).map(outageOf);
}

const upsertOutage = prepareChange<Selectable<Schema['outage']>>((db, p) => {
  const values = {
    cause: p.cause,
    job: p.job,
    task_index: p.task_index,
    host: p.host,
    operation: p.operation,
    starts_at_ms: p.starts_at_ms,
    deadline_at_ms: p.deadline_at_ms,
    ended_at_ms: p.ended_at_ms,
    work: p.work,
  };
  return db
    .insertInto('outage')
    .values({ id: p.id, ...values })
    .onConflict((on) => on.column('id').doUpdateSet(values));
});

/** Opens an outage (also a maintenance of a host, by a person) or records its end. */
export async function saveOutage(tx: Tx, outage: Outage): Promise<void> {
  const ofTask = 'job' in outage.scope;
  await upsertOutage(tx, {
    id: outage.id,
    cause: outage.cause,
    job: 'job' in outage.scope ? outage.scope.job : null,
    task_index: 'job' in outage.scope ? outage.scope.index : null,
    host: ofTask ? null : (outage.scope as { host: HostId }).host,
    operation: outage.operation ?? null,
    starts_at_ms: outage.startsAtMs,
    deadline_at_ms: outage.deadlineAtMs ?? null,
    ended_at_ms: outage.endedAtMs ?? null,
    work: outage.work === undefined ? null : JSON.stringify(outage.work),
  });
}

// ---------------------------------------------------------------- rates

/** What was taken of these rates; those of which nothing ever was are absent. */
export async function listBuckets(
  tx: Tx,
  ids: readonly string[],
): Promise<Map<string, Pick<RateBucket, 'revision' | 'takenAtMs'>>> {
  if (ids.length === 0) return new Map();
  const rows = await tx
    .selectFrom('rate_bucket')
    .selectAll()
    .where('id', 'in', [...ids])
    .execute();
  return new Map(
    rows.map((row) => [row.id, { revision: Number(row.revision), takenAtMs: JSON.parse(row.taken_at_ms) as number[] }]),
  );
}

/** Writes what was taken, if nobody else has taken any since it was read. */
export async function takeFromBucket(tx: Tx, { id, revision, takenAtMs }: RateBucket): Promise<boolean> {
  const values = { revision: revision + 1, taken_at_ms: JSON.stringify(takenAtMs) };
  if (revision === 0) {
    const inserted = await tx
      .insertInto('rate_bucket')
      .values({ id, ...values })
      .onConflict((on) => on.doNothing())
      .executeTakeFirst();
    return Number(inserted.numInsertedOrUpdatedRows) === 1;
  }
  const updated = await tx
    .updateTable('rate_bucket')
    .set(values)
    .where('id', '=', id)
    .where('revision', '=', revision)
    .executeTakeFirst();
  return Number(updated.numUpdatedRows) === 1;
}

// ---------------------------------------------------------------- rows ↔ facts

function taskOf(row: Selectable<Schema['task']>): TaskFacts {
  const current =
    row.incarnation === null
      ? undefined
      : ({
          ...(JSON.parse(row.facts ?? '{}') as object),
          incarnation: row.incarnation,
          host: row.host,
          version: row.version,
          state: row.state,
        } as unknown as IncarnationFacts);
  return {
    index: row.task_index,
    highestIncarnation: row.highest_incarnation,
    servedOnce: row.served_once === 1,
    outSinceMs: row.out_since_ms ?? undefined,
    failedTries: row.failed_tries,
    notBeforeMs: row.not_before_ms,
    failedOn: row.failed_on === null ? [] : (JSON.parse(row.failed_on) as HostId[]),
    current,
    others: row.others === null ? [] : (JSON.parse(row.others) as IncarnationFacts[]),
  };
}

function rowOfTask(task: TaskFacts) {
  const { incarnation, host, version, state, ...facts } = task.current ?? {};
  return {
    task_index: task.index,
    highest_incarnation: task.highestIncarnation,
    served_once: task.servedOnce ? 1 : 0,
    out_since_ms: task.outSinceMs ?? null,
    failed_tries: task.failedTries,
    not_before_ms: task.notBeforeMs,
    failed_on: task.failedOn.length === 0 ? null : JSON.stringify(task.failedOn),
    incarnation: incarnation ?? null,
    host: host ?? null,
    version: version ?? null,
    state: state ?? null,
    facts: task.current === undefined ? null : JSON.stringify(facts),
    others: task.others.length === 0 ? null : JSON.stringify(task.others),
  };
}

interface OperationExtras {
  readonly exemption?: LedgerOperation['exemption'];
  readonly cancelAskedAtMs?: number;
  readonly isWithdrawn?: boolean;
  readonly dispatches?: number;
  readonly isAsked?: boolean;
  readonly ackedAtMs?: number;
  readonly outcome?: string;
}

function operationOf(row: Selectable<Schema['operation']>): LedgerOperation {
  const extras = JSON.parse(row.facts) as OperationExtras;
  return {
    id: row.id as OperationId,
    job: row.job as JobId,
    index: row.task_index,
    kind: row.kind as LedgerOperation['kind'],
    incarnation: row.incarnation,
    nextIncarnation: row.next_incarnation,
    from: (row.from_version ?? undefined) as LedgerOperation['from'],
    to: (row.to_version ?? undefined) as LedgerOperation['to'],
    host: row.host ?? undefined,
    rollout: (row.rollout ?? undefined) as RolloutId | undefined,
    phase: row.phase ?? undefined,
    reason: row.reason,
    state: row.state as LedgerOperation['state'],
    blockedBy: row.blocked_by ?? undefined,
    precondition: row.still_out === null ? undefined : { stillOut: row.still_out },
    epoch: row.epoch ?? undefined,
    deadlineAtMs: row.deadline_at_ms ?? undefined,
    proposedAtMs: row.proposed_at_ms,
    admittedAtMs: row.admitted_at_ms ?? undefined,
    endedAtMs: row.ended_at_ms ?? undefined,
    exemption: extras.exemption,
    cancelAskedAtMs: extras.cancelAskedAtMs,
    isWithdrawn: extras.isWithdrawn ?? false,
    dispatches: extras.dispatches ?? 0,
    isAsked: extras.isAsked,
    ackedAtMs: extras.ackedAtMs,
    outcome: extras.outcome,
  };
}

function rowOfOperation(operation: LedgerOperation) {
  const { exemption, cancelAskedAtMs, isWithdrawn, dispatches, isAsked, ackedAtMs, outcome } = operation;
  return {
    id: operation.id,
    job: operation.job,
    task_index: operation.index,
    kind: operation.kind,
    incarnation: operation.incarnation,
    next_incarnation: operation.nextIncarnation,
    from_version: operation.from ?? null,
    to_version: operation.to ?? null,
    host: operation.host ?? null,
    rollout: operation.rollout ?? null,
    phase: operation.phase ?? null,
    reason: operation.reason,
    state: operation.state,
    blocked_by: operation.blockedBy ?? null,
    still_out: operation.precondition?.stillOut ?? null,
    epoch: operation.epoch ?? null,
    deadline_at_ms: operation.deadlineAtMs ?? null,
    proposed_at_ms: operation.proposedAtMs,
    admitted_at_ms: operation.admittedAtMs ?? null,
    ended_at_ms: operation.endedAtMs ?? null,
    is_ended: operation.endedAtMs === undefined ? 0 : 1,
    facts: JSON.stringify({ exemption, cancelAskedAtMs, isWithdrawn, dispatches, isAsked, ackedAtMs, outcome }),
  };
}

function outageOf(row: Selectable<Schema['outage']>): Outage {
  return {
    id: row.id as Outage['id'],
    cause: row.cause as Outage['cause'],
    scope:
      row.job === null ? { host: row.host as HostId } : { job: row.job as JobId, index: row.task_index as TaskIndex },
    operation: (row.operation ?? undefined) as OperationId | undefined,
    startsAtMs: row.starts_at_ms,
    deadlineAtMs: row.deadline_at_ms ?? undefined,
    endedAtMs: row.ended_at_ms ?? undefined,
    ...(row.work === null ? {} : { work: JSON.parse(row.work) as PlannedWork }),
  };
}
