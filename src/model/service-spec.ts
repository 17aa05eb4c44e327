import { z } from 'zod';
import { maintenanceAnswerSchema } from './maintenance.ts';
import { taskControlSpecSchema } from './task-control.ts';

/**
 * The canonical form of what a user writes about a service: every default filled in, the same bytes for the same
 * meaning. `spec/` makes it from `rollway.config.ts` or YAML; everything else in the house reads only this.
 */

const name = z
  .string()
  .regex(/^[a-z][a-z0-9-]{0,40}$/, 'lower-case letters, digits and hyphens, starting with a letter');
const ms = z.number().int().nonnegative();
const amount = z.union([
  z.strictObject({ count: z.number().int().nonnegative() }),
  z.strictObject({ percent: z.number().min(0).max(100) }),
]);
const argv = z.array(z.string().min(1)).min(1);

/** At most so many within any time of this length. */
export const rateSchema = z.strictObject({ count: z.number().int().positive(), perMs: z.number().int().positive() });

/** Groups of tasks by their index: of so many neighbours each, or as listed. */
const groupsSchema = z.union([z.number().int().min(2), z.array(z.array(z.number().int().nonnegative()).min(2)).min(1)]);

export const readySchema = z.union([
  z.strictObject({ http: z.strictObject({ path: z.string().startsWith('/'), port: name }), deadlineMs: ms }),
  z.strictObject({ tcp: z.strictObject({ port: name }), deadlineMs: ms }),
  /** Ready when a line of the task's output contains the text. */
  z.strictObject({ log: z.strictObject({ contains: z.string().min(1) }), deadlineMs: ms }),
  /** Ready when it has run for `afterMs` without an exit. */
  z.strictObject({ running: z.strictObject({ afterMs: ms }), deadlineMs: ms }),
]);

/** What a service says of one of its tasks; travels to the agent with the version. */
export const taskSpecSchema = z.strictObject({
  /** argv; `{port}`, `{port:<name>}`, `{address}` and `{dataDir}` are replaced by the agent. Run in the unpacked package. */
  command: argv,
  /** Port names; the numbers are assigned by the agent (`PORT` is the first, `PORT_<NAME>` each). */
  ports: z.array(name),
  env: z.record(z.string(), z.string()),
  /** Environment variable → path of a file on the host. Paths, never values. */
  secretFiles: z.record(z.string(), z.string()),
  stop: z.strictObject({ signal: z.enum(['SIGTERM', 'SIGINT', 'SIGQUIT', 'SIGHUP']), graceMs: ms }),
  ready: readySchema,
  drainMs: ms,
  /** A folder kept per task index over all incarnations on one host. */
  dataDir: z.boolean(),
  resources: z.strictObject({ cpuMillis: z.number().int().positive(), memoryMb: z.number().int().positive() }),
  /** Where the agent scrapes Prometheus text; null: no metrics. */
  metrics: z.strictObject({ port: name, path: z.string().startsWith('/') }).nullable(),
  /** Not placed again before its host is fenced. */
  singleton: z.boolean(),
});

/** Selects indices of a job for a phase. `count`, `percent` are cumulative over the job, filled by spread. */
export type Selector =
  | { readonly count: number }
  | { readonly percent: number }
  | { readonly label: { readonly key: string; readonly value: string } }
  | { readonly region: string }
  | { readonly rack: string }
  | { readonly tasks: readonly number[] }
  /** Blue/green: the whole second set, beside the job's own tasks. */
  | { readonly secondSet: true }
  | { readonly union: readonly Selector[] }
  | { readonly difference: readonly [Selector, Selector] };

export const selectorSchema: z.ZodType<Selector> = z.lazy(() =>
  z.union([
    z.strictObject({ count: z.number().int().positive() }),
    z.strictObject({ percent: z.number().positive().max(100) }),
    z.strictObject({ label: z.strictObject({ key: z.string(), value: z.string() }) }),
    z.strictObject({ region: z.string() }),
    z.strictObject({ rack: z.string() }),
    z.strictObject({ tasks: z.array(z.number().int().nonnegative()).min(1) }),
    z.strictObject({ secondSet: z.literal(true) }),
    z.strictObject({ union: z.array(selectorSchema).min(2) }),
    z.strictObject({ difference: z.tuple([selectorSchema, selectorSchema]) }),
  ]),
);

export const onFailSchema = z.union([
  z.literal('revert'),
  z.literal('hold'),
  z.strictObject({ holdThenRevertAfterMs: ms }),
]);

