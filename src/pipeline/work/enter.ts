import type { CommitGraph, CommitGraphs } from '../../blame/index.ts';
import * as blameRows from '../../blame/rows.ts';
import type { Proposal, Turn, View } from '../../engine/index.ts';
import {
  type ActionSpec,
  type Actor,
  actorName,
  type CommitId,
  err,
  type HoldFor,
  ok,
  problem,
  type Result,
} from '../../model/index.ts';
import type { ReleaseFacts, RepositoryFacts, ServiceFacts } from '../facts.ts';
import { isOlder } from '../order.ts';
import * as rows from '../rows.ts';
import { createdEvent, releaseAt } from './new-release.ts';
import { decideKind, pollKind } from './world.ts';

type DeployAction = Extract<ActionSpec, { type: 'deploy' }>;

/** What enters the pipeline from outside; each is an attempt for `Engine.commitAs(actor, …)`. */
export type Entry<T> = (view: View) => Promise<Proposal<Result<T>>>;

/** A turn's names and time, for edges that have no turn. */
export type EntryNames = Pick<Turn, 'id' | 'nowMs'>;

export interface RepositoryWish {
  readonly name: string;
  readonly location: string;
  readonly branch: string;
  readonly pollEveryMs: number;
}

/** Watches a repository. The same name and location again is no mistake; another location is. */
export function registerRepository(names: EntryNames, wish: RepositoryWish, actor: Actor): Entry<RepositoryFacts> {
  return async (view) => {
    await view.guard('repository', wish.name);
    const known = await rows.findRepository(view.tx, wish.name);
    if (known !== undefined && known.location !== wish.location) {
      const detail = `${wish.name} is watched at ${known.location}.`;
      return { result: err(problem('repository/exists', detail, { name: wish.name })) };
    }
    if (known !== undefined) return { work: [{ kind: pollKind, key: wish.name }], result: ok(known) };
    const repository: RepositoryFacts = {
      ...wish,
      createdAtMs: names.nowMs,
      heads: {},
      polledAtMs: undefined,
      readingSinceMs: undefined,
      isReadWanted: true,
      wantedTips: [],
    };
    const sentence = `${wish.name} is watched: ${wish.location}, branch ${wish.branch}.`;
    const data = { location: wish.location, branch: wish.branch, sentence };
    return {
      bump: [{ kind: 'repository', id: wish.name }],
      write: (tx) => rows.saveRepository(tx, repository),
      events: [{ stream: `repository/${wish.name}`, type: 'repository.registered', actor, data }],
      work: [{ kind: pollKind, key: wish.name }],
      result: ok(repository),
    };
  };
}

/** Reads a repository now; `tip`: also this commit, which may be on no watched branch. */
export function readRepository(name: string, tip: CommitId | undefined): Entry<RepositoryFacts> {
  return async ({ tx }) => {
    const repository = await rows.findRepository(tx, name);
    if (repository === undefined)
      return { result: err(problem('repository/unknown', `There is no repository ${name}.`, { name })) };
    return {
      write: (writer) => rows.wantReading(writer, name, tip),
      work: [{ kind: pollKind, key: name, urgent: true }],
      result: ok(repository),
    };
  };
}

export interface DeployWish {
  readonly service: string;
  /** At least 7 digits. */
  readonly commit: string;
  /** Go no further than this environment. */
  readonly onlyTo: string | undefined;
  readonly holdAfter: string | undefined;
  /** How long, and what then; left out: until a person ends it. */
  readonly holdFor?: HoldFor | undefined;
  /** Its rollouts are not undone by themselves; needs a reason. */
  readonly forwardOnly?: boolean | undefined;
  readonly reason: string | undefined;
}

/**
 * A person names a commit to be released. A release of it that is under way is taken (and named); otherwise a new one
 * begins, at the commit's place in the order. `git/unknown-commit`: read the repository first (`readRepository`).
 */
export function nameRelease(
  graphs: CommitGraphs,
  names: EntryNames,
  wish: DeployWish,
  actor: Actor,
): Entry<ReleaseFacts> {
  return async (view) => {
    const service = await rows.findService(view.tx, wish.service);
    if (service === undefined)
      return {
        result: err(problem('service/unknown', `There is no service ${wish.service}.`, { service: wish.service })),
      };
    await view.guard('pipeline', service.name);
    const refused = await findMistake(view, service, wish);
    if (refused !== undefined) return { result: refused };
    const [commit, other] = await blameRows.findCommitsByPrefix(view.tx, service.repository, wish.commit.toLowerCase());
    if (commit === undefined || other !== undefined) {
      const detail = commit === undefined ? 'is not known in' : 'may mean several commits of';
      const text = `${wish.commit} ${detail} ${service.repository}.`;
      return { result: err(problem('git/unknown-commit', text, { commit: wish.commit })) };
    }
    const release = await releaseFor(view, graphs, names, service, commit, wish, actor);
    const newer = await findOvertaken(view, service, wish, release);
    if (newer !== undefined) return { result: newer };
    const late = await findTooLate(view, service, wish, release);
    if (late !== undefined) return { result: late };
    const sentence = `Asked for ${commit.slice(0, 10)}${wish.reason ? `: ${wish.reason}` : ''}`;
    const { onlyTo, holdAfter, holdFor, forwardOnly, reason } = wish;
    const data = { onlyTo, holdAfter, holdFor, forwardOnly, reason, sentence };
    const isNew = release.createdAtMs === names.nowMs;
    return {
      bump: [{ kind: 'pipeline', id: service.name }],
      write: (tx) => rows.saveRelease(tx, release),
      events: [
        ...(isNew ? [createdEvent(release)] : []),
        { stream: `release/${release.id}`, type: 'release.named', actor, data },
      ],
      work: [
        { kind: decideKind, key: service.name, urgent: true },
        { kind: pollKind, key: service.repository, urgent: true },
      ],
      result: ok(release),
    };
  };
}

