import type { JobId } from '../../model/index.ts';
import type { Tx } from '../../store/index.ts';
import type { ControlAnswer, ControlFacts } from '../control/facts.ts';

export async function findControl(tx: Tx, job: JobId): Promise<ControlFacts | undefined> {
  const row = await tx.selectFrom('job_control').select('body').where('job', '=', job).executeTakeFirst();
  return row && (JSON.parse(row.body) as ControlFacts);
}

/** Only `job/decide` writes it, under the job's guard: so sequence numbers never fall, whoever sends. */
export async function saveControl(tx: Tx, job: JobId, control: ControlFacts): Promise<void> {
  const values = { body: JSON.stringify(control), alarm: control.alarm ?? null };
  await tx
    .insertInto('job_control')
    .values({ job, ...values })
    .onConflict((on) => on.column('job').doUpdateSet(values))
    .execute();
}

/** Jobs whose controller a person has to look at. */
export async function listControlAlarms(tx: Tx): Promise<{ readonly job: JobId; readonly control: ControlFacts }[]> {
  const rows = await tx
    .selectFrom('job_control')
    .innerJoin('job', 'job.id', 'job_control.job')
    .select(['job_control.job', 'job_control.body'])
    .where('job_control.alarm', 'is not', null)
    .where('job.task_control', 'is not', null)
    .orderBy('job_control.job')
    .execute();
  return rows.map(({ job, body }) => ({ job: job as JobId, control: JSON.parse(body) as ControlFacts }));
}

/** What came of a call. Then enqueue `job/decide`. */
export async function appendControlAnswer(tx: Tx, job: JobId, answer: ControlAnswer): Promise<void> {
  await tx
    .insertInto('control_answer')
    .values({ job, sequence: answer.sequence, at_ms: answer.atMs, body: JSON.stringify(answer) })
    .onConflict((on) => on.doNothing())
    .execute();
}

export async function listControlAnswers(tx: Tx, job: JobId): Promise<ControlAnswer[]> {
  const rows = await tx
    .selectFrom('control_answer')
    .select('body')
    .where('job', '=', job)
    .orderBy('sequence')
    .orderBy('at_ms')
    .execute();
  return rows.map(({ body }) => JSON.parse(body) as ControlAnswer);
}

export async function deleteControlAnswer(tx: Tx, job: JobId, sequence: number): Promise<void> {
  await tx.deleteFrom('control_answer').where('job', '=', job).where('sequence', '=', sequence).execute();
}
