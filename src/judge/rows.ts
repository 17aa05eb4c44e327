import type { Insertable } from 'kysely';
import type { Actor, JobId, RolloutId } from '../model/index.ts';
import { byLimit, prepare, prepareChange, type Schema, type Tx } from '../store/index.ts';
import type { Calibration } from './calibrate/calibrate.ts';
import type { CalibrationRun } from './calibrate/pool.ts';
import type { JudgeMemory, Judgement, RolloutCurve } from './port.ts';
import type { HistoryStep } from './watch/history-step.ts';

/** One look at one phase: what `job/decide` passes, holds or fails the phase by. */
export interface VerdictRow extends Omit<Judgement, 'memory'> {
  readonly rollout: RolloutId;
  readonly phase: number;
}

const selectLatest = prepare<{ rollout: string; phase: number }, { body: string }>((db, p) =>
  db
    .selectFrom('verdict')
    .select('body')
    .where('rollout', '=', p.rollout)
    .where('phase', '=', p.phase)
    .orderBy('at_ms', 'desc')
    .limit(1),
);

/** The newest look at this phase, if there was one. `phase` is the index in `Rollout.phases`. */
export async function latestVerdict(tx: Tx, rollout: RolloutId, phase: number): Promise<VerdictRow | undefined> {
  const [row] = await selectLatest(tx, { rollout, phase });
  return row && (JSON.parse(row.body) as VerdictRow);
}

/** All looks at a rollout, oldest first. */
export async function listVerdicts(tx: Tx, rollout: RolloutId): Promise<VerdictRow[]> {
  const rows = await tx
    .selectFrom('verdict')
    .select('body')
    .where('rollout', '=', rollout)
    .orderBy('phase')
    .orderBy('at_ms')
    .execute();
  return rows.map(({ body }) => JSON.parse(body) as VerdictRow);
}

const addVerdict = prepareChange<Insertable<Schema['verdict']>>((db, p) => {
  const { rollout, phase, look_id, verdict, is_measured, at_ms, body } = p;
  return db
    .insertInto('verdict')
    .values({ rollout, phase, look_id, verdict, is_measured, at_ms, body })
    .onConflict((on) => on.columns(['rollout', 'look_id']).doNothing());
});

/** A look that is there already stays as it is. */
export async function insertVerdict(tx: Tx, row: VerdictRow): Promise<void> {
  await addVerdict(tx, {
    rollout: row.rollout,
    phase: row.phase,
    look_id: row.verdict.lookId,
    verdict: row.verdict.verdict,
    is_measured: row.measured ? 1 : 0,
    at_ms: row.verdict.atMs,
    body: JSON.stringify(row),
  });
}

const selectMemory = prepare<{ rollout: string }, { memory: string }>((db, p) =>
  db.selectFrom('judge_memory').select('memory').where('rollout', '=', p.rollout),
);

export async function findMemory(tx: Tx, rollout: RolloutId): Promise<JudgeMemory | undefined> {
  const [row] = await selectMemory(tx, { rollout });
  return row && (JSON.parse(row.memory) as JudgeMemory);
}

const upsertMemory = prepareChange<{ rollout: string; job: string; memory: string; atMs: number }>((db, p) => {
  const values = { memory: p.memory, at_ms: p.atMs };
  return db
    .insertInto('judge_memory')
    .values({ rollout: p.rollout, job: p.job, ...values })
    .onConflict((on) => on.column('rollout').doUpdateSet(values));
});

export async function saveMemory(
  tx: Tx,
  rollout: RolloutId,
  job: JobId,
  memory: JudgeMemory,
  nowMs: number,
): Promise<void> {
  await upsertMemory(tx, { rollout, job, memory: JSON.stringify(memory), atMs: nowMs });
}

/** What rollouts taught about restarts, by check; only comparable in bins of the same width. */
interface StoredCurves {
  readonly binMs: number;
  readonly curves: Readonly<Record<string, RolloutCurve>>;
}

/** Once per rollout: what is there already stays. */
export async function insertCurves(
  tx: Tx,
  rollout: RolloutId,
  job: JobId,
  endedAtMs: number,
  curves: StoredCurves,
): Promise<void> {
  await tx
    .insertInto('age_curve')
    .values({ rollout, job, ended_at_ms: endedAtMs, curve: JSON.stringify(curves) })
    .onConflict((on) => on.column('rollout').doNothing())
    .execute();
}

const selectCurves = byLimit((limit) =>
  prepare<{ job: string }, { curve: string }>((db, p) =>
    db.selectFrom('age_curve').select('curve').where('job', '=', p.job).orderBy('ended_at_ms', 'desc').limit(limit),
  ),
);

/** Of the newest rollouts of a job, newest first. */
export async function listCurves(tx: Tx, job: JobId, binMs: number, limit: number): Promise<StoredCurves['curves'][]> {
  const rows = await selectCurves(limit)(tx, { job });
  const stored = rows.map(({ curve }) => JSON.parse(curve) as StoredCurves);
  return stored.filter((one) => one.binMs === binMs).map(({ curves }) => curves);
}

