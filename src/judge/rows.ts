import type { JobId, RolloutId } from '../model/index.ts';
import type { Tx } from '../store/index.ts';
import type { JudgeMemory, Judgement } from './port.ts';

/** One look at one phase: what `job/decide` passes, holds or fails the phase by. */
export interface VerdictRow extends Omit<Judgement, 'memory'> {
  readonly rollout: RolloutId;
  readonly phase: number;
}

/** The newest look at this phase, if there was one. `phase` is the index in `Rollout.phases`. */
export async function latestVerdict(tx: Tx, rollout: RolloutId, phase: number): Promise<VerdictRow | undefined> {
  const row = await tx
    .selectFrom('verdict')
    .select('body')
    .where('rollout', '=', rollout)
    .where('phase', '=', phase)
    .orderBy('at_ms', 'desc')
    .limit(1)
    .executeTakeFirst();
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

/** A look that is there already stays as it is. */
export async function insertVerdict(tx: Tx, row: VerdictRow): Promise<void> {
  await tx
    .insertInto('verdict')
    .values({
      rollout: row.rollout,
      phase: row.phase,
      look_id: row.verdict.lookId,
      verdict: row.verdict.verdict,
      is_measured: row.measured ? 1 : 0,
      at_ms: row.verdict.atMs,
      body: JSON.stringify(row),
    })
    .onConflict((on) => on.columns(['rollout', 'look_id']).doNothing())
    .execute();
}

export async function findMemory(tx: Tx, rollout: RolloutId): Promise<JudgeMemory | undefined> {
  const row = await tx.selectFrom('judge_memory').select('memory').where('rollout', '=', rollout).executeTakeFirst();
  return row && (JSON.parse(row.memory) as JudgeMemory);
}

export async function saveMemory(
  tx: Tx,
  rollout: RolloutId,
  job: JobId,
  memory: JudgeMemory,
  nowMs: number,
): Promise<void> {
  const values = { memory: JSON.stringify(memory), at_ms: nowMs };
  await tx
    .insertInto('judge_memory')
    .values({ rollout, job, ...values })
    .onConflict((on) => on.column('rollout').doUpdateSet(values))
    .execute();
}

/** How restarted tasks of a job differed from others in one rollout that ended; per check. */
export type RolloutCurves = Readonly<Record<string, readonly number[]>>;

export async function insertCurves(tx: Tx, rollout: RolloutId, job: JobId, endedAtMs: number, curves: RolloutCurves) {
  await tx
    .insertInto('age_curve')
    .values({ rollout, job, ended_at_ms: endedAtMs, curve: JSON.stringify(curves) })
    .onConflict((on) => on.column('rollout').doNothing())
    .execute();
}

/** Of the newest rollouts of a job, newest first. */
export async function listCurves(tx: Tx, job: JobId, limit: number): Promise<RolloutCurves[]> {
  const rows = await tx
    .selectFrom('age_curve')
    .select('curve')
    .where('job', '=', job)
    .orderBy('ended_at_ms', 'desc')
    .limit(limit)
    .execute();
  return rows.map(({ curve }) => JSON.parse(curve) as RolloutCurves);
}