export const phaseSpecSchema = z.strictObject({
  name,
  select: selectorSchema,
  /** Tasks that may be updated at once within the phase; the budget limits it further. */
  concurrency: amount,
  /** Shortest and longest time after the phase's last update in which the judge looks. Equal values: a fixed wait. */
  minBakeMs: ms,
  maxBakeMs: ms,
  onFail: onFailSchema,
  /** null: as design section 2, "When nothing can be measured", decides. */
  onUndecided: z.enum(['proceed', 'hold']).nullable(),
});

/** What a strategy, or a driver, of a user's own is called. */
export const strategyName = z.string().regex(/^[a-z][a-z0-9-]{0,62}$/);

/** What runs a job's tasks: the agents that joined, or a driver that the server was started with. */
export const driverSchema = z.union([
  z.literal('fleet'),
  z.strictObject({ plugin: strategyName, settings: z.record(z.string(), z.json()) }),
]);

/** How a phase brings its members to the new version. */
export const strategySchema = z.union([
  /** Each where it is: stopped, then started. */
  z.literal('in-place'),
  /** The same, while so many extra tasks (a share rounds up) run the version of before. */
  z.strictObject({ surge: amount }),
  /** All of a phase stop before any of them starts again. */
  z.literal('recreate'),
  /**
   * A whole second set serves beside the first for `checkMs`, out of traffic; then traffic is switched at once, and the
   * first set stays as it is for `keepOldMs`.
   */
  z.strictObject({ blueGreen: z.strictObject({ checkMs: ms, keepOldMs: ms }) }),
  /** One that the server was started with. */
  z.strictObject({ plugin: strategyName, settings: z.record(z.string(), z.json()) }),
]);

export const planSpecSchema = z.strictObject({
  phases: z.array(phaseSpecSchema).min(1),
  /** What newcomers (tasks born during a rollout) get before the last phase passed. */
  newcomers: z.enum(['last-good', 'new']),
  /** A newer release arriving meanwhile: waits, or takes over. */
  overlap: z.enum(['wait', 'supersede']),
  /** How long slow regressions are looked for after the last phase; absent or 0: not at all. */
  watchMs: z.number().int().nonnegative().optional(),
  /** A change that cannot be undone by going back: on failure it holds for a person. */
  forwardOnly: z.boolean(),
  /** Left out only in plans that were stored before there was a choice: in place. */
  strategy: strategySchema.optional(),
});

const measuredSchemas = [
  /** Failed requests ÷ requests. `counter` and label matchers; requests with the label matching are errors. */
  z.strictObject({
    errorRatio: z.strictObject({ counter: z.string(), label: z.string(), errorValues: z.string() }),
  }),
  /** A quantile of a histogram, 0 < q < 1. */
  z.strictObject({ latency: z.strictObject({ histogram: z.string(), quantile: z.number().gt(0).lt(1) }) }),
  z.strictObject({ gauge: z.string() }),
  z.strictObject({ rate: z.string() }),
] as const;

const factor = z.number().positive().optional();

/** A canary configuration of Kayenta: its metrics together make one score of 0 to 100. */
export const kayentaSpecSchema = z.strictObject({
  metrics: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(300),
        of: z.union(measuredSchemas),
        groups: z.array(z.string().min(1)).min(1),
        direction: z.enum(['increase', 'decrease', 'either']),
        nanStrategy: z.enum(['replace', 'remove']),
        critical: z.boolean(),
        mustHaveData: z.boolean(),
        effectSize: z.strictObject({
          ...{ allowedIncrease: factor, allowedDecrease: factor, criticalIncrease: factor, criticalDecrease: factor },
          measure: z.enum(['meanRatio', 'cles']).optional(),
        }),
        /** In interquartile ranges; null: outliers stay. */
        outlierFactor: z.number().positive().nullable(),
      }),
    )
    .min(1)
    .max(500),
  /** Percent of the score; groups without a weight share what is left. */
  groupWeights: z.record(z.string(), z.number().min(0).max(100)),
  /** At the end of the bake less than this fails, at looks before it less than `marginal`. */
  pass: z.number().min(0).max(100),
  marginal: z.number().min(0).max(100),
});