/** Deploy actions of the service's newest pipeline revision; a release may turn out to have others. */
async function deploymentsOf(view: View, service: ServiceFacts): Promise<DeployAction[]> {
  if (service.revision === undefined) return [];
  const spec = (await rows.listRevisions(view.tx, service.name, [service.revision])).get(service.revision);
  return spec?.pipeline.actions.filter((action) => action.type === 'deploy') ?? [];
}

/** P4: what would overwrite something newer everywhere is refused before anything is built. */
async function findOvertaken(
  view: View,
  service: ServiceFacts,
  wish: DeployWish,
  release: ReleaseFacts,
): Promise<Result<never> | undefined> {
  const all = (await deploymentsOf(view, service)).map(({ environment }) => environment);
  const targets = wish.onlyTo === undefined ? all : [wish.onlyTo];
  const newer: string[] = [];
  for (const environment of targets) {
    const holder = await rows.findHolder(view.tx, service.name, environment);
    if (holder !== undefined && isOlder(release, holder.release)) newer.push(`${environment} has ${holder.release.id}`);
  }
  if (newer.length === 0 || newer.length < targets.length) return undefined;
  return err(problem('release/superseded', `${release.commit.slice(0, 10)} is older: ${newer.join(', ')}.`));
}

/** A rollout that has begun does not learn any more where it is to stop: a person pauses it. */
async function findTooLate(
  view: View,
  service: ServiceFacts,
  { holdAfter, forwardOnly }: DeployWish,
  release: ReleaseFacts,
): Promise<Result<never> | undefined> {
  if (holdAfter === undefined && forwardOnly !== true) return undefined;
  const runs = await rows.listRuns(view.tx, service.name, [release.id]);
  const rolling = runs.find((run) => run.rollout !== undefined && run.endedAtMs === undefined);
  if (rolling === undefined) return undefined;
  const detail = `${release.commit.slice(0, 10)} is rolling out already (${rolling.rollout}).`;
  return err(problem('release/already-rolling', detail, { rollout: rolling.rollout, holdAfter }));
}

async function findMistake(view: View, service: ServiceFacts, wish: DeployWish): Promise<Result<never> | undefined> {
  const { onlyTo, holdAfter } = wish;
  if (service.revision === undefined) return undefined;
  const all = await deploymentsOf(view, service);
  const wanted = onlyTo === undefined ? all : all.filter(({ environment }) => environment === onlyTo);
  if (onlyTo !== undefined && wanted.length === 0) {
    const targets = all.map(({ environment }) => environment).join(', ') || 'nowhere';
    const detail = `${service.name} deploys to ${targets}, not to "${onlyTo}".`;
    return err(problem('pipeline/no-such-target', detail, { environment: onlyTo }));
  }
  const plans = wanted.flatMap(({ plan, plans: ofJobs }) => (ofJobs === undefined ? [plan] : Object.values(ofJobs)));
  const phases = new Set(plans.flatMap((plan) => plan.phases.map(({ name }) => name)));
  if (holdAfter === undefined || phases.has(holdAfter)) return undefined;
  const detail = `No rollout of ${service.name} has a phase "${holdAfter}"; there are ${[...phases].join(', ')}.`;
  return err(problem('pipeline/no-such-target', detail, { holdAfter }));
}

async function releaseFor(
  view: View,
  graphs: CommitGraphs,
  names: EntryNames,
  service: ServiceFacts,
  commit: CommitId,
  wish: DeployWish,
  actor: Actor,
): Promise<ReleaseFacts> {
  const forwardOnly = wish.forwardOnly === true ? `${actorName(actor)}: ${wish.reason ?? ''}` : undefined;
  const named = { isNamed: true, holdAfter: wish.holdAfter, holdFor: wish.holdFor, onlyTo: wish.onlyTo };
  const live = (await rows.listReleasesAt(view.tx, service.name, commit)).find((one) => one.endedAtMs === undefined);
  // Asked for again without a place to hold: the one that was asked for stands.
  if (live !== undefined) {
    const { holdAfter, holdFor } = wish.holdAfter === undefined ? live : wish;
    return { ...live, ...named, holdAfter, holdFor, forwardOnly: forwardOnly ?? live.forwardOnly };
  }
  const graph: CommitGraph = await blameRows.loadGraph(view.tx, graphs, service.repository);
  const heads = (await rows.findRepository(view.tx, service.repository))?.heads ?? {};
  const head = heads[service.branch];
  const made = releaseAt(names, graph, service, head ?? commit, commit, actor);
  const [words] = await blameRows.listCommits(view.tx, service.repository, [commit]);
  return { ...made, ...named, forwardOnly, subject: words?.subject ?? '', author: words?.author ?? '' };
}
