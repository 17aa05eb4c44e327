import type { TaskPlanView } from '../../api/index.ts';
import { formatDuration } from '../../kit/index.ts';
import { type JobId, jobId, ProblemError, problem } from '../../model/index.ts';
import { once } from '../commands.ts';
import type { Session } from '../session.ts';
import { findService, reasonOf } from '../subject.ts';
import { ranges } from './plan.ts';
import { onlyEnvironment, onlyJob } from './rollback.ts';

export interface Flags {
  readonly service?: string;
  readonly environment?: string;
  readonly job?: string;
  readonly tasks?: string;
  readonly atOnce?: number;
  readonly plan?: string;
  readonly yes?: boolean;
  readonly confirm?: string;
  readonly reason?: string;
}

type Wish = 'restart' | 'move' | 'resize' | 'retire';

/** Restart, move, resize, retire: shows the plan; with `--plan <hash>` or `--yes` and a reason it is carried out. */
export function changeTasks(what: Wish) {
  return {
    async run(session: Session, words: readonly string[], flags: Flags): Promise<undefined> {
      const { client, out } = session;
      const service = await findService(session, flags.service);
      const environment = flags.environment ?? (await onlyEnvironment(session, service));
      const job = jobId(service, environment, await onlyJob(session, service, environment, flags.job));
      const wish = { do: what, ...wishOf(what, words, flags) };
      const plan = await client.planTasks({ params: { job }, body: wish });
      if (flags.plan === undefined && flags.yes !== true) {
        out.show(plan, () => {
          for (const line of planLines(plan, session)) out.line(line);
          out.next(nextOf(plan, words, flags));
        });
        return undefined;
      }
      const reason = reasonOf(flags, what);
      const confirm = what === 'retire' ? confirmed(job, flags.confirm) : {};
      const body = { ...wish, ...confirm, reason, planHash: flags.plan ?? plan.hash };
      const done = await client.changeTasks({ params: { job }, body }, once());
      out.show(done, () => {
        out.line(`${out.style.good('✓')} ${done.sentence}`);
        out.next(done.rollout === null ? `rollway status ${service}` : `rollway rollout show ${done.rollout} --watch`);
      });
      return undefined;
    },
  };
}

function confirmed(job: JobId, said: string | undefined): { confirm: JobId } {
  if (said === job) return { confirm: job };
  const detail = `this stops every task of ${job}`;
  throw new ProblemError(problem('cli/unclear', detail, {}, `Say so: --confirm ${job}`));
}

function wishOf(what: Wish, [size]: readonly string[], { tasks, atOnce }: Flags): object {
  if (what === 'retire') return {};
  if (what === 'resize') return { size: wholeOf(size ?? '') };
  return {
    ...(tasks === undefined ? {} : { tasks: readIndices(tasks) }),
    ...(atOnce === undefined ? {} : { atOnce }),
  };
}

/** `0-3,7` → 0, 1, 2, 3, 7 */
export function readIndices(text: string): number[] {
  return text.split(',').flatMap((part) => {
    const [from, to = from] = part.split(/[-–]/).map((end) => wholeOf(end.trim()));
    if (from === undefined || to === undefined || to < from || to - from > 10_000) throw unclear(part);
    return Array.from({ length: to - from + 1 }, (_, at) => from + at);
  });
}

function wholeOf(text: string): number {
  if (!/^\d{1,6}$/.test(text)) throw unclear(text);
  return Number(text);
}

function unclear(text: string): ProblemError {
  const remedy = 'Write whole numbers: `12`, for tasks `0-3,7`.';
  return new ProblemError(problem('cli/unclear', `"${text}" is no number of tasks`, {}, remedy));
}

function planLines(plan: TaskPlanView, { out }: Session): string[] {
  const head = `${out.style.bold(plan.job)}  ${plan.do} over ${plan.size} tasks, budget ${plan.budget} out`;
  return [
    `${head}, about ${formatDuration(plan.estimateMs)}`,
    ...plan.notes.map((note) => `! ${note}`),
    ...plan.steps.map(
      (step, i) =>
        `${i + 1}. ${out.style.bold(step.name)}  tasks ${ranges(step.tasks)}, ${step.atOnce} at a time, ≥ ${step.servingAtLeast} of ${step.of} serve`,
    ),
    out.style.dim(`plan ${plan.hash}`),
  ];
}

function nextOf(plan: TaskPlanView, words: readonly string[], flags: Flags): string {
  const parts = ['rollway', plan.do, ...words, `--plan ${plan.hash}`];
  if (flags.service !== undefined) parts.push(`--service ${flags.service}`);
  if (flags.environment !== undefined) parts.push(`--environment ${flags.environment}`);
  if (flags.job !== undefined) parts.push(`--job ${flags.job}`);
  if (flags.tasks !== undefined) parts.push(`--tasks ${flags.tasks}`);
  if (flags.atOnce !== undefined) parts.push(`--at-once ${flags.atOnce}`);
  if (plan.do === 'retire') parts.push(`--confirm ${plan.job}`);
  return `${parts.join(' ')} --reason …`;
}