/** One comparison of new tasks with old ones, as its owner states it. Relative numbers: 0.03 is 3 %. */
export const checkSpecSchema = z.strictObject({
  name,
  metric: z.union([
    ...measuredSchemas,
    /**
     * What serving one request takes: a gauge (null: tasks themselves) ÷ the growth of a counter or of a histogram's
     * count a second. `counter` null: that of the check of errors, or the first known name that occurs.
     */
    z.strictObject({ perLoad: z.strictObject({ gauge: z.string().nullable(), counter: z.string().nullable() }) }),
    /** A counter of what hardly ever happens to a task: how often, for the time it served. */
    z.strictObject({ incidents: z.string() }),
    /** PromQL that a Prometheus server of the operator's is asked once per bin; a level. `server` null: the first. */
    z.strictObject({ query: z.strictObject({ promql: z.string().min(1).max(2000), server: z.string().nullable() }) }),
    z.strictObject({ kayenta: kayentaSpecSchema }),
  ]),
  worse: z.enum(['higher', 'lower']),
  /** What it speaks of: the machine's resources, calls and their outcomes, or what the service is for. */
  class: z.enum(['system', 'call', 'business']),
  /**
   * What new tasks are held against: tasks of the old version at the same time, the same tasks before their update, a
   * fixed `limit`, or growth over time (`limit` per hour, relative).
   */
  against: z.enum(['old', 'before', 'limit', 'trend']),
  /** In the metric's own unit (share of requests, seconds or what the histogram counts, …); null: not needed. */
  limit: z.number().nullable(),
  /** Smallest relative harm worth acting on (δ). */
  delta: z.number().nonnegative(),
  /** Harm the owner can live with: `pass` needs the upper bound below it. */
  margin: z.number().positive(),
  critical: z.boolean(),
  /** Its disappearance on the new version is a failure in itself. */
  required: z.boolean(),
  /** A bin without a reading of a serving task: nothing is known, or it was zero. */
  missing: z.enum(['undecided', 'zero']),
  /** Requests (of gauges and rates: readings) of new tasks below which it decides nothing. */
  minSamples: z.number().int().nonnegative(),
  /** Only so much of the newest time of new tasks counts; null: all since their update. */
  windowMs: ms.nullable(),
  /** Its part where checks that are not critical fail together. */
  weight: z.number().positive(),
  trust: z.enum(['observe', 'hold', 'revert']),
  /** Can fail a phase, and is never needed to pass one. */
  guard: z.boolean().optional(),
  /** In the metric's own unit: added to both sides, so that differences that are small beside it are none. */
  floor: z.number().nonnegative().optional(),
  /** How much harmless rollouts differ (of the logarithm), where too few have been seen to know. */
  spread: z.number().positive().optional(),
});

export const judgeSpecSchema = z.strictObject({
  checks: z.array(checkSpecSchema),
  /** Checks on what the fleet sees of every task by itself. Left out only in what was stored before there were any. */
  guards: z.array(checkSpecSchema).optional(),
  /** Names of checks that a calibration found not to be honest: also where they are only discovered later. */
  holdAtMost: z.array(z.string()).optional(),
  /** Services that are looked at while this one rolls out: damage there stops it. */
  neighbours: z
    .array(
      z.strictObject({
        service: name,
        /** null: the same as the rollout's. */
        environment: name.nullable(),
        /** Names of its own checks; null: those that are critical. */
        checks: z.array(name).nullable(),
        trust: z.enum(['observe', 'hold', 'revert']),
      }),
    )
    .optional(),
  /** Third parties: while `metric` is above `above`, what is seen says nothing of a version. */
  confounders: z
    .array(
      z.strictObject({
        name: z.string().min(1).max(60),
        metric: z.string().min(1),
        above: z.number(),
        /** Whose metric it is, in the same environment; null: the service's own. */
        service: name.nullable(),
      }),
    )
    .optional(),
  /** Checks that are not critical fail the phase when so much of their weight fails: 0 = any of them, 1 = all. */
  failShare: z.number().min(0).max(1),
  /** Chance of stopping a harmless deployment, over all checks and looks. */
  alpha: z.number().gt(0).lt(0.5),
  binMs: z.number().int().min(1000),
  warmupMs: ms,
  /** Whether checks are tried by themselves at quiet times. Left out only in what was stored before they were. */
  calibrate: z.enum(['auto', 'off']).optional(),
  /** Old tasks that are restarted before the first phase, as controls. Left out only in what was stored before. */
  placebo: z.union([z.enum(['auto', 'off']), z.strictObject({ tasks: z.number().int().min(1).max(20) })]).optional(),
});

