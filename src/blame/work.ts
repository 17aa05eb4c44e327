import {
  type CommandRow,
  type Enqueue,
  type Proposal,
  pendingCommands,
  type Turn,
  type View,
  type WorkKind,
} from '../engine/index.ts';
import {
  type CommitId,
  err,
  type MarkId,
  ok,
  type Problem,
  problem,
  type Result,
  rollway,
  type ServiceName,
  type VersionId,
} from '../model/index.ts';
import * as pipelineRows from '../pipeline/rows.ts';
import { listJobsOfService } from '../rollout/rows.ts';
import type { Tx } from '../store/index.ts';
import { carriersOf, markTest } from './carriers.ts';
import {
  decideMarkCommand,
  decideRequest,
  isLive,
  type KnownMark,
  type MarkChange,
  type MarkCommand,
  type MarksState,
  type RequestOutcome,
} from './decide-marks.ts';
import type { MarkRequest } from './facts.ts';
import type { CommitGraph, CommitGraphs } from './graph.ts';
import * as rows from './rows.ts';
import { echoesIn } from './undone.ts';
import { eventOf, eventOfRequest } from './work/events.ts';

/** The work kind that owns the marks of a repository (key: its name; guard: repository/<name>). */
export const markKind = 'blame/mark';

export interface BlameWorld {
  readonly graphs: CommitGraphs;
}

/** Decides wishes of failed rollouts and commands of people, and writes marks with who carries them. */
export function blameWork(world: BlameWorld): WorkKind[] {
  return [{ kind: markKind, run: (turn) => turn.commit((view) => attemptMarks(world, turn, view)) as Promise<void> }];
}

interface Progress {
  state: MarksState;
  readonly changes: MarkChange[];
  readonly outcomes: { readonly request: MarkRequest; readonly outcome: RequestOutcome }[];
  readonly answers: { readonly id: string; readonly ok: boolean; readonly detail: string }[];
}

async function attemptMarks(world: BlameWorld, turn: Turn, view: View): Promise<Proposal<void> | undefined> {
  const repository = turn.key;
  const { tx } = view;
  await view.guard('repository', repository);
  const requests = await rows.listOpenRequests(tx, repository);
  const commands = await pendingCommands(tx, markKind, repository);
  if (requests.length === 0 && commands.length === 0) return undefined;

  const graph = await rows.loadGraph(tx, world.graphs, repository);
  const progress: Progress = {
    state: await loadState(tx, repository, graph, requests, commands),
    changes: [],
    outcomes: [],
    answers: [],
  };
  for (const request of requests) {
    const outcome = decideRequest(progress.state, request, turn.id('mark'), turn.nowMs);
    if (outcome.kind !== 'wait' || outcome.reason !== request.waitsFor) progress.outcomes.push({ request, outcome });
    if (outcome.kind === 'marked' && outcome.isNew) take(progress, { kind: 'created', mark: outcome.mark }, turn.nowMs);
  }
  for (const row of commands) {
    const command = await readCommand(tx, repository, row);
    const done = command.ok
      ? decideMarkCommand(progress.state, command.value, row.actor, turn.id('mark'), turn.nowMs)
      : command;
    if (done.ok) take(progress, done.value.change, turn.nowMs);
    const detail = done.ok ? done.value.detail : `${done.error.detail} ${done.error.remedy}`;
    progress.answers.push({ id: row.id, ok: done.ok, detail });
  }
  return propose(turn, tx, progress);
}

/** Later requests and commands of the same turn see what the earlier ones did. */
function take(progress: Progress, change: MarkChange, nowMs: number): void {
  const mark = afterChange(change, nowMs);
  progress.changes.push({ ...change, mark });
  const marks = [...progress.state.marks.filter(({ id }) => id !== mark.id), mark];
  progress.state = { ...progress.state, marks };
}

function afterChange(change: MarkChange, nowMs: number): KnownMark {
  if (change.kind === 'cleared')
    return { ...change.mark, cleared: { by: change.by, reason: change.reason, atMs: nowMs } };
  if (change.kind === 'fixed') return { ...change.mark, fixes: [...new Set([...change.mark.fixes, change.commit])] };
  return change.mark;
}

async function loadState(
  tx: Tx,
  repository: string,
  graph: CommitGraph,
  requests: readonly MarkRequest[],
  commands: readonly CommandRow[],
): Promise<MarksState> {
  const speaking = await rows.listSpeakingCommits(tx, repository);
  const marks = await rows.listLiveMarks(tx, repository);
  for (const { arguments: given } of commands) {
    if (typeof given.mark !== 'string' || marks.some(({ id }) => id === given.mark)) continue;
    const mark = await rows.findMark(tx, given.mark as MarkId);
    if (mark?.repository === repository) marks.push(mark);
  }
  const versions = new Set<VersionId>(requests.flatMap(({ version, facts }) => [version, ...facts.oldVersions]));
  for (const { arguments: given } of commands)
    if (typeof given.version === 'string') versions.add(given.version as VersionId);
  return {
    repository,
    graph,
    echoes: echoesIn(graph, speaking),
    claims: speaking,
    marks,
    services: (await pipelineRows.listServicesOf(tx, repository)).map(({ name }) => name),
    versions: new Map((await pipelineRows.listVersions(tx, [...versions])).map((version) => [version.id, version])),
  };
}

