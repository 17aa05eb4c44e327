import {
  type Actor,
  actorName,
  type CommitId,
  err,
  type Mark,
  type MarkId,
  ok,
  problem,
  type Result,
  rollway,
  type ServiceName,
  type Version,
  type VersionId,
} from '../model/index.ts';
import { candidatesOf } from './candidates.ts';
import { carries, markTest } from './carriers.ts';
import { ruleOnMark } from './conditions.ts';
import type { MarkRequest, SourceCommit } from './facts.ts';
import { checkFix, fixesByTrailer } from './fixes.ts';
import type { CommitGraph } from './graph.ts';
import type { Echo } from './undone.ts';

/** A mark with the build in which it was seen; none when a person made it. */
export interface KnownMark extends Omit<Mark, 'reverts'> {
  readonly seenIn: CommitId | undefined;
}

/** What a person may tell a repository's marks; decided by `blame/mark`. Commits are full ids here. */
export type MarkCommand =
  | {
      readonly name: 'mark';
      readonly commits: readonly CommitId[];
      readonly targets: readonly ServiceName[];
      readonly reason: string;
    }
  | { readonly name: 'clear'; readonly mark: MarkId; readonly reason: string }
  | { readonly name: 'fix'; readonly mark: MarkId; readonly commit: CommitId; readonly reason: string | undefined }
  | { readonly name: 'override'; readonly mark: MarkId; readonly version: VersionId; readonly reason: string };

/** What a decision about the marks of one repository looks at. */
export interface MarksState {
  readonly repository: string;
  readonly graph: CommitGraph;
  readonly echoes: readonly Echo[];
  /** Commits that say by a trailer that they fix something. */
  readonly claims: readonly Pick<SourceCommit, 'id' | 'trailers'>[];
  /** Live ones, and those that commands name. */
  readonly marks: readonly KnownMark[];
  readonly services: readonly ServiceName[];
  /** Those that requests and commands name. */
  readonly versions: ReadonlyMap<VersionId, Pick<Version, 'id' | 'service' | 'commit'>>;
}

/** One change to the marks, to be written with the carriers that follow from it. */
export type MarkChange =
  | { readonly kind: 'created'; readonly mark: KnownMark }
  | { readonly kind: 'cleared'; readonly mark: KnownMark; readonly by: Actor; readonly reason: string }
  | { readonly kind: 'fixed'; readonly mark: KnownMark; readonly commit: CommitId; readonly by: Actor }
  | {
      readonly kind: 'overridden';
      readonly mark: KnownMark;
      readonly version: VersionId;
      readonly by: Actor;
      readonly reason: string;
    };

/** What becomes of a failed rollout's wish for a mark. */
export type RequestOutcome =
  | { readonly kind: 'marked'; readonly mark: KnownMark; readonly isNew: boolean }
  | { readonly kind: 'refused'; readonly reason: string; readonly needsPerson: boolean }
  | { readonly kind: 'wait'; readonly reason: string };

/** Decides a failed rollout's wish for a mark by its facts. */
export function decideRequest(state: MarksState, request: MarkRequest, id: MarkId, nowMs: number): RequestOutcome {
  const ruling = ruleOnMark(request.facts);
  if (ruling.kind === 'wait') return ruling;
  if (ruling.kind === 'refuse') return { kind: 'refused', reason: ruling.reason, needsPerson: false };
  const bad = state.versions.get(request.version);
  const old = request.facts.oldVersions.map((version) => state.versions.get(version));
  if (bad === undefined || old.includes(undefined))
    return { kind: 'refused', reason: 'the commits of its versions are not known', needsPerson: true };

  const known = state.marks.find((mark) => isLive(mark) && explains(state, mark, bad));
  if (known !== undefined) return { kind: 'marked', mark: known, isNew: false };
  const oldCommits = old.map((version) => version!.commit);
  const candidates = candidatesOf(state.graph, bad.commit, oldCommits);
  if (candidates.length === 0)
    return { kind: 'refused', reason: 'it contains no commit that the old versions did not have', needsPerson: true };
  return {
    kind: 'marked',
    isNew: true,
    mark: withClaims(state, {
      id,
      repository: state.repository,
      candidates,
      targets: [request.service],
      fixes: [],
      evidence: request.facts.evidence,
      seenIn: bad.commit,
      rollout: request.rollout,
      release: request.release,
      createdBy: rollway('blame'),
      createdAtMs: nowMs,
      cleared: undefined,
    }),
  };
}

