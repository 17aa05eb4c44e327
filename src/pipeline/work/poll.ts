import { fixesInNews, positionOn, seqOf } from '../../blame/index.ts';
import * as blameRows from '../../blame/rows.ts';
import type { Enqueue, NewEffect, Proposal, Turn, View } from '../../engine/index.ts';
import { type NewEvent, rollway } from '../../model/index.ts';
import type { ReleaseFacts, RepositoryFacts, ServiceFacts } from '../facts.ts';
import { freshOnBranch, isRewritten, leavesOf, placeCommits } from '../news.ts';
import * as rows from '../rows.ts';
import { attemptConfigure } from './configure.ts';
import type { ReadConfigPayload, ReadGitPayload } from './effects.ts';
import { createdEvent, releaseAt } from './new-release.ts';
import { decideKind, effectKinds, type PipelineWorld, pollKind } from './world.ts';

/** How long Git may take before it is asked again although it did not answer. */
const readingLimitMs = 900_000;

/**
 * Brings a repository forward: stores the commits Git told of, advances its branches (each new commit of a branch
 * makes a release), takes in configurations, and asks for what is missing.
 */
export async function pollRepository(world: PipelineWorld, turn: Turn): Promise<void> {
  await turn.commit((view) => attemptStore(world, turn, view));
  await turn.commit((view) => attemptBranches(world, turn, view));
  await turn.commit((view) => attemptConfigure(world, turn, view));
  await turn.commit((view) => attemptAsk(world, turn, view));
}

/** Commits, and the fixes their trailers name. Only this work row writes commits, so their numbers need no guard. */
async function attemptStore(world: PipelineWorld, turn: Turn, view: View): Promise<Proposal<void> | undefined> {
  const repository = turn.key;
  const news = await rows.listNews(view.tx, repository);
  if (news.length === 0) return undefined;
  const graph = await blameRows.loadGraph(view.tx, world.graphs, repository);
  const placed = placeCommits(
    graph,
    news.flatMap(({ commits }) => commits),
  );
  if (placed.length === 0) return undefined;
  await view.guard('repository', repository);
  const speaking = placed.filter(({ trailers }) => trailers.fixes.length > 0);
  const marks = speaking.length === 0 ? [] : await blameRows.listLiveMarks(view.tx, repository);
  const fixes = fixesInNews(graph, marks, speaking);
  const actor = rollway('pipeline');
  return {
    bump: fixes.length > 0 ? [{ kind: 'repository', id: repository }] : [],
    write: async (tx) => {
      await blameRows.insertCommits(tx, repository, placed);
      for (const { mark, commit } of fixes)
        await blameRows.insertFix(tx, mark.id, commit, rollway('blame'), turn.nowMs);
    },
    events: fixes.map(({ mark, commit }) => {
      const sentence = `${commit.slice(0, 10)} says that it fixes ${mark.id}: builds that contain it are free.`;
      return {
        stream: `repository/${repository}`,
        type: 'mark.fixed',
        actor,
        data: { mark: mark.id, commit, sentence },
      };
    }),
    result: undefined,
  };
}

/** Heads of branches whose commits are all stored now. */
async function attemptBranches(world: PipelineWorld, turn: Turn, view: View): Promise<Proposal<void> | undefined> {
  const repository = await rows.findRepository(view.tx, turn.key);
  const news = await rows.listNews(view.tx, turn.key);
  if (repository === undefined || news.length === 0) return undefined;
  const graph = await blameRows.loadGraph(view.tx, world.graphs, repository.name);
  const services = await rows.listServicesOf(view.tx, repository.name);
  const heads = { ...repository.heads };
  const releases: ReleaseFacts[] = [];
  const searches: rows.ServiceSearch[] = [];
  const events: NewEvent[] = [];
  for (const { branch, tip } of news) {
    if (branch === undefined || !graph.seqOf.has(tip) || heads[branch] === tip) continue;
    const old = heads[branch];
    heads[branch] = tip;
    const fresh = freshOnBranch(graph, old, tip);
    const watching = services.filter((service) => service.branch === branch);
    for (const service of watching) {
      if (old !== undefined && isRewritten(graph, old, tip)) releases.push(...(await moved(view, service, graph, tip)));
      if (!(await isContinuous(view, service))) continue;
      const created = fresh.map((commit) => releaseAt(turn, graph, service, tip, commit, rollway('pipeline')));
      releases.push(...(await withWords(view, repository.name, created)));
    }
    if (fresh.includes(tip) && !releases.some(({ commit }) => commit === tip)) searches.push({ commit: tip, branch });
    const sentence = `${branch} is at ${tip.slice(0, 10)}: ${fresh.length} new.`;
    const data = { branch, from: old, to: tip, fresh: fresh.length, sentence };
    events.push({ stream: `repository/${repository.name}`, type: 'branch.moved', actor: rollway('pipeline'), data });
  }
  const asked = new Set(news.filter(({ branch }) => branch === undefined).map(({ tip }) => tip));
  const wantedTips = repository.wantedTips.filter((tip) => !asked.has(tip) || !graph.seqOf.has(tip));
  // A large history comes in parts: the next one is read at once.
  const isCut = news.some(({ tip, commits }) => commits.length > 0 && !graph.seqOf.has(tip));
  const touched = new Set(releases.map(({ service }) => service));
  for (const service of touched) await view.guard('pipeline', service);
  return {
    bump: [...touched].map((id) => ({ kind: 'pipeline' as const, id })),
    write: async (tx) => {
      const now = await rows.findRepository(tx, repository.name);
      const isReadWanted = now?.isReadWanted || isCut;
      if (now !== undefined) await rows.saveRepository(tx, { ...now, heads, wantedTips, isReadWanted });
      for (const release of releases) await rows.saveRelease(tx, release);
      for (const search of searches) await rows.insertSearch(tx, repository.name, search, turn.nowMs);
      await rows.deleteNews(
        tx,
        news.map(({ id }) => id),
      );
    },
    events: [...events, ...releases.filter(({ createdAtMs }) => createdAtMs === turn.nowMs).map(createdEvent)],
    work: [...touched].map((key) => ({ kind: decideKind, key })),
    result: undefined,
  };
}

