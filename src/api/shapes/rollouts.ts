import { z } from 'zod';
import { barriers, phaseStates, rolloutCommands, rolloutKinds, rolloutStates, watchStates } from '../../model/index.ts';
import { actor, eventView, holdFor, instant, jobIdText, markId, releaseId, rolloutId, versionRef } from './basics.ts';
import { budgetLine, operationView, taskDot } from './tasks.ts';

export const verdictWord = z.enum(['pass', 'fail', 'undecided']);

export const phaseView = z.object({
  name: z.string(),
  state: z.enum(phaseStates),
  /** Cumulative: phase 2 contains phase 1. Empty until it starts. */
  members: z.array(z.number().int()),
  /** Members that the phases before did not have. */
  adds: z.number().int(),
  /** Members that serve the new version. */
  updated: z.number().int(),
  allowance: z.number().int(),
  concurrency: z.number().int(),
  minBakeMs: z.number(),
  maxBakeMs: z.number(),
  onFail: z.union([z.enum(['revert', 'hold']), z.object({ holdThenRevertAfterMs: z.number() })]),
  onUndecided: z.enum(['proceed', 'hold']).nullable(),
  startedAtMs: instant.nullable(),
  updatedAtMs: instant.nullable(),
  endedAtMs: instant.nullable(),
  /** What the traffic before the rollout promised that its longest bake shows; null: not known, or not begun. */
  promised: z.string().nullable(),
  passedBy: z.object({ by: z.enum(['judge', 'onUndecided', 'person', 'basic-checks']), note: z.string() }).nullable(),
});
export type PhaseView = z.infer<typeof phaseView>;

/** One bin of a check's chart; null where nothing was measured. */
export const checkPoint = z.object({ atMs: instant, old: z.number().nullable(), new: z.number().nullable() });
export type CheckPoint = z.infer<typeof checkPoint>;

/** How long traced requests were in one component, in seconds: it says where a latency comes from. */
export const componentView = z.object({
  component: z.string(),
  /** Relative difference of the check's quantile among requests that were in it; null: too little was traced. */
  estimate: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
  oldLevel: z.number().nullable(),
  newLevel: z.number().nullable(),
  /** Means over all traced requests. */
  oldMean: z.number(),
  newMean: z.number(),
  /** Of what traced requests of new tasks take longer; null: they do not. */
  shareOfAdded: z.number().nullable(),
});
export type ComponentView = z.infer<typeof componentView>;

/** The latest look at one check, with what its chart and its bar need. */
export const checkView = z.object({
  check: z.string(),
  /** `ratio`, `seconds`, `per second`, … for the axis. */
  unit: z.string(),
  verdict: verdictWord.nullable(),
  /** Relative difference new against old (0.12 = 12 % higher), its interval, and what it is held against. */
  estimate: z.number().nullable(),
  interval: z.tuple([z.number(), z.number()]).nullable(),
  /** Of an error ratio: the same as a rise in the share of all requests that fail. */
  shareInterval: z.tuple([z.number(), z.number()]).nullable(),
  /** Why the difference is not that of the two levels, where they contradict each other. */
  levelsNote: z.string().nullable(),
  /** The part of all requests that the numbers are of, where a part fails: a route, a region. */
  view: z.string().nullable(),
  /** What new tasks are held against: then `estimate`, `delta` and `margin` are relative to that. */
  against: z.enum(['old', 'before', 'limit', 'trend']),
  delta: z.number(),
  margin: z.number(),
  /** Of an error ratio: the rise in the share of failed requests that is tolerated when hardly any failed before. */
  tolerated: z.number().nullable(),
  oldLevel: z.number().nullable(),
  newLevel: z.number().nullable(),
  oldTasks: z.number().int(),
  newTasks: z.number().int(),
  newEvents: z.number(),
  power: z.number().nullable(),
  sentence: z.string(),
  /** Tasks that drive it, worst first. */
  drivers: z.array(z.number().int()),
  /** Of a latency, where spans are read; what takes most longer first. */
  components: z.array(componentView),
  series: z.array(checkPoint),
});
export type CheckView = z.infer<typeof checkView>;

/** A command that is legal now, and what it would do. */
export const legalCommand = z.object({
  command: z.enum(rolloutCommands),
  needsReason: z.boolean(),
  /** `Takes 3 tasks back, about 40 s`. */
  effect: z.string(),
});
export type LegalCommand = z.infer<typeof legalCommand>;

