import type { EffectKind, EffectOutcome, LeasedEffect } from '../../engine/index.ts';
import type { ActionRunId, CommitId, HostId, Problem, ReleaseId, ServiceName } from '../../model/index.ts';
import type { SourceState } from '../facts.ts';
import type { ActionOrder } from '../ports.ts';
import * as rows from '../rows.ts';
import { decideKind, effectKinds, type PipelineWorld, pollKind } from './world.ts';

/** Commits of one branch read at a time; a large history comes in parts. */
const commitsAtOnce = 5000;

export interface ReadGitPayload {
  readonly repository: string;
  readonly location: string;
  /** Watched branches and the head that is known of each; null: none yet. */
  readonly branches: Readonly<Record<string, CommitId | null>>;
  /** Commits that are wanted and on none of them. */
  readonly tips: readonly CommitId[];
  readonly known: readonly CommitId[];
}

export interface ReadConfigPayload {
  readonly repository: string;
  readonly location: string;
  readonly commit: CommitId;
  readonly path: string | null;
}

export interface PackSourcePayload {
  readonly service: ServiceName;
  readonly location: string;
  readonly release: ReleaseId;
  readonly commit: CommitId;
}

export interface RunActionPayload {
  readonly host: HostId;
  readonly order: ActionOrder;
}

export interface CancelActionPayload {
  readonly host: HostId;
  readonly run: ActionRunId;
}

/** What the pipeline wants done outside. All may be done twice: reading changes nothing, agents know run ids. */
export function pipelineEffects(world: PipelineWorld, nowMs: () => number): EffectKind[] {
  const { runner } = world;
  return [
    { kind: effectKinds.readGit, safeToRepeat: true, run: (effect) => readGit(world, effect, nowMs) },
    { kind: effectKinds.readConfig, safeToRepeat: true, run: (effect) => readConfig(world, effect, nowMs) },
    { kind: effectKinds.packSource, safeToRepeat: true, run: (effect) => packSource(world, effect, nowMs) },
    {
      kind: effectKinds.runAction,
      safeToRepeat: true,
      run: async ({ payload, signal }) => {
        const { host, order } = payload as RunActionPayload;
        await runner.run(host, order, signal);
        return {};
      },
    },
    {
      kind: effectKinds.cancelAction,
      safeToRepeat: true,
      run: async ({ payload, signal }) => {
        const { host, run } = payload as CancelActionPayload;
        await runner.cancel(host, run, signal);
        return {};
      },
    },
  ];
}

async function readGit(world: PipelineWorld, effect: LeasedEffect, nowMs: () => number): Promise<EffectOutcome> {
  const { repository, location, branches, tips, known } = effect.payload as ReadGitPayload;
  const news: rows.GitNews[] = [];
  let failure: Problem | undefined;
  const read = async (branch: string | undefined, tip: CommitId) => {
    const commits = await world.git.commitsSince(location, tip, known, commitsAtOnce, effect.signal);
    if (commits.ok) news.push({ id: `${effect.id}/${news.length}`, branch, tip, commits: commits.value });
    else failure = commits.error;
  };
  for (const [branch, head] of Object.entries(branches)) {
    const found = await world.git.headOf(location, branch, effect.signal);
    if (!found.ok) failure = found.error;
    else if (found.value !== head) await read(branch, found.value);
  }
  for (const tip of tips) await read(undefined, tip);

  return {
    write: async (tx) => {
      const atMs = nowMs();
      for (const one of news) await rows.insertNews(tx, repository, one, atMs);
      await rows.endReading(tx, repository, atMs);
      const subject = `repository/${repository}`;
      if (failure !== undefined) await rows.saveFinding(tx, subject, failure, atMs);
      else await rows.deleteGitFinding(tx, subject);
    },
    work: [{ kind: pollKind, key: repository }],
  };
}

async function readConfig(world: PipelineWorld, effect: LeasedEffect, nowMs: () => number): Promise<EffectOutcome> {
  const { repository, location, commit, path } = effect.payload as ReadConfigPayload;
  const answer = await world.config.read(location, commit, path ?? undefined, effect.signal);
  return {
    write: (tx) => rows.saveConfig(tx, repository, commit, path ?? undefined, answer, nowMs()),
    work: [{ kind: pollKind, key: repository }],
  };
}

async function packSource(world: PipelineWorld, effect: LeasedEffect, _nowMs: () => number): Promise<EffectOutcome> {
  const { service, location, release, commit } = effect.payload as PackSourcePayload;
  const packed = await world.packer.pack(location, commit, effect.signal);
  const source: SourceState = packed.ok
    ? { kind: 'ready', source: packed.value }
    : { kind: 'failed', problem: packed.error };
  return {
    write: (tx) => rows.updateSource(tx, release, source),
    work: [{ kind: decideKind, key: service }],
  };
}