/** A person's command as it was written down, with short commit ids made long. */
async function readCommand(tx: Tx, repository: string, row: CommandRow): Promise<Result<MarkCommand, Problem>> {
  const given = row.arguments;
  const reason = row.reason ?? '';
  const mark = given.mark as MarkId;
  switch (row.name) {
    case 'mark': {
      const commits: CommitId[] = [];
      for (const text of given.commits as readonly string[]) {
        const found = await resolveCommit(tx, repository, text);
        if (!found.ok) return found;
        commits.push(found.value);
      }
      return ok({
        name: 'mark',
        commits,
        targets: (given.targets as readonly ServiceName[] | undefined) ?? [],
        reason,
      });
    }
    case 'clear':
      return ok({ name: 'clear', mark, reason });
    case 'fix': {
      const commit = await resolveCommit(tx, repository, given.commit as string);
      return commit.ok ? ok({ name: 'fix', mark, commit: commit.value, reason }) : commit;
    }
    case 'override':
      if (reason.trim() === '') return err(problem('rollout/needs-reason', 'An override needs a reason.'));
      return ok({ name: 'override', mark, version: given.version as VersionId, reason });
    default:
      return err(problem('api/bad-request', `Marks know no command "${row.name}".`));
  }
}

async function resolveCommit(tx: Tx, repository: string, text: string): Promise<Result<CommitId>> {
  const [found, other] = await rows.findCommitsByPrefix(tx, repository, text.toLowerCase());
  if (found !== undefined && other === undefined) return ok(found);
  const why = found === undefined ? `${text} is not a known commit of` : `${text} may mean several commits of`;
  return err(problem('git/unknown-commit', `${why} ${repository}.`, { commit: text }));
}

// ---------------------------------------------------------------- what is committed

async function propose(turn: Turn, tx: Tx, progress: Progress): Promise<Proposal<void> | undefined> {
  const { state, changes, outcomes, answers } = progress;
  if (changes.length === 0 && outcomes.length === 0 && answers.length === 0) return undefined;
  const repository = turn.key;
  const touched = new Map(changes.map(({ mark }) => [mark.id, state.marks.find(({ id }) => id === mark.id) ?? mark]));
  const carriers = new Map<MarkId, VersionId[]>();
  for (const mark of touched.values()) carriers.set(mark.id, await findCarriers(tx, state, mark));
  return {
    bump: [{ kind: 'repository', id: repository }],
    write: async (writer) => {
      for (const change of changes) await writeChange(writer, change, turn.nowMs);
      for (const [mark, versions] of carriers) await rows.replaceCarriers(writer, mark, versions);
      for (const { request, outcome } of outcomes) await writeOutcome(writer, request, outcome);
    },
    answers,
    events: [
      ...changes.map((change) => eventOf(repository, change, carriers.get(change.mark.id)?.length ?? 0)),
      ...outcomes.flatMap(({ request, outcome }) => eventOfRequest(repository, request, outcome)),
    ],
    work: await affectedWork(tx, [...touched.values()], outcomes),
    result: undefined,
  };
}

async function findCarriers(tx: Tx, state: MarksState, mark: KnownMark): Promise<VersionId[]> {
  if (!isLive(mark)) return [];
  const builds = await pipelineRows.listBuilds(tx, mark.repository, mark.targets);
  return carriersOf(state.graph, markTest(state.graph, mark, state.echoes), builds);
}

async function writeChange(tx: Tx, change: MarkChange, nowMs: number): Promise<void> {
  const { mark } = change;
  switch (change.kind) {
    case 'created':
      await rows.insertMark(tx, mark);
      for (const commit of mark.fixes) await rows.insertFix(tx, mark.id, commit, rollway('blame'), nowMs);
      return;
    case 'cleared':
      return rows.updateMarkCleared(tx, mark.id, { by: change.by, reason: change.reason, atMs: nowMs });
    case 'fixed':
      return rows.insertFix(tx, mark.id, change.commit, change.by, nowMs);
    case 'overridden': {
      const { version, by, reason } = change;
      return rows.insertOverride(tx, { mark: mark.id, version, by, reason, atMs: nowMs });
    }
  }
}

async function writeOutcome(tx: Tx, request: MarkRequest, outcome: RequestOutcome): Promise<void> {
  if (outcome.kind === 'marked') await rows.updateRequest(tx, request.rollout, 'marked', outcome.mark.id);
  else await rows.updateRequest(tx, request.rollout, outcome.kind === 'wait' ? 'open' : 'refused', outcome.reason);
}

/** Pipelines of the targets, and all their jobs: a rollout of a carrier has failed, whatever its environment. */
async function affectedWork(tx: Tx, marks: readonly KnownMark[], outcomes: Progress['outcomes']): Promise<Enqueue[]> {
  const services = new Set(marks.flatMap(({ targets }) => targets));
  for (const { request } of outcomes) services.add(request.service);
  const work: Enqueue[] = [];
  for (const service of services) {
    work.push({ kind: 'pipeline/decide', key: service });
    for (const job of await listJobsOfService(tx, service))
      work.push({ kind: 'job/decide', key: job.id, urgent: true });
  }
  return work;
}