export const windowSpecSchema = z.strictObject({
  from: z.string(),
  to: z.string(),
  days: z.array(z.enum(['mon', 'tue', 'wed', 'thu', 'fri', 'sat', 'sun'])),
  timeZone: z.string(),
});

/** What is measured of a run: processor time of it and its children, its duration, or a number that it prints. */
export const perfMeasureSchema = z.union([
  z.literal('cpu'),
  z.literal('time'),
  /** The last line of its output that says `<output> <number>`, `<output>: <number>` or `<output>=<number>`. */
  z.strictObject({ output: z.string().min(1).max(100) }),
]);
const perfPlanFields = {
  better: z.enum(['lower', 'higher']),
  /** Relative: 0.02 is 2 %. */
  delta: z.number().nonnegative().max(1),
  margin: z.number().positive().max(1),
  alpha: z.number().gt(0).lt(0.5),
  minPairs: z.number().int().min(5).max(100),
  maxPairs: z.number().int().min(5).max(100),
};
/** What an agent is told of a comparison of two builds. */
export const perfOrderSchema = z.strictObject({
  command: argv,
  measure: perfMeasureSchema,
  ...perfPlanFields,
  /** Draws which build is first in each pair. */
  seed: z.number().int().nonnegative(),
});
/** What came of it: of each pair the old build's number, then the new one's. */
export const perfPairsSchema = z.array(z.tuple([z.number(), z.number()])).max(100);

const actionBase = {
  name,
  needs: z.array(name),
  timeoutMs: ms,
  /** Tries after the first, for failures of the machine (never for a failing command). */
  retries: z.number().int().nonnegative(),
  picker: z.enum(['newest', 'oldest', 'every', 'named']),
  /** Artifact names this action reads from earlier actions. */
  inputs: z.array(name),
};

export const actionSpecSchema = z.discriminatedUnion('type', [
  z.strictObject({
    ...actionBase,
    type: z.literal('build'),
    /** Commands run in a fresh checkout, in order. May be empty: the tree itself is packed. */
    commands: z.array(argv),
    /** What is packed, relative to the checkout. */
    include: z.array(z.string()),
    exclude: z.array(z.string()),
    output: name,
  }),
  z.strictObject({ ...actionBase, type: z.literal('test'), commands: z.array(argv).min(1) }),
  z.strictObject({
    ...actionBase,
    type: z.literal('run'),
    commands: z.array(argv).min(1),
    /** After a crash in the middle: true = run again, false = parked for a person. */
    safeToRepeat: z.boolean(),
    output: name.nullable(),
  }),
  z.strictObject({
    ...actionBase,
    type: z.literal('deploy'),
    environment: name,
    plan: planSpecSchema,
    /** Where the environment has several jobs: the plan of each, by its name. */
    plans: z.record(name, planSpecSchema).optional(),
    windows: z.array(windowSpecSchema),
  }),
  z.strictObject({ ...actionBase, type: z.literal('bake'), forMs: ms, environment: name }),
  z.strictObject({
    ...actionBase,
    type: z.literal('perf-test'),
    /** Run again and again, in the unpacked package of the new build and of the old one by turns. */
    command: argv,
    /** The old build is the newest good version there. */
    environment: name,
    measure: perfMeasureSchema,
    ...perfPlanFields,
    /** When all pairs are run and it still cannot be told. */
    onUndecided: z.enum(['proceed', 'fail']),
  }),
]);

const jobFields = {
  name,
  tasks: z.number().int().positive(),
  /** How many tasks may be out, whatever the causes. */
  budget: amount,
  /** Label of a host (`rack`) → how many tasks may be out among those on hosts with the same value of it. */
  budgetPerDomain: z.record(z.string(), amount),
  /** How many tasks of one group may be out; null: no groups. */
  budgetPerGroup: z.strictObject({ groups: groupsSchema, max: z.number().int().positive() }).nullable(),
  env: z.record(z.string(), z.string()),
  /** Only hosts with all these labels. */
  hosts: z.record(z.string(), z.string()),
  /** Whose acks are needed before a task is touched; null: the budget is the only limit. */
  taskControl: taskControlSpecSchema.nullable(),
  /** What becomes of a task on a host under maintenance, when its controller does not say. */
  onMaintenance: maintenanceAnswerSchema,
  /** Left out only in pipelines that were stored before there was a choice: the fleet. */
  driver: driverSchema.optional(),
};