export async function hasCurves(tx: Tx, rollout: RolloutId): Promise<boolean> {
  const row = await tx.selectFrom('age_curve').select('rollout').where('rollout', '=', rollout).executeTakeFirst();
  return row !== undefined;
}

/**
 * Ended rollouts with more than one look per phase, newest first within their job: what can be thinned.
 * A rollout's id grows with time.
 */
export async function listRolloutsWithManyLooks(
  tx: Tx,
): Promise<{ readonly rollout: RolloutId; readonly job: JobId }[]> {
  const rows = await tx
    .selectFrom('verdict as v')
    .innerJoin('rollout as r', 'r.id', 'v.rollout')
    .select(['v.rollout', 'r.job'])
    .where('r.is_ended', '=', 1)
    .groupBy(['v.rollout', 'r.job'])
    .having(({ eb, fn }) => eb(fn.countAll(), '>', fn.count('v.phase').distinct()))
    .orderBy('v.rollout', 'desc')
    .execute();
  return rows.map(({ rollout, job }) => ({ rollout: rollout as RolloutId, job: job as JobId }));
}

/** Leaves the last look of each phase. */
export async function deleteAllButLastLooks(tx: Tx, rollout: RolloutId): Promise<void> {
  await tx
    .deleteFrom('verdict')
    .where('rollout', '=', rollout)
    .where('at_ms', '<', ({ selectFrom }) =>
      selectFrom('verdict as later')
        .select(({ fn }) => fn.max('later.at_ms').as('at'))
        .where('later.rollout', '=', rollout)
        .whereRef('later.phase', '=', 'verdict.phase'),
    )
    .execute();
}

/** Nobody goes on judging what has ended. */
export async function deleteMemoryOfEnded(tx: Tx, endedBeforeMs: number): Promise<void> {
  await tx
    .deleteFrom('judge_memory')
    .where('rollout', 'in', ({ selectFrom }) =>
      selectFrom('rollout')
        .select('id')
        .where('is_ended', '=', 1)
        .where('is_watched', '=', 0)
        .where('ended_at_ms', '<', endedBeforeMs),
    )
    .execute();
}

/** What a person said of a rollout's verdict. */
export interface VerdictLabel {
  readonly rollout: RolloutId;
  readonly isTrue: boolean;
  readonly actor: Actor;
  readonly reason: string | undefined;
  readonly atMs: number;
}

/** The newest word counts. */
export async function saveLabel(tx: Tx, job: JobId, label: VerdictLabel): Promise<void> {
  const { rollout, isTrue, actor, reason, atMs } = label;
  const values = { is_true: isTrue ? 1 : 0, actor: JSON.stringify(actor), reason: reason ?? null, at_ms: atMs };
  await tx
    .insertInto('verdict_label')
    .values({ rollout, job, ...values })
    .onConflict((on) => on.column('rollout').doUpdateSet(values))
    .execute();
}

export async function listLabels(tx: Tx, job: JobId): Promise<VerdictLabel[]> {
  const found = await tx.selectFrom('verdict_label').selectAll().where('job', '=', job).orderBy('rollout').execute();
  return found.map((row) => ({
    rollout: row.rollout as RolloutId,
    isTrue: row.is_true === 1,
    actor: JSON.parse(row.actor) as Actor,
    reason: row.reason ?? undefined,
    atMs: Number(row.at_ms),
  }));
}

/** The newest look at each phase of the newest rollouts of a job, newest rollout first. */
export async function listLastLooks(tx: Tx, job: JobId, limit: number): Promise<VerdictRow[][]> {
  const rollouts = await tx
    .selectFrom('rollout')
    .select('id')
    .where('job', '=', job)
    .orderBy('id', 'desc')
    .limit(limit)
    .execute();
  const looks: VerdictRow[][] = [];
  for (const { id } of rollouts) {
    const newest = new Map<number, VerdictRow>();
    for (const row of await listVerdicts(tx, id as RolloutId)) newest.set(row.phase, row);
    if (newest.size > 0) looks.push([...newest.values()]);
  }
  return looks;
}

/** Steps of a job's past of one length, oldest first. */
export async function listHistory(tx: Tx, job: JobId, stepMs: number): Promise<HistoryStep[]> {
  const found = await tx
    .selectFrom('judge_history')
    .select(['from_ms', 'body'])
    .where('job', '=', job)
    .where('step_ms', '=', stepMs)
    .orderBy('from_ms')
    .execute();
  return found.map((row) => ({
    ...JSON.parse(row.body),
    fromMs: Number(row.from_ms),
    toMs: Number(row.from_ms) + stepMs,
  }));
}

