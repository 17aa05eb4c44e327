import type { JobDetail, RolloutDetail, RolloutSummary } from '../../api/index.ts';
import { readMarks } from '../../blame/read.ts';
import { listHostOverviews } from '../../fleet/read.ts';
import { readVerdicts } from '../../judge/read.ts';
import type { JobId, Rollout, RolloutGroup, RolloutId, StoredEvent } from '../../model/index.ts';
import { readSpecOfRelease } from '../../pipeline/read.ts';
import { membersOf } from '../../rollout/index.ts';
import {
  findRolloutFacts,
  type RolloutScreen,
  readJob,
  readJobs,
  readOthers,
  readRollout,
  readRollouts,
} from '../../rollout/read.ts';
import type { Tx } from '../../store/index.ts';
import { commandAll } from '../commands.ts';
import type { Handlers, ServerContext } from '../context.ts';
import { refuse } from '../errors.ts';
import { pageOf } from '../pages.ts';
import { checkViews } from '../views/checks.ts';
import { eventView } from '../views/events.ts';
import {
  headline,
  legalCommandViews,
  phaseViews,
  rolloutEtag,
  rolloutSummary,
  timeSplit,
  watchView,
  whereItIs,
  whyWaiting,
} from '../views/rollouts.ts';
import { budgetLine, type HostsById, operationView, taskDots } from '../views/tasks.ts';
import { versionRefs } from '../views/versions.ts';

const timelineLength = 100;

