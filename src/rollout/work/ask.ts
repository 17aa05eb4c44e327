import type { Proposal, Turn, View } from '../../engine/index.ts';
import {
  type Actor,
  actorName,
  err,
  type JobId,
  ok,
  problem,
  type Result,
  type RolloutId,
  type VersionId,
} from '../../model/index.ts';
import { listVersions, saveHold } from '../../pipeline/rows.ts';
import { newRollout } from '../new-rollout.ts';
import { roundPlan } from '../rounds.ts';
import * as rows from '../rows.ts';
import { everyoneAtOnce, type TaskWish } from '../task-plan.ts';
import { jobDecide } from './load.ts';

/** What became of a wish: the round that was made of it, if it is one. */
export interface Asked {
  readonly rollout: RolloutId | undefined;
  readonly sentence: string;
}

type Attempt = (view: View) => Promise<Proposal<Result<Asked>>>;

/**
 * A person wants tasks restarted or moved, the job resized or stopped for good. Written down with the reason; the job's
 * own decision carries it out, through the ledger.
 */
export function askForTasks(
  names: Pick<Turn, 'id' | 'nowMs'>,
  job: JobId,
  wish: TaskWish,
  actor: Actor,
  reason: string,
): Attempt {
  return async (view) => {
    await view.guard('job', job);
    const facts = await rows.findJob(view.tx, job);
    if (facts === undefined) return { result: err(problem('api/not-found', `There is no job ${job}.`, { job })) };
    const refused = await refusalOf(view, job, facts.size, wish);
    if (refused !== undefined) return { result: refused };
    const base = { bump: [{ kind: 'job' as const, id: job }], work: [{ kind: jobDecide, key: job, urgent: true }] };
    const event = (type: string, data: object) => ({ stream: `job/${job}`, type, actor, data: { ...data, reason } });
    if (wish.do === 'resize' || wish.do === 'retire') {
      const size = wish.do === 'resize' ? wish.size : 0;
      const { service, environment } = facts;
      const hold = { service, environment, by: actorName(actor), reason: `retired: ${reason}`, atMs: names.nowMs };
      return {
        ...base,
        write: async (tx) => {
          await rows.setWantedSize(tx, job, size);
          const nothing = { rollout: undefined, from: undefined, to: undefined };
          if (wish.do === 'retire') await saveHold(tx, { ...hold, ...nothing });
        },
        events: [event(wish.do === 'retire' ? 'job.retire-asked' : 'job.resize-asked', { from: facts.size, to: size })],
        result: ok({ rollout: undefined, sentence: resizeSentence(wish, facts.size) }),
      };
    }
    const rollout = newRollout(
      {
        id: names.id('ro'),
        job,
        release: undefined,
        to: await versionMostRun(view, job),
        kind: wish.do,
        plan: roundPlan(wish.tasks, wish.atOnce ?? everyoneAtOnce),
        judged: false,
        holdAfter: undefined,
        createdBy: actor,
        reason,
      },
      names.nowMs,
    );
    return {
      ...base,
      write: (tx) => rows.insertRollout(tx, rollout),
      events: [event(`job.${wish.do}-asked`, { rollout: rollout.id, tasks: wish.tasks ?? 'all' })],
      result: ok({ rollout: rollout.id, sentence: `The ${wish.do} is ${rollout.id}.` }),
    };
  };
}

function resizeSentence(wish: Extract<TaskWish, { do: 'resize' | 'retire' }>, from: number): string {
  if (wish.do === 'resize')
    return `It goes from ${from} to ${wish.size} tasks, until the next deployment says otherwise.`;
  return `All ${from} tasks stop, and no release is let in until somebody unholds it.`;
}

async function refusalOf(view: View, job: JobId, size: number, wish: TaskWish): Promise<Result<never> | undefined> {
  const refuse = (detail: string, remedy?: string) => err(problem('api/bad-request', detail, { job }, remedy));
  if (wish.do === 'retire') {
    const [live] = await rows.listLiveRollouts(view.tx, job);
    if (live !== undefined) {
      return refuse(`${live.id} is under way on ${job}.`, `Abort it first: \`rollway abort ${live.id} --reason …\`.`);
    }
    return size === 0 ? refuse(`${job} has no tasks.`) : undefined;
  }
  if (wish.do === 'resize')
    return wish.size === 0 ? refuse('A job has at least one task.', 'To stop all, retire it.') : undefined;
  const beyond = (wish.tasks ?? []).find((index) => index >= size);
  if (beyond !== undefined) {
    return refuse(`${job} has ${size} tasks; there is no task ${beyond}.`, `Name tasks from 0 to ${size - 1}.`);
  }
  const assigned = (await rows.listAssignment(view.tx, job)).flatMap(({ version }) => version ?? []);
  if (assigned.length === 0) return refuse(`Nothing runs in ${job} yet.`, 'Deploy a release first.');
  if (wish.do === 'restart') return undefined;
  const versions = await listVersions(view.tx, [...new Set(assigned)]);
  return versions.some(({ task }) => task.singleton)
    ? refuse(`${job} is a singleton: it cannot start elsewhere before it has stopped; restart it instead.`)
    : undefined;
}

/** For people: a round names no version of its own. */
async function versionMostRun(view: View, job: JobId): Promise<VersionId> {
  const counts = new Map<VersionId, number>();
  for (const { version } of await rows.listAssignment(view.tx, job)) {
    if (version !== undefined) counts.set(version, (counts.get(version) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1])[0]![0];
}