/** A step that is there already stays as it is. */
export async function insertHistory(tx: Tx, job: JobId, { fromMs, toMs, ...body }: HistoryStep): Promise<void> {
  await tx
    .insertInto('judge_history')
    .values({ job, step_ms: toMs - fromMs, from_ms: fromMs, body: JSON.stringify(body) })
    .onConflict((on) => on.columns(['job', 'step_ms', 'from_ms']).doNothing())
    .execute();
}

/** Of any length: a job whose watch was made longer or shorter begins its past anew. */
export async function deleteHistoryBefore(tx: Tx, job: JobId, stepMs: number, beforeMs: number): Promise<void> {
  await tx
    .deleteFrom('judge_history')
    .where('job', '=', job)
    .where(({ eb, or }) => or([eb('step_ms', '<>', stepMs), eb('from_ms', '<', beforeMs)]))
    .execute();
}

/** The newest answer replaces the one before. */
export async function saveCalibration(tx: Tx, job: JobId, calibration: Calibration, atMs: number): Promise<void> {
  const values = { at_ms: atMs, body: JSON.stringify(calibration) };
  await tx
    .insertInto('judge_calibration')
    .values({ job, ...values })
    .onConflict((on) => on.column('job').doUpdateSet(values))
    .execute();
}

const selectCalibration = prepare<{ job: string }, { body: string; at_ms: number }>((db, p) =>
  db.selectFrom('judge_calibration').select(['body', 'at_ms']).where('job', '=', p.job),
);

export async function findCalibration(
  tx: Tx,
  job: JobId,
): Promise<{ readonly calibration: Calibration; readonly atMs: number } | undefined> {
  const [row] = await selectCalibration(tx, { job });
  return row && { calibration: JSON.parse(row.body) as Calibration, atMs: Number(row.at_ms) };
}

/** Quiet times of a job that were tried, oldest first. */
export async function listCalibrationRuns(tx: Tx, job: JobId): Promise<CalibrationRun[]> {
  const found = await tx
    .selectFrom('judge_calibration_run')
    .selectAll()
    .where('job', '=', job)
    .orderBy('at_ms')
    .execute();
  return found.map((row) => ({
    atMs: Number(row.at_ms),
    fromMs: Number(row.from_ms),
    untilMs: Number(row.until_ms),
    settings: row.settings,
    calibration: JSON.parse(row.body) as Calibration,
  }));
}

/** In the place of those that looked at some of the same minutes. */
export async function insertCalibrationRun(tx: Tx, job: JobId, run: CalibrationRun): Promise<void> {
  const { atMs, fromMs, untilMs, settings, calibration } = run;
  await tx.deleteFrom('judge_calibration_run').where('job', '=', job).where('until_ms', '>', fromMs).execute();
  await tx
    .insertInto('judge_calibration_run')
    .values({ job, at_ms: atMs, from_ms: fromMs, until_ms: untilMs, settings, body: JSON.stringify(calibration) })
    .onConflict((on) => on.columns(['job', 'at_ms']).doNothing())
    .execute();
}

export async function deleteCalibrationRunsBefore(tx: Tx, job: JobId, beforeMs: number): Promise<void> {
  await tx.deleteFrom('judge_calibration_run').where('job', '=', job).where('at_ms', '<', beforeMs).execute();
}

/** When a job was calibrated by itself last, or was to be, and when it is next. */
export interface CalibrationTurn {
  readonly job: JobId;
  readonly atMs: number;
  readonly nextAtMs: number;
  /** Why nothing could be tried; undefined: it was. */
  readonly refused: string | undefined;
}

export async function saveCalibrationTurn(tx: Tx, { job, atMs, nextAtMs, refused }: CalibrationTurn): Promise<void> {
  const values = { at_ms: atMs, next_at_ms: nextAtMs, refused: refused ?? null };
  await tx
    .insertInto('judge_calibration_turn')
    .values({ job, ...values })
    .onConflict((on) => on.column('job').doUpdateSet(values))
    .execute();
}

export async function deleteCalibrationTurn(tx: Tx, job: JobId): Promise<void> {
  await tx.deleteFrom('judge_calibration_turn').where('job', '=', job).execute();
}

/** Of all jobs. */
export async function listCalibrationTurns(tx: Tx): Promise<CalibrationTurn[]> {
  const found = await tx.selectFrom('judge_calibration_turn').selectAll().orderBy('job').execute();
  return found.map(turnOf);
}

export async function findCalibrationTurn(tx: Tx, job: JobId): Promise<CalibrationTurn | undefined> {
  const row = await tx.selectFrom('judge_calibration_turn').selectAll().where('job', '=', job).executeTakeFirst();
  return row && turnOf(row);
}

interface TurnColumns {
  readonly job: string;
  readonly at_ms: number;
  readonly next_at_ms: number;
  readonly refused: string | null;
}

function turnOf({ job, at_ms, next_at_ms, refused }: TurnColumns): CalibrationTurn {
  return { job: job as JobId, atMs: Number(at_ms), nextAtMs: Number(next_at_ms), refused: refused ?? undefined };
}
