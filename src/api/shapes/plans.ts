import { z } from 'zod';
import { barriers } from '../../model/index.ts';
import { commitish, instant, jobIdText, name, versionRef } from './basics.ts';

/** Asks what a deploy would do, without doing it. */
export const planBody = z.strictObject({
  commit: commitish.optional(),
  /** Default: the first environment that the pipeline deploys to. */
  environment: name.optional(),
});

export const backtestBody = planBody.extend({
  /** Where the environment has several jobs: which; default: the first. */
  job: name.optional(),
});

export const planPhase = z.object({
  name: z.string(),
  /** Cumulative members, as they would be fixed now. */
  members: z.array(z.number().int()),
  adds: z.number().int(),
  concurrency: z.number().int(),
  /** Fewest tasks that serve while this phase updates, of how many. */
  servingAtLeast: z.number().int(),
  of: z.number().int(),
  /** What must hold before the next phase. */
  gates: z.array(z.string()),
  /** What the traffic of now lets the judge show in the longest bake; not part of the hash. */
  shows: z.array(z.string()),
  onFail: z.string(),
  onUndecided: z.string(),
  estimateMs: z.object({ least: z.number(), most: z.number() }),
  notes: z.array(z.string()),
});

/** Exactly what would happen to one job; the real run has the same phases, membership, gates and limits. */
export const jobPlan = z.object({
  /** Of everything that would happen; a deploy that names it is refused when it no longer holds. */
  hash: z.string(),
  job: jobIdText,
  service: z.string(),
  environment: z.string(),
  commit: z.string(),
  from: z.array(versionRef),
  size: z.number().int(),
  budget: z.number().int(),
  phases: z.array(planPhase),
  /** Budgets of parts and rates, in words. */
  limits: z.array(z.string()),
  estimateMs: z.object({ least: z.number(), most: z.number() }),
  /** What a person should know first: `this job will be out for about 12 s`. */
  notes: z.array(z.string()),
  atMs: instant,
});
export type JobPlan = z.infer<typeof jobPlan>;

/** The plan of a deployment: of its only job, or of the first one with all of them in `together`. */
export const planView = jobPlan.extend({
  /** Where the environment has several jobs; hash and times above are then of all of them. */
  together: z
    .object({
      barrier: z.enum(barriers),
      waves: z.array(z.array(z.string())),
      jobs: z.array(jobPlan.extend({ name: z.string() })),
      /** All phases in the order in which they begin. */
      order: z.array(
        z.object({
          job: z.string(),
          phase: z.string(),
          /** Counted from the start of the first. */
          startsMs: z.object({ least: z.number(), most: z.number() }),
          /** What the barrier asks for first. */
          after: z.array(z.object({ job: z.string(), phase: z.string() })),
        }),
      ),
    })
    .nullable(),
});
export type PlanView = z.infer<typeof planView>;

/** The plan of a commit and the templates, tried on what past releases showed: speed against exposure. */
export const backtestView = z.object({
  job: jobIdText,
  size: z.number().int(),
  /** Past releases of each kind that it was tried on; 0: assumed ones, as a note says. */
  good: z.number().int(),
  bad: z.number().int(),
  rows: z.array(
    z.object({
      /** `yours`, or the name of a template. */
      plan: z.string(),
      /** Median time to the end of a good release. */
      doneMs: z.number(),
      /** Tasks that ran a bad version when it was found. */
      mostExposed: z.number(),
      meanExposed: z.number(),
      exposedTaskMs: z.number(),
      /** Bad releases that it would have let through. */
      missed: z.number().int(),
    }),
  ),
  notes: z.array(z.string()),
});
export type BacktestView = z.infer<typeof backtestView>;

/** What to do with the tasks of a job, apart from a deployment. */
export const taskWish = {
  do: z.enum(['restart', 'move', 'resize', 'retire']),
  /** For restart and move; default: all. */
  tasks: z.array(z.number().int().min(0).max(1_000_000)).min(1).max(10_000).optional(),
  /** For restart and move: at most so many at once; the budget limits it further. */
  atOnce: z.number().int().min(1).max(10_000).optional(),
  /** For resize. */
  size: z.number().int().min(1).max(100_000).optional(),
};

export const taskPlanView = z.object({
  job: jobIdText,
  do: taskWish.do,
  /** A change that names it is refused when it no longer holds. */
  hash: z.string(),
  size: z.number().int(),
  budget: z.number().int(),
  steps: z.array(
    z.object({
      name: z.string(),
      tasks: z.array(z.number().int()),
      atOnce: z.number().int(),
      batches: z.number().int(),
      servingAtLeast: z.number().int(),
      of: z.number().int(),
    }),
  ),
  estimateMs: z.number(),
  notes: z.array(z.string()),
});
export type TaskPlanView = z.infer<typeof taskPlanView>;

/** Why something is as it is. */
export const explanation = z.object({
  /** `release/rel_…`, `rollout/ro_…`, `job/guestbook@production`, `service/guestbook`. */
  subject: z.string(),
  /** The answer in one sentence. */
  sentence: z.string(),
  /** Each wait with its unblocker. */
  reasons: z.array(
    z.object({
      sentence: z.string(),
      /** What will end it by itself, or what a person can do. */
      unblocker: z.string(),
      sinceMs: instant.nullable(),
    }),
  ),
  /** Every setting in force and where it came from. */
  settings: z.array(z.object({ path: z.string(), value: z.unknown(), origin: z.string() })),
});
export type Explanation = z.infer<typeof explanation>;