async function isContinuous(view: View, service: ServiceFacts): Promise<boolean> {
  if (service.revision === undefined) return false;
  const spec = (await rows.listRevisions(view.tx, service.name, [service.revision])).get(service.revision);
  return spec?.pipeline.trigger === 'continuous';
}

/** Releases that stand elsewhere since the branch was rewritten. */
async function moved(
  view: View,
  service: ServiceFacts,
  graph: Parameters<typeof positionOn>[0],
  tip: string,
): Promise<ReleaseFacts[]> {
  const head = seqOf(graph, tip);
  const all = await rows.listReleasesBeyond(view.tx, service.name, -1);
  return all
    .map((release) => ({ ...release, position: positionOn(graph, head, seqOf(graph, release.commit)) }))
    .filter((release, n) => release.position !== all[n]?.position);
}

async function withWords(view: View, repository: string, releases: ReleaseFacts[]): Promise<ReleaseFacts[]> {
  const commits = await blameRows.listCommits(
    view.tx,
    repository,
    releases.map(({ commit }) => commit),
  );
  const words = new Map(commits.map((commit) => [commit.id, commit]));
  return releases.map((release) => {
    const { subject = '', author = '' } = words.get(release.commit) ?? {};
    return { ...release, subject, author };
  });
}

/** Asks Git when it is time, and for the configurations that are missing; sets the next reading's timer. */
async function attemptAsk(world: PipelineWorld, turn: Turn, view: View): Promise<Proposal<void> | undefined> {
  const repository = await rows.findRepository(view.tx, turn.key);
  if (repository === undefined) return undefined;
  const configs = await missingConfigs(view, repository);
  const isReading = repository.readingSinceMs !== undefined && repository.readingSinceMs + readingLimitMs > turn.nowMs;
  const dueAtMs = repository.polledAtMs === undefined ? turn.nowMs : repository.polledAtMs + repository.pollEveryMs;
  const isDue = !isReading && (repository.isReadWanted || dueAtMs <= turn.nowMs);
  const effects = configs.map((payload) => configEffect(turn, payload));
  if (isDue) effects.push(await readEffect(world, turn, view, repository));
  const next = isReading || isDue ? turn.nowMs + readingLimitMs : dueAtMs;
  const work: Enqueue[] = [{ kind: pollKind, key: repository.name, dueAtMs: next }];
  return {
    write: async (tx) => {
      for (const { commit, path } of configs)
        await rows.saveConfig(tx, repository.name, commit, path ?? undefined, undefined, turn.nowMs);
      const now = isDue ? await rows.findRepository(tx, repository.name) : undefined;
      if (now !== undefined) await rows.saveRepository(tx, { ...now, readingSinceMs: turn.nowMs, isReadWanted: false });
    },
    effects,
    work,
    result: undefined,
  };
}

async function missingConfigs(view: View, repository: RepositoryFacts): Promise<ReadConfigPayload[]> {
  const { name, location } = repository;
  const paths = new Map((await rows.listServicesOf(view.tx, name)).map((one) => [one.name, one.configPath]));
  const wanted = new Map<string, ReadConfigPayload>();
  for (const { commit, service } of await rows.listUnconfigured(view.tx, name)) {
    const path = paths.get(service) ?? null;
    wanted.set(`${commit} ${path ?? ''}`, { repository: name, location, commit, path });
  }
  for (const { commit } of await rows.listSearches(view.tx, name))
    wanted.set(`${commit} `, { repository: name, location, commit, path: null });
  const missing: ReadConfigPayload[] = [];
  for (const payload of wanted.values()) {
    const known = await rows.findConfig(view.tx, name, payload.commit, payload.path ?? undefined);
    if (known === undefined) missing.push(payload);
  }
  return missing;
}

function configEffect(turn: Turn, payload: ReadConfigPayload): NewEffect {
  const orderKey = `${payload.commit}/${payload.path ?? ''}`;
  return { id: turn.id('eff'), kind: effectKinds.readConfig, receiver: `git/${payload.repository}`, orderKey, payload };
}

async function readEffect(
  world: PipelineWorld,
  turn: Turn,
  view: View,
  repository: RepositoryFacts,
): Promise<NewEffect> {
  const graph = await blameRows.loadGraph(view.tx, world.graphs, repository.name);
  const services = await rows.listServicesOf(view.tx, repository.name);
  const branches = new Set([repository.branch, ...services.map(({ branch }) => branch)]);
  const { name, location, heads, wantedTips } = repository;
  const payload: ReadGitPayload = {
    repository: name,
    location,
    branches: Object.fromEntries([...branches].map((branch) => [branch, heads[branch] ?? null])),
    tips: wantedTips.filter((tip) => !graph.seqOf.has(tip)),
    known: [...new Set([...Object.values(heads), ...leavesOf(graph, 50)])],
  };
  return { id: turn.id('eff'), kind: effectKinds.readGit, receiver: `git/${name}`, orderKey: 'read', payload };
}
