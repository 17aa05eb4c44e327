import type { CommitGraph } from '../../blame/index.ts';
import * as blameRows from '../../blame/rows.ts';
import type { Proposal, Turn, View } from '../../engine/index.ts';
import { digestOf, stableJson } from '../../kit/index.ts';
import { type NewEvent, type Problem, problem, rollway, type ServiceSpec } from '../../model/index.ts';
import type { ReleaseFacts, RepositoryFacts, ServiceFacts } from '../facts.ts';
import type { ConfigResult } from '../ports.ts';
import * as rows from '../rows.ts';
import { createdEvent, releaseAt } from './new-release.ts';
import { decideKind, type PipelineWorld, pollKind } from './world.ts';

/** What the configurations that have been read change; written in one transaction. */
interface Changes {
  readonly services: Map<string, ServiceFacts>;
  readonly releases: Map<string, ReleaseFacts>;
  readonly revisions: { service: string; revision: number; digest: string; spec: ServiceSpec; commit: string }[];
  /** Undefined: what was wrong is right again. */
  readonly findings: Map<string, Problem | undefined>;
  readonly handled: rows.ServiceSearch[];
  readonly events: NewEvent[];
}

interface Context {
  readonly turn: Turn;
  readonly view: View;
  readonly repository: RepositoryFacts;
  readonly graph: CommitGraph;
  readonly changes: Changes;
}

/**
 * Takes in the configurations that were read: a release gets the pipeline revision of its own commit (P14: others
 * keep theirs), a service appears, or a release fails with the file and line that is wrong. Nothing is half-done.
 */
export async function attemptConfigure(
  world: PipelineWorld,
  turn: Turn,
  view: View,
): Promise<Proposal<void> | undefined> {
  const repository = await rows.findRepository(view.tx, turn.key);
  if (repository === undefined) return undefined;
  const graph = await blameRows.loadGraph(view.tx, world.graphs, repository.name);
  const known = await rows.listServicesOf(view.tx, repository.name);
  const changes: Changes = {
    services: new Map(known.map((service) => [service.name, service])),
    releases: new Map(),
    revisions: [],
    findings: new Map(),
    handled: [],
    events: [],
  };
  const context: Context = { turn, view, repository, graph, changes };
  for (const release of await rows.listUnconfigured(view.tx, repository.name)) await configureRelease(context, release);
  for (const search of await rows.listSearches(view.tx, repository.name)) await findService(context, search);
  return propose(context);
}

async function configureRelease(context: Context, release: ReleaseFacts): Promise<void> {
  const { view, changes } = context;
  const service = changes.services.get(release.service);
  if (service === undefined) return;
  const known = await rows.findConfig(view.tx, release.repository, release.commit, service.configPath);
  if (known?.answer === undefined) return;
  if (!known.answer.ok) {
    endBadly(context, release, 'failed', known.answer.error[0] ?? noReason(release.commit));
    return;
  }
  const { spec } = known.answer.value;
  if (spec.name !== service.name) {
    const detail = `At ${release.commit.slice(0, 10)} ${service.configPath} describes "${spec.name}".`;
    endBadly(context, release, 'cancelled', problem('spec/invalid', detail, { service: spec.name }));
    return;
  }
  if (spec.pipeline.trigger === 'manual' && !release.isNamed) {
    end(context, release, 'cancelled', 'Its pipeline starts only when a person says so (`trigger: manual`).');
    return;
  }
  await adopt(context, service, release, known.answer.value);
}

/** The release gets its revision; the newest one on the branch is what the service is from now on. */
async function adopt(
  context: Context,
  service: ServiceFacts,
  release: ReleaseFacts,
  { spec, path }: ConfigResult,
): Promise<void> {
  const { changes } = context;
  const revision = await revisionOf(context, service.name, spec, release.commit);
  changes.releases.set(release.id, { ...release, isConfigured: true, pipelineRevision: revision });
  changes.findings.set(`service/${service.name}`, undefined);
  if (!Number.isInteger(release.position)) return;
  changes.services.set(service.name, { ...service, revision, configPath: path, branch: spec.pipeline.branch });
}

async function revisionOf(
  { view, changes, turn }: Context,
  service: string,
  spec: ServiceSpec,
  commit: string,
): Promise<number> {
  const digest = digestOf(spec);
  const known = await rows.listRevisionDigests(view.tx, service);
  for (const made of changes.revisions) if (made.service === service) known.set(made.digest, made.revision);
  const same = known.get(digest);
  if (same !== undefined) return same;
  const revision = Math.max(0, ...known.values()) + 1;
  changes.revisions.push({ service, revision, digest, spec, commit });
  const sentence = `${service} has pipeline revision ${revision}: ${spec.pipeline.actions.map(({ name }) => name).join(', ')}.`;
  changes.events.push({
    stream: `pipeline/${service}`,
    type: 'pipeline.revised',
    actor: rollway('pipeline'),
    data: { revision, digest, commit, atMs: turn.nowMs, sentence },
  });
  return revision;
}