/** One of several jobs of an environment, whole: what the environment says is in it. */
export const jobSpecSchema = z.strictObject(jobFields);

/**
 * What a job's rollout waits for in those of the other jobs: before each of its phases (`phase`), before its first one
 * (`job`), or for nothing.
 */
export const barriers = ['phase', 'job', 'none'] as const;

export const groupSpecSchema = z.strictObject({
  /** Names of jobs; everybody is in one wave, and a later wave stands behind those before it. */
  waves: z.array(z.array(name).min(1)).min(1),
  barrier: z.enum(barriers),
});

export const environmentSpecSchema = z.strictObject({
  ...jobFields,
  /** Left out: one job, which is what the environment itself says. */
  jobs: z.array(jobSpecSchema).min(1).optional(),
  /** How their rollouts are tied together; there where `jobs` is. */
  group: groupSpecSchema.optional(),
});

export const serviceSpecSchema = z.strictObject({
  /** Version of this format. */
  format: z.literal(1),
  name,
  task: taskSpecSchema,
  environments: z.array(environmentSpecSchema).min(1),
  /** How fast tasks of all environments may be taken out together, beside how many. */
  rates: z.strictObject({
    service: rateSchema.nullable(),
    /** Label of a host → how fast among the tasks on hosts with the same value of it. */
    perDomain: z.record(z.string(), rateSchema),
  }),
  pipeline: z.strictObject({
    /** `continuous`: each new commit of the branch makes a release; `manual`: only `rollway deploy`. */
    trigger: z.enum(['continuous', 'manual']),
    branch: z.string().min(1),
    actions: z.array(actionSpecSchema).min(1),
  }),
  judge: judgeSpecSchema,
});

export type TaskSpec = z.infer<typeof taskSpecSchema>;
export type Rate = z.infer<typeof rateSchema>;
export type GroupBudget = NonNullable<EnvironmentSpec['budgetPerGroup']>;
export type ReadySpec = z.infer<typeof readySchema>;
export type OnFail = z.infer<typeof onFailSchema>;
export type PhaseSpec = z.infer<typeof phaseSpecSchema>;
export type StrategySpec = z.infer<typeof strategySchema>;
/** What a plug-in is told by a configuration: its own affair. */
export type PluginSettings = Extract<DriverSpec, { plugin: string }>['settings'];
export type DriverSpec = z.infer<typeof driverSchema>;
export type PlanSpec = z.infer<typeof planSpecSchema>;
export type CheckSpec = z.infer<typeof checkSpecSchema>;
export type KayentaSpec = z.infer<typeof kayentaSpecSchema>;
export type JudgeSpec = z.infer<typeof judgeSpecSchema>;
export type WindowSpec = z.infer<typeof windowSpecSchema>;
export type ActionSpec = z.infer<typeof actionSpecSchema>;
export type PerfOrder = z.infer<typeof perfOrderSchema>;
export type PerfMeasure = z.infer<typeof perfMeasureSchema>;
export type ActionType = ActionSpec['type'];
export type EnvironmentSpec = z.infer<typeof environmentSpecSchema>;
export type JobSpec = z.infer<typeof jobSpecSchema>;
export type GroupSpec = z.infer<typeof groupSpecSchema>;
export type Barrier = GroupSpec['barrier'];
export type ServiceSpec = z.infer<typeof serviceSpecSchema>;

/** A job of an environment with its plan; `job` is undefined where it is the only one. */
export interface PlannedJob {
  readonly job: string | undefined;
  readonly spec: JobSpec;
  readonly plan: PlanSpec;
}

/** The jobs that a deploy action reaches, those of earlier waves first. */
export function jobsOf(
  environment: EnvironmentSpec,
  action: Pick<Extract<ActionSpec, { type: 'deploy' }>, 'plan' | 'plans'>,
): readonly PlannedJob[] {
  const { jobs, group } = environment;
  if (jobs === undefined) return [{ job: undefined, spec: environment, plan: action.plan }];
  const order = group?.waves.flat() ?? jobs.map((one) => one.name);
  return order.flatMap((job) => {
    const spec = jobs.find((one) => one.name === job);
    return spec === undefined ? [] : [{ job, spec, plan: action.plans?.[job] ?? action.plan }];
  });
}

/** Tasks of all jobs of an environment. */
export function tasksOf({ jobs, tasks }: EnvironmentSpec): number {
  return jobs === undefined ? tasks : jobs.reduce((sum, job) => sum + job.tasks, 0);
}