/** Decides a person's command; what it does, and in words. */
export function decideMarkCommand(
  state: MarksState,
  command: MarkCommand,
  actor: Actor,
  id: MarkId,
  nowMs: number,
): Result<{ readonly change: MarkChange; readonly detail: string }> {
  if (command.name === 'mark') return decideNewMark(state, command, actor, id, nowMs);
  const mark = state.marks.find((one) => one.id === command.mark);
  if (mark === undefined)
    return err(problem('mark/unknown', `There is no mark ${command.mark}.`, { mark: command.mark }));
  if (!isLive(mark)) return err(problem('mark/cleared', `${mark.id} is cleared already.`, { mark: mark.id }));
  switch (command.name) {
    case 'clear':
      return ok({
        change: { kind: 'cleared', mark, by: actor, reason: command.reason },
        detail: `${mark.id} blocks nothing any more.`,
      });
    case 'fix': {
      const fix = checkFix(state.graph, mark, command.commit);
      if (!fix.ok) return fix;
      return ok({
        change: { kind: 'fixed', mark, commit: fix.value, by: actor },
        detail: `Builds that contain ${fix.value.slice(0, 10)} are free of ${mark.id}.`,
      });
    }
    case 'override':
      if (!state.versions.has(command.version))
        return err(problem('api/not-found', `There is no version ${command.version}.`, { version: command.version }));
      return ok({
        change: { kind: 'overridden', mark, version: command.version, by: actor, reason: command.reason },
        detail: `${command.version} may be deployed in spite of ${mark.id}.`,
      });
  }
}

function decideNewMark(
  state: MarksState,
  command: Extract<MarkCommand, { name: 'mark' }>,
  actor: Actor,
  id: MarkId,
  nowMs: number,
): Result<{ readonly change: MarkChange; readonly detail: string }> {
  const unknown = command.commits.find((commit) => !state.graph.seqOf.has(commit));
  if (unknown !== undefined)
    return err(problem('git/unknown-commit', `${unknown} is not in ${state.repository}.`, { commit: unknown }));
  const foreign = command.targets.find((service) => !state.services.includes(service));
  if (foreign !== undefined)
    return err(problem('service/unknown', `${state.repository} has no service "${foreign}".`, { service: foreign }));
  const targets = command.targets.length > 0 ? command.targets : state.services;
  const mark = withClaims(state, {
    id,
    repository: state.repository,
    candidates: [...new Set(command.commits)],
    targets,
    fixes: [],
    evidence: `${actorName(actor)}: ${command.reason}`,
    seenIn: undefined,
    rollout: undefined,
    release: undefined,
    createdBy: actor,
    createdAtMs: nowMs,
    cleared: undefined,
  });
  return ok({
    change: { kind: 'created', mark },
    detail: `${id} blocks builds of ${targets.join(', ')} that contain it.`,
  });
}

export function isLive(mark: KnownMark): boolean {
  return mark.cleared === undefined;
}

/** A build that already carries a live mark needs no second one: the known candidates explain its failure. */
function explains(state: MarksState, mark: KnownMark, build: Pick<Version, 'id' | 'service' | 'commit'>): boolean {
  return carries(state.graph, markTest(state.graph, mark, state.echoes), build);
}

/** Commits that said they fix one of the candidates before the mark was made. */
function withClaims(state: MarksState, mark: KnownMark): KnownMark {
  return { ...mark, fixes: fixesByTrailer(state.graph, mark, state.claims) };
}

/** New commits that fix live marks by their trailers. */
export function fixesInNews(
  graph: CommitGraph,
  marks: readonly KnownMark[],
  news: readonly Pick<SourceCommit, 'id' | 'trailers'>[],
): { readonly mark: KnownMark; readonly commit: CommitId }[] {
  return marks
    .filter(isLive)
    .flatMap((mark) => fixesByTrailer(graph, mark, news).map((commit) => ({ mark, commit })))
    .filter(({ mark, commit }) => !mark.fixes.includes(commit));
}
