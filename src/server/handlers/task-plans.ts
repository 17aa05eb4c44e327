import type { TaskPlanView } from '../../api/index.ts';
import { formatDuration, makeId } from '../../kit/index.ts';
import { type Amount, type JobId, partsOfJob } from '../../model/index.ts';
import { readServices } from '../../pipeline/read.ts';
import { planTasks, type TaskPlace, type TaskPlan, type TaskWish } from '../../rollout/index.ts';
import { readJob } from '../../rollout/read.ts';
import { askForTasks } from '../../rollout/work.ts';
import type { Handlers, ServerContext } from '../context.ts';
import { refuse, valueOrThrow } from '../errors.ts';
import { hostsById } from './rollouts.ts';

interface WishBody {
  readonly do: 'restart' | 'move' | 'resize' | 'retire';
  readonly tasks?: readonly number[] | undefined;
  readonly atOnce?: number | undefined;
  readonly size?: number | undefined;
}

/** Restart, move, resize, retire: each is shown as a plan first, and goes through the ledger like a release. */
export function taskPlanHandlers(context: ServerContext) {
  const { store, engine, clock, chance } = context;

  return {
    async planTasks({ params, body }) {
      return plan(params.job as JobId, wishOf(body));
    },
    async changeTasks({ params, body }, call) {
      const job = params.job as JobId;
      const wish = wishOf(body);
      if (wish.do === 'retire' && body.confirm !== job) {
        refuse('api/bad-request', `To stop all tasks of ${job}, repeat its name: confirm.`, { job });
      }
      if (body.planHash !== undefined) {
        const { hash } = await plan(job, wish);
        const facts = { wanted: body.planHash, now: hash };
        if (hash !== body.planHash) refuse('rollout/stale-plan', `The plan is now ${hash}.`, facts);
      }
      const nowMs = clock.nowMs();
      const names = { nowMs, id: <P extends string>(prefix: P) => makeId(prefix, nowMs, chance) };
      const asked = await engine.commitAs(call.actor, askForTasks(names, job, wish, call.actor, body.reason));
      if (asked === undefined) return refuse('api/unavailable', 'The change could not be committed.');
      const { rollout, sentence } = valueOrThrow(asked);
      return { job, rollout: rollout ?? null, sentence };
    },
  } satisfies Partial<Handlers>;

  async function plan(job: JobId, wish: TaskWish): Promise<TaskPlanView> {
    return store.read(async (tx) => {
      const screen = await readJob(tx, job);
      if (!screen) return refuse('api/not-found', `There is no job ${job}.`);
      const hosts = await hostsById(tx);
      const places: TaskPlace[] = screen.dots
        .filter(({ index }) => index < screen.job.size)
        .map(({ index, facts }) => {
          const labels = facts === undefined ? undefined : hosts.get(facts.host)?.labels;
          return { index, host: facts?.host, labels: labels ?? {} };
        });
      const spec = (await readServices(tx)).find(({ name }) => name === partsOfJob(job).service)?.spec;
      const each = (spec?.task.drainMs ?? 0) + usualStartMs;
      return viewOf(job, wish, planTasks({ wish, budget: screen.job.budget, places }), each);
    });
  }
}

/** A task is assumed to need this long from its start until it is ready, when nothing is known. */
const usualStartMs = 1500;

function viewOf(job: JobId, wish: TaskWish, plan: TaskPlan, eachMs: number): TaskPlanView {
  const rounds = plan.steps.reduce((sum, step) => sum + step.batches, 0);
  const notes: string[] = [];
  if (plan.steps.length === 0) notes.push('There is nothing to do.');
  const strangers = 'tasks' in wish ? (wish.tasks ?? []).filter((index) => index >= plan.size) : [];
  if (strangers.length > 0) {
    const named = strangers.slice(0, 5).join(', ') + (strangers.length > 5 ? ' …' : '');
    notes.push(`${job} has no task ${named}: its ${plan.size} tasks begin with 0.`);
  }
  if (wish.do === 'retire') notes.push('No release is let in afterwards until somebody unholds it.');
  if (wish.do === 'resize') notes.push('The next deployment brings back the number that its configuration says.');
  const last = plan.steps.at(-1);
  if (last?.servingAtLeast === 0 && wish.do !== 'retire') {
    notes.push(`Nothing serves for about ${formatDuration(eachMs)} at a time.`);
  }
  return {
    job,
    do: wish.do,
    hash: plan.hash,
    size: plan.size,
    budget: plan.budget,
    steps: plan.steps.map((step) => ({ ...step, tasks: [...step.adds], of: plan.size })),
    estimateMs: rounds * eachMs,
    notes,
  };
}

function wishOf({ do: what, tasks, atOnce, size }: WishBody): TaskWish {
  if (what === 'retire') return { do: what };
  if (what === 'resize') {
    return size === undefined
      ? refuse('api/bad-request', 'body: size: how many tasks it shall have', {})
      : { do: what, size };
  }
  const unique = tasks === undefined ? undefined : [...new Set(tasks)].sort((a, b) => a - b);
  const pace: Amount | undefined = atOnce === undefined ? undefined : { count: atOnce };
  return { do: what, tasks: unique, atOnce: pace };
}