export const rolloutSummary = z.object({
  id: rolloutId,
  job: jobIdText,
  service: z.string(),
  environment: z.string(),
  /** What those have in common that go together, one for each job of the environment; null: it is alone. */
  group: z.string().nullable(),
  kind: z.enum(rolloutKinds),
  state: z.enum(rolloutStates),
  release: releaseId.nullable(),
  to: versionRef.nullable(),
  currentPhase: z.number().int(),
  phaseCount: z.number().int(),
  /** Tasks of the job that serve the new version, and all tasks. */
  updated: z.number().int(),
  size: z.number().int(),
  /** Why it failed, in one sentence, when it did. */
  failure: z.string().nullable(),
  createdBy: actor,
  createdAtMs: instant,
  startedAtMs: instant.nullable(),
  endedAtMs: instant.nullable(),
});
export type RolloutSummary = z.infer<typeof rolloutSummary>;

/** One of the rollouts that go together. */
export const groupMember = z.object({
  name: z.string(),
  job: jobIdText,
  rollout: rolloutId,
  state: z.enum(rolloutStates),
  /** Where it is, in words: `phase 1 of 3, one-task: judging`. */
  at: z.string(),
  updated: z.number().int(),
  size: z.number().int(),
});

export const rolloutDetail = rolloutSummary.extend({
  /** Changes whenever a command might mean something else; goes into `If-Match`. */
  etag: z.string(),
  /** The one line above the dots: `phase 2 of 4 · 12 of 48 tasks · budget 3 of 5 out · next: judge, about 40 s`. */
  headline: z.string(),
  /** What it waits for, in one sentence, and what will unblock it. */
  why: z.string().nullable(),
  /** What the old group runs. */
  from: z.array(versionRef),
  hold: z
    .object({
      by: z.string(),
      reason: z.string(),
      sinceMs: instant,
      /** When it ends by itself, and how. */
      ends: z.object({ atMs: instant, do: z.enum(['resume', 'revert']) }).nullable(),
    })
    .nullable(),
  holdAfter: z.string().nullable(),
  /** Who let it go on without waiting for other jobs, and why. */
  unbarred: z.string().nullable(),
  /** How it is tied to those of the other jobs; null: it is alone. */
  together: z
    .object({
      /** Its own job. */
      name: z.string(),
      barrier: z.enum(barriers),
      waves: z.array(z.array(z.string())),
      members: z.array(groupMember),
    })
    .nullable(),
  /** Why it must not be undone by itself. */
  forwardOnly: z.string().nullable(),
  budgetOverride: z.object({ count: z.number().int(), reason: z.string() }).nullable(),
  budget: budgetLine,
  phases: z.array(phaseView),
  tasks: z.array(taskDot),
  /** Under way or waiting; ended ones are in the timeline. */
  operations: z.array(operationView),
  verdict: z.object({ verdict: verdictWord, sentence: z.string(), atMs: instant }).nullable(),
  /** After the last phase slow regressions are looked for; null: nothing is watched. */
  watch: z
    .object({
      state: z.enum(watchStates),
      fromMs: instant,
      untilMs: instant,
      /** How it stands, or how it ended: one sentence. */
      sentence: z.string(),
      /** Rollouts before it that are watched with it. */
      earlier: z.array(rolloutId),
      /** Rollouts that what was found is tied to; several: it cannot be told which. */
      named: z.array(rolloutId),
    })
    .nullable(),
  checks: z.array(checkView),
  marks: z.array(markId),
  /** Newest first, the last 100; the rest by `listEvents`. */
  timeline: z.array(eventView),
  commands: z.array(legalCommand),
  /** Where the time went so far. */
  timeSplit: z.object({
    waitingMs: z.number(),
    updatingMs: z.number(),
    /** Waiting for the budget, a controller or a host. */
    blockedMs: z.number(),
    judgingMs: z.number(),
    /** After the last phase, until the watch found something. */
    watchingMs: z.number(),
    heldMs: z.number(),
    revertingMs: z.number(),
  }),
});
export type RolloutDetail = z.infer<typeof rolloutDetail>;

/** What a person tells a rollout. */
export const rolloutCommandBody = z.strictObject({
  command: z.enum(rolloutCommands),
  /** Kept in the audit; needed where `LegalCommand.needsReason` says so. */
  reason: z.string().trim().max(1000).optional(),
  /** `raise-budget`: how many tasks may be out for this rollout. */
  budget: z.number().int().positive().max(1_000_000).optional(),
  /** `hold-after`: the name of a phase that has not passed yet. */
  phase: z.string().max(100).optional(),
  /** `hold-after`: for so long; left out, until a person ends it. */
  holdFor: holdFor.optional(),
  /** Tell all rollouts that go together with it, in every job; those to which it means nothing are left out. */
  together: z.boolean().optional(),
});

/** A command as it was written down; `outcome` is null until its subject has decided on it. */
export const commandView = z.object({
  id: z.string(),
  name: z.string(),
  subject: z.string(),
  actor,
  reason: z.string().nullable(),
  atMs: instant,
  outcome: z.object({ ok: z.boolean(), detail: z.string() }).nullable(),
});
export type CommandView = z.infer<typeof commandView>;