/** Rollouts and the jobs they run over. */
export function rolloutHandlers(context: ServerContext) {
  const { store, clock, engine } = context;
  const lastSequences = new Map<string, number>();

  return {
    async listRollouts({ query }) {
      return store.read(async (tx) => {
        const { service, environment, cursor: before, limit } = query;
        const found = await readRollouts(tx, { service, environment, before, limit: limit + 1 });
        const page = pageOf(found, limit, ({ id }) => id);
        return { items: await summaries(tx, page.items), next: page.next };
      });
    },
    async getRollout({ params }) {
      const timeline = await newestEvents(`rollout/${params.rollout}`);
      return store.read(async (tx) => {
        const screen = await readRollout(tx, params.rollout as RolloutId);
        if (!screen) return refuse('rollout/unknown', `There is no rollout ${params.rollout}.`);
        return detail(tx, screen, timeline);
      });
    },
    async commandRollout({ params, query, body }, call) {
      const rollout = await store.read((tx) => findRolloutFacts(tx, params.rollout as RolloutId));
      if (!rollout) return refuse('rollout/unknown', `There is no rollout ${params.rollout}.`);
      if (call.ifMatch !== undefined && call.ifMatch !== rolloutEtag(rollout)) {
        refuse('api/conflict', `${rollout.id} has moved on since it was read.`, { etag: rolloutEtag(rollout) });
      }
      if (body.command === 'raise-budget' && body.budget === undefined) {
        refuse('api/bad-request', 'body: budget: how many tasks may be out at once', {});
      }
      if (body.command === 'hold-after' && body.phase === undefined) {
        refuse('api/bad-request', 'body: phase: after which phase it shall hold', {});
      }
      const { budget: count, phase, holdFor, reason } = body;
      const told = body.together === true ? await store.read((tx) => liveMembers(tx, rollout)) : [rollout];
      const wishes = told.map((one) => ({
        name: one.group === undefined || told.length === 1 ? '' : one.group.name,
        wish: {
          kind: 'job/decide',
          key: one.job,
          name: body.command,
          arguments: {
            rollout: one.id,
            ...(count === undefined ? {} : { count }),
            ...(phase === undefined ? {} : { phase }),
            ...(holdFor === undefined ? {} : { holdFor }),
          },
          reason,
        },
      }));
      return commandAll(context, wishes, call, query.waitMs, 'rollout/illegal-transition');
    },
    async getJob({ params }) {
      return store.read(async (tx): Promise<JobDetail> => {
        const screen = await readJob(tx, params.job as JobId);
        if (!screen) return refuse('api/not-found', `There is no job ${params.job}.`);
        const hosts = await hostsById(tx);
        const { job } = screen;
        const live = (await readJobs(tx)).find((one) => one.job.id === job.id)?.live ?? [];
        return {
          job: job.id,
          service: job.service,
          environment: job.environment,
          size: job.size,
          budget: budgetLine(screen, hosts),
          tasks: taskDots(screen, hosts),
          operations: screen.operations.map(operationView),
          rollouts: live.map(({ id }) => id),
        };
      });
    },
  } satisfies Partial<Handlers>;

  async function summaries(tx: Tx, rollouts: readonly Rollout[]): Promise<RolloutSummary[]> {
    const versions = await versionRefs(
      tx,
      rollouts.map(({ to }) => to),
    );
    const sizes = new Map((await readJobs(tx)).map(({ job }) => [job.id, job.size]));
    const found: RolloutSummary[] = [];
    for (const rollout of rollouts) {
      const screen = rollout.endedAtMs === undefined ? await readJob(tx, rollout.job, rollout) : undefined;
      found.push(rolloutSummary(rollout, screen, versions, sizes.get(rollout.job)));
    }
    return found;
  }

  async function detail(tx: Tx, screen: RolloutScreen, timeline: readonly StoredEvent[]): Promise<RolloutDetail> {
    const { rollout } = screen;
    const nowMs = clock.nowMs();
    const hosts = await hostsById(tx);
    const versions = await versionRefs(tx, [rollout.to, ...rollout.from]);
    const verdicts = await readVerdicts(tx, rollout.id);
    const spec = rollout.release && (await readSpecOfRelease(tx, rollout.release));
    const summary = rolloutSummary(rollout, screen, versions);
    const others = await readOthers(tx, rollout);
    const budget = budgetLine(screen, hosts, rollout);
    const last = verdicts.at(-1)?.verdict;
    return {
      ...summary,
      etag: rolloutEtag(rollout),
      headline: headline(rollout, summary, budget, nowMs),
      why: whyWaiting(rollout, screen, budget, others),
      from: rollout.from.flatMap((id) => versions.get(id) ?? []),
      hold: rollout.hold
        ? {
            by: rollout.hold.by,
            reason: rollout.hold.reason,
            sinceMs: rollout.hold.sinceMs,
            ends: rollout.hold.then ?? null,
          }
        : null,
      holdAfter: rollout.holdAfter ?? null,
      unbarred: rollout.unbarred ?? null,
      together: rollout.group === undefined ? null : await together(tx, rollout, rollout.group, others),
      forwardOnly: rollout.forwardOnly ?? null,
      budgetOverride: rollout.budgetOverride ?? null,
      budget,
      phases: phaseViews(rollout, screen, verdicts),
      tasks: taskDots(screen, hosts),
      operations: screen.operations.filter((one) => one.rollout === rollout.id).map(operationView),
      verdict: last ? { verdict: last.verdict, sentence: last.sentence, atMs: last.atMs } : null,
      watch: watchView(rollout, verdicts),
      checks: checkViews(verdicts, spec?.judge.checks ?? [], spec?.judge.guards ?? []),
      marks: (await readMarks(tx, { rollout: rollout.id, limit: 20 })).map(({ id }) => id),
      timeline: timeline.map(eventView),
      commands: legalCommandViews(rollout, summary, screen),
      timeSplit: timeSplit(rollout, nowMs),
    };
  }

  async function together(
    tx: Tx,
    rollout: Rollout,
    { name, barrier, waves, members }: RolloutGroup,
    others: ReadonlyMap<RolloutId, Rollout>,
  ): Promise<RolloutDetail['together']> {
    const views: NonNullable<RolloutDetail['together']>['members'] = [];
    for (const member of members) {
      const one = member.rollout === rollout.id ? rollout : others.get(member.rollout);
      if (one === undefined) continue;
      const { updated, size } = rolloutSummary(one, await readJob(tx, one.job, one), new Map());
      views.push({ ...member, state: one.state, at: whereItIs(one), updated, size });
    }
    return { name, barrier, waves, members: views };
  }

  /** The end of a stream, newest first. Where it ended last time is remembered: it is not read from its beginning. */
  async function newestEvents(stream: string): Promise<StoredEvent[]> {
    let newest: StoredEvent[] = [];
    for (let after = Math.max(0, (lastSequences.get(stream) ?? 0) - timelineLength); ; ) {
      const page = await engine.readStream(stream, after, 500);
      newest = [...newest, ...page].slice(-timelineLength);
      const last = page.at(-1);
      if (last !== undefined) after = last.sequence;
      if (page.length < 500) break;
    }
    const last = newest.at(-1);
    if (lastSequences.size > 1000) lastSequences.clear();
    if (last !== undefined) lastSequences.set(stream, last.sequence);
    return newest.reverse();
  }
}

/** Those that go together with it and have not ended; itself, whatever it is. */
async function liveMembers(tx: Tx, rollout: Rollout): Promise<Rollout[]> {
  const others = await readOthers(tx, rollout);
  return membersOf(rollout).flatMap((id) => {
    if (id === rollout.id) return [rollout];
    const other = others.get(id);
    return other === undefined || other.endedAtMs !== undefined ? [] : [other];
  });
}

export async function hostsById(tx: Tx): Promise<HostsById> {
  return new Map((await listHostOverviews(tx)).map((host) => [host.id, host]));
}
