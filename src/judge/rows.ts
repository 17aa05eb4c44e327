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

/** Only the newest undecided looks of a phase are kept: a long bake has one per bin. */
export async function deleteOldLooks(tx: Tx, rollout: RolloutId, phase: number, beforeMs: number): Promise<void> {
  await tx
    .deleteFrom('verdict')
    .where('rollout', '=', rollout)
    .where('phase', '=', phase)
    .where('verdict', '=', 'undecided')
    .where('at_ms', '<', beforeMs)
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