/** A head at which no release was made: a service may appear, or begin to want releases. */
async function findService(context: Context, search: rows.ServiceSearch): Promise<void> {
  const { view, repository, changes, turn, graph } = context;
  const known = await rows.findConfig(view.tx, repository.name, search.commit, undefined);
  if (known?.answer === undefined) return;
  changes.handled.push(search);
  const subject = `repository/${repository.name}`;
  if (!known.answer.ok) {
    const found = known.answer.error[0] ?? noReason(search.commit);
    // Of which commit: who has mended it since must not be told of it again.
    changes.findings.set(subject, { ...found, facts: { ...found.facts, commit: search.commit } });
    return;
  }
  const { spec, path } = known.answer.value;
  const other = await rows.findService(view.tx, spec.name);
  if (other !== undefined && other.repository !== repository.name) {
    const detail = `The service "${spec.name}" belongs to the repository ${other.repository}.`;
    changes.findings.set(subject, problem('service/name-taken', detail, { service: spec.name }));
    return;
  }
  changes.findings.set(subject, undefined);
  const { branch, trigger } = spec.pipeline;
  const service: ServiceFacts = changes.services.get(spec.name) ?? {
    name: spec.name,
    repository: repository.name,
    configPath: path,
    branch,
    revision: undefined,
    createdAtMs: turn.nowMs,
  };
  const revision = await revisionOf(context, spec.name, spec, search.commit);
  changes.services.set(spec.name, { ...service, revision, configPath: path, branch });
  if (other === undefined) changes.events.push(registeredEvent(repository, spec, path));
  const hasRelease = (await rows.listReleasesAt(view.tx, spec.name, search.commit)).length > 0;
  if (branch !== search.branch || trigger !== 'continuous' || hasRelease) return;
  const made = releaseAt(turn, graph, { ...service, revision }, search.commit, search.commit, rollway('pipeline'));
  const [words] = await blameRows.listCommits(view.tx, repository.name, [search.commit]);
  const { subject: line = '', author = '' } = words ?? {};
  const release = { ...made, subject: line, author, isConfigured: true, pipelineRevision: revision };
  changes.releases.set(release.id, release);
  changes.events.push(createdEvent(release));
}

function registeredEvent(repository: RepositoryFacts, spec: ServiceSpec, path: string): NewEvent {
  const sentence = `${spec.name} appeared in ${repository.name} (${path}).`;
  const data = { service: spec.name, path, sentence };
  return { stream: `repository/${repository.name}`, type: 'service.registered', actor: rollway('pipeline'), data };
}

function noReason(commit: string): Problem {
  return problem('spec/evaluation-failed', `The configuration at ${commit.slice(0, 10)} gave no answer.`);
}

/** The release ends, and its service shows what is wrong until a later commit is right. */
function endBadly(context: Context, release: ReleaseFacts, state: 'failed' | 'cancelled', found: Problem): void {
  const { changes } = context;
  changes.findings.set(`service/${release.service}`, found);
  changes.findings.set(`release/${release.id}`, found);
  end(context, release, state, `${found.title}: ${found.detail}`);
}

function end(context: Context, release: ReleaseFacts, state: 'failed' | 'cancelled', reason: string): void {
  const { changes, turn } = context;
  changes.releases.set(release.id, { ...release, state, reason, endedAtMs: turn.nowMs });
  changes.events.push({
    stream: `release/${release.id}`,
    type: `release.${state}`,
    actor: rollway('pipeline'),
    data: { reason, sentence: `${release.commit.slice(0, 10)} "${release.subject}": ${reason}` },
  });
}

async function propose({ view, turn, repository, changes }: Context): Promise<Proposal<void> | undefined> {
  const { releases, services, revisions, findings, handled, events } = changes;
  if (releases.size === 0 && handled.length === 0) return undefined;
  const touched = new Set([...releases.values()].map(({ service }) => service));
  for (const { service } of revisions) touched.add(service);
  for (const service of touched) await view.guard('pipeline', service);
  return {
    bump: [...touched].map((id) => ({ kind: 'pipeline' as const, id })),
    write: async (tx) => {
      for (const { service, revision, digest, spec, commit } of revisions)
        await rows.insertRevision(tx, service, revision, digest, stableJson(spec), commit, turn.nowMs);
      for (const service of services.values()) await rows.saveService(tx, service);
      for (const release of releases.values()) await rows.saveRelease(tx, release);
      for (const search of handled) await rows.deleteSearch(tx, repository.name, search);
      const taken = [...[...releases.values()].map(({ commit }) => commit), ...handled.map(({ commit }) => commit)];
      await rows.deleteConfigs(tx, repository.name, taken);
      for (const [subject, found] of findings) {
        if (found === undefined) await rows.deleteFinding(tx, subject);
        else await rows.saveFinding(tx, subject, found, turn.nowMs);
      }
    },
    events,
    work: [
      ...[...touched].map((key) => ({ kind: decideKind, key })),
      // A branch that a new service watches may have to be read.
      { kind: pollKind, key: repository.name },
    ],
    result: undefined,
  };
}
