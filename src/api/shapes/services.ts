import { z } from 'zod';
import { actionRunStates, releaseStates } from '../../model/index.ts';
import {
  actionRunId,
  actor,
  commitRef,
  instant,
  jobIdText,
  markId,
  releaseId,
  rolloutId,
  versionIdText,
  versionRef,
} from './basics.ts';
import { budgetLine, dotStates } from './tasks.ts';

/** In one word: what a job is doing. */
export const jobStates = ['empty', 'steady', 'rolling', 'held', 'reverting', 'degraded'] as const;
export type JobState = (typeof jobStates)[number];

/** One service in one environment, as the home page shows it. */
export const environmentSummary = z.object({
  environment: z.string(),
  job: jobIdText,
  /** Its name, where the environment has several jobs: each has an entry. */
  name: z.string().nullable(),
  size: z.number().int(),
  state: z.enum(jobStates),
  /** What most tasks run. */
  version: versionRef.nullable(),
  sinceMs: instant.nullable(),
  /** The rollout under way, if any. */
  rollout: rolloutId.nullable(),
  /** One letterless strip: the dot of each index in order. */
  dots: z.array(z.enum(dotStates)),
  budget: budgetLine,
  /** Errors of the last minutes, old against new, while something rolls. */
  errors: z.array(z.object({ atMs: instant, old: z.number().nullable(), new: z.number().nullable() })).nullable(),
});
export type EnvironmentSummary = z.infer<typeof environmentSummary>;

/** Something only a person can move on. */
export const attention = z.object({
  sentence: z.string(),
  remedy: z.string(),
  /** What it is about: `rollout/ro_…`, `release/rel_…`, `mark/mark_…`. */
  subject: z.string(),
  sinceMs: instant,
});
export type Attention = z.infer<typeof attention>;

export const serviceSummary = z.object({
  name: z.string(),
  repository: z.string(),
  environments: z.array(environmentSummary),
  attention: z.array(attention),
});
export type ServiceSummary = z.infer<typeof serviceSummary>;

/** One vertex of the pipeline, and the releases that stand on it now. */
export const pipelineNode = z.object({
  action: z.string(),
  type: z.enum(['build', 'test', 'run', 'perf-test', 'deploy', 'bake']),
  environment: z.string().nullable(),
  needs: z.array(z.string()),
  releases: z.array(releaseId),
});
export const pipelineView = z.object({
  revision: z.number().int(),
  branch: z.string(),
  trigger: z.enum(['continuous', 'manual']),
  nodes: z.array(pipelineNode),
});
export type PipelineView = z.infer<typeof pipelineView>;

export const releaseSummary = z.object({
  id: releaseId,
  service: z.string(),
  repository: z.string(),
  commit: z.string(),
  subject: z.string(),
  author: z.string(),
  position: z.number(),
  pipelineRevision: z.number().int(),
  createdAtMs: instant,
  createdBy: actor,
  state: z.enum(releaseStates),
  version: versionIdText.nullable(),
  /** Actions it stands on: running, waiting or blocked there. */
  standsOn: z.array(z.string()),
  /** Actions it has passed. */
  through: z.array(z.string()),
  /** One sentence; null when it waits for nothing. */
  why: z.string().nullable(),
  /** Marks it carries. */
  marks: z.array(markId),
  rollouts: z.array(rolloutId),
});
export type ReleaseSummary = z.infer<typeof releaseSummary>;

export const serviceDetail = serviceSummary.extend({
  pipeline: pipelineView.nullable(),
  releases: z.array(releaseSummary),
  /** The canonical configuration in force. */
  spec: z.record(z.string(), z.unknown()).nullable(),
});
export type ServiceDetail = z.infer<typeof serviceDetail>;

export const artifactView = z.object({
  name: z.string(),
  kind: z.enum(['package', 'report', 'config', 'model', 'image']),
  digest: z.string(),
  sizeBytes: z.number(),
});

export const actionRunView = z.object({
  id: actionRunId,
  release: releaseId,
  action: z.string(),
  type: z.string(),
  attempt: z.number().int(),
  state: z.enum(actionRunStates),
  /** Why it waits, is blocked or failed. */
  reason: z.string().nullable(),
  rollout: rolloutId.nullable(),
  host: z.string().nullable(),
  outputs: z.array(artifactView),
  hasLog: z.boolean(),
  startedAtMs: instant.nullable(),
  endedAtMs: instant.nullable(),
});
export type ActionRunView = z.infer<typeof actionRunView>;

export const releaseDetail = releaseSummary.extend({
  pipeline: pipelineView,
  /** Newest attempt of each action last. */
  runs: z.array(actionRunView),
  /** What is in it that its predecessor did not have, newest first. */
  commits: z.array(commitRef),
  artifacts: z.array(artifactView),
  /** What to do when it waits for a person. */
  remedy: z.string().nullable(),
  commands: z.array(z.enum(['cancel', 'retry'])),
});
export type ReleaseDetail = z.infer<typeof releaseDetail>;

/** A part of a log from byte `offset`; ask again from `nextOffset`. */
export const actionLog = z.object({
  run: actionRunId,
  offset: z.number().int(),
  nextOffset: z.number().int(),
  sizeBytes: z.number().int(),
  /** Nothing will be added any more. */
  isComplete: z.boolean(),
  text: z.string(),
});
export type ActionLog = z.infer<typeof actionLog>;

export const repositoryView = z.object({
  name: z.string(),
  url: z.string(),
  branch: z.string(),
  head: commitRef.nullable(),
  services: z.array(z.string()),
  readAtMs: instant.nullable(),
  /** Why it cannot be read, when it cannot. */
  problem: z.string().nullable(),
  /** The commit whose configuration has that problem, when it is one of a configuration. */
  problemAt: z.string().nullable(),
});
export type RepositoryView = z.infer<typeof repositoryView>;
