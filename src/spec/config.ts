/**
 * The module `rollway/config`: what a `rollway.config.ts` imports. It imports nothing, because it is all of Rollway
 * that a configuration can reach while it is evaluated.
 */

/** `500ms`, `30s`, `10m`, `1h30m`, `2d` */
export type Duration = string;
/** `10%` */
export type Percent = string;
/** A number of tasks, or a share of the job. */
export type Count = number | Percent;
/** `10/1m`: at most so many within any time of this length. */
export type Rate = string;
/** One command: split at blanks as a shell would, quotes respected, but there is no shell. Or argv as it is. */
export type Command = string | readonly string[];
/** One command, or several in order, each a line or an argv. */
export type Commands = string | readonly Command[];
export type PhaseTemplate = 'careful' | 'standard' | 'fast' | 'everyone-at-once';

/** Which tasks: how many (counted over the whole job), or where they run. */
export type Select =
  | Count
  | 'all'
  | { readonly region: string }
  | { readonly rack: string }
  | { readonly label: { readonly key: string; readonly value: string } }
  | { readonly tasks: readonly number[] }
  | { readonly union: readonly Select[] }
  | { readonly difference: readonly [Select, Select] };

/**
 * How many tasks may be out at once, whatever the causes: of the job, among those on hosts with the same value of a
 * label (`perDomain: { rack: 1 }`), and of one group of indices (`perGroup: { groups: 3, max: 1 }`: 0–2, 3–5 …).
 */
export interface BudgetConfig {
  readonly tasks?: Count;
  readonly perDomain?: Readonly<Record<string, Count>>;
  readonly perGroup?: {
    /** Neighbours in each group, or the groups themselves. */
    readonly groups: number | readonly (readonly number[])[];
    /** Default 1: never two of one group. */
    readonly max?: number;
  };
}

export type Bake = Duration | { readonly min?: Duration; readonly max?: Duration };
/** What a failed phase does: go back, wait for a person, or wait so long and then go back. */
export type OnFail = 'revert' | 'hold' | { readonly hold: Duration };

export interface PhaseConfig {
  readonly name?: string;
  readonly select: Select;
  readonly concurrency?: Count;
  readonly bake?: Bake;
  readonly onFail?: OnFail;
  readonly onUndecided?: 'proceed' | 'hold';
}

export interface WindowConfig {
  /** `09:00` */
  readonly from: string;
  readonly to: string;
  readonly days?: readonly ('mon' | 'tue' | 'wed' | 'thu' | 'fri' | 'sat' | 'sun')[];
  readonly timeZone?: string;
}

export type Json = string | number | boolean | null | Json[] | { [key: string]: Json };

export type StrategyConfig =
  | 'in-place'
  | 'recreate'
  | 'blue-green'
  | { readonly surge: Count }
  /** `check`: how long the second set serves before the switch (30 s); `keepOld`: how long the first one stays after it (10 minutes). */
  | { readonly blueGreen: { readonly check?: Duration; readonly keepOld?: Duration } }
  /** What it is told is its own affair. */
  | { readonly plugin: string; readonly settings?: Readonly<Record<string, Json>> };

/** How a new version spreads. May stand at the top for all environments, and in one of them. */
export interface RolloutConfig {
  /** A template, or the phases in order: `[1, '25%', 'all']`. */
  readonly phases?: PhaseTemplate | readonly (Count | 'all' | PhaseConfig)[];
  /** Time after a phase's last update in which it is watched. One duration: exactly so long. */
  readonly bake?: Bake;
  /** Tasks updated at once within a phase; the budget limits it further. */
  readonly concurrency?: Count;
  /** What a failed phase does. */
  readonly onFail?: OnFail;
  /** When the judge cannot tell at the end of the bake. */
  readonly onUndecided?: 'proceed' | 'hold';
  /** Which version tasks get that are born during a rollout. */
  readonly newcomers?: 'last-good' | 'new';
  /** A newer release arriving meanwhile: waits, or takes over. */
  readonly overlap?: 'wait' | 'supersede';
  /** How long slow regressions are looked for after the last phase, `'2h'`; `'0s'`: not at all. The job is free meanwhile. */
  readonly watch?: Duration;
  /** What is deployed cannot be undone by going back (a migration): on failure it holds for a person. */
  readonly forwardOnly?: boolean;
  /** `in-place`; `{ surge: 2 }`: so many extra tasks are borrowed meanwhile, each of which that serves raises the budget by one; `recreate`: all of a phase stop before any starts (needs `budget: '100%'`); `blue-green`: a whole second set comes up beside the first, is checked while it takes no traffic, then traffic is switched at once; `{ plugin: 'its-name' }`: one that the server was started with. */
  readonly strategy?: StrategyConfig;
  /** Which of the waiting releases is deployed next. */
  readonly picker?: 'newest' | 'oldest' | 'every' | 'named';
  /** When a deployment may start. */
  readonly windows?: readonly WindowConfig[];
}

interface TaskControlTiming {
  /** A call that takes longer has failed; default 5 s. */
  readonly timeout?: Duration;
  /** How often it is asked again while something waits; default 2 s. */
  readonly interval?: Duration;
  /** How long it may be silent, or ack nothing, before there is an alarm; default 1 minute. */
  readonly alarmAfter?: Duration;
}

/** Whose acks are needed before a task is touched. A path is read from the service's own tasks. */
export type TaskControlConfig =
  | 'budget-only'
  /** A controller of yours, over HTTP. Header → name of a file in the server's folder of secrets for this service. */
  | (TaskControlTiming & { readonly url: string; readonly secretHeaders?: Readonly<Record<string, string>> })
  /** Followers first: `{"leader": 3}` */
  | (TaskControlTiming & { readonly leaderLast: string; readonly port?: string })
  /** Replicas stay: `{"shards": {"a": [0, 1, 2]}}`; `keep` healthy ones of each shard, left out: all but one. */
  | (TaskControlTiming & {
      readonly shardAware: string;
      readonly port?: string;
      readonly keep?: number;
      /** Maintenance no longer than this is waited for when enough replicas are elsewhere; longer: tasks are moved. */
      readonly rideOut?: Duration;
    })
  /** Slower at peak: `{"load": 0.7}`; no limit below `low` (60%), `floor` (1) at once from `high` (85%) on. */
  | (TaskControlTiming & {
      /** A path that each task answers; or a metric of the service, and what of it a task can bear (a gauge's value, or events per second). */
      readonly loadAware: string | { readonly metric: string; readonly full: number };
      readonly port?: string;
      readonly low?: Percent;
      readonly high?: Percent;
      readonly floor?: number;
    });

/** `{ plugin: 'its-name' }`: with what that driver wants to know; secrets by the name of a file, never themselves. */
export type DriverConfig = 'fleet' | { readonly plugin: string; readonly settings?: Readonly<Record<string, Json>> };

/** One of several jobs of an environment, such as a region: what it says goes over what the environment says. */
export interface JobConfig
  extends Pick<RolloutConfig, 'phases' | 'bake' | 'concurrency' | 'onFail' | 'onUndecided' | 'strategy'> {
  /** How many tasks it has. */
  readonly tasks?: number;
  /** Its own tasks that may be out at once. */
  readonly budget?: Count | BudgetConfig;
  readonly taskControl?: TaskControlConfig;
  readonly onMaintenance?: 'move' | 'hold' | 'ignore';
  /** What runs the tasks: the agents that joined (`fleet`), or a driver that the server was started with. */
  readonly driver?: DriverConfig;
  /** Environment variables, over those of the environment. */
  readonly env?: Readonly<Record<string, string>>;
  /** Only hosts with all these labels. */
  readonly hosts?: Readonly<Record<string, string>>;
}

export interface EnvironmentConfig extends RolloutConfig {
  /** How many tasks run there. */
  readonly tasks?: number;
  /** Tasks that may be out at once, whatever the causes. */
  readonly budget?: Count | BudgetConfig;
  /** Who says which tasks may be touched now, besides the budget. */
  readonly taskControl?: TaskControlConfig;
  /** A host is maintained: its tasks start elsewhere (`move`), stop and come back (`hold`), or ride it out (`ignore`). */
  readonly onMaintenance?: 'move' | 'hold' | 'ignore';
  /** What runs the tasks: the agents that joined (`fleet`), or a driver that the server was started with. */
  readonly driver?: DriverConfig;
  /** Environment variables, over those of the service. */
  readonly env?: Readonly<Record<string, string>>;
  /** Only hosts with all these labels. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Several jobs, by name, each a number of tasks or more: a release goes over all of them together. */
  readonly jobs?: Readonly<Record<string, number | JobConfig>>;
  /** Jobs that stand before others: `[['us'], ['eu', 'asia']]`. Left out: all at once. */
  readonly waves?: readonly (readonly string[])[];
  /**
   * What a job waits for: `phase` (default) before each of its phases, until all have passed the one before and those
   * of earlier waves this one; `job` until those of earlier waves are through; `none`. A failure concerns all of them.
   */
  readonly barrier?: 'phase' | 'job' | 'none';
  /** The environment whose deployment comes first. */
  readonly after?: string;
  /** Wait so long after the deployment before anything that comes after it. */
  readonly soak?: Duration;
}

export interface BuildConfig {
  readonly commands?: Commands;
  /** What is packed, relative to the checkout: names, `*`, `**`. Nothing named = everything. */
  readonly include?: readonly string[];
  readonly exclude?: readonly string[];
  readonly timeout?: Duration;
}

export interface TestConfig {
  readonly commands: Commands;
  readonly timeout?: Duration;
}

/** What a number is read from. */
export interface MeasuredConfig {
  /** Failed requests ÷ requests of a counter: those whose label matches `values` failed. */
  readonly errorRatio?: { readonly counter?: string; readonly label?: string; readonly values?: string };
  /** A quantile of a histogram. */
  readonly latency?: { readonly histogram?: string; readonly quantile?: number };
  /** Name of a gauge: its value on new tasks against old ones. */
  readonly gauge?: string;
  /** Name of a counter: its growth a second on new tasks against old ones. */
  readonly rate?: string;
}

/** A canary configuration of Kayenta: what its documentation says of these names holds here. */
export interface KayentaConfig {
  readonly metrics: Readonly<Record<string, KayentaMetricConfig>>;
  /** Percent of the score; groups without a weight share what is left. */
  readonly groupWeights?: Readonly<Record<string, number>>;
  /** At the end of the bake a score below this fails; default 95. */
  readonly pass?: number;
  /** At looks before the end a score below this fails; default 75. */
  readonly marginal?: number;
}

export interface KayentaMetricConfig extends MeasuredConfig {
  /** Left out: a group of its own, by its name. */
  readonly groups?: readonly string[];
  readonly direction?: 'increase' | 'decrease' | 'either';
  readonly nanStrategy?: 'replace' | 'remove';
  /** Its failure alone makes the score 0. */
  readonly critical?: boolean;
  readonly mustHaveData?: boolean;
  /** Ratios of means (or with `cles` chances) within which a difference is allowed, and from which it is critical. */
  readonly effectSize?: {
    readonly allowedIncrease?: number;
    readonly allowedDecrease?: number;
    readonly criticalIncrease?: number;
    readonly criticalDecrease?: number;
    readonly measure?: 'meanRatio' | 'cles';
  };
  /** Readings beyond so many interquartile ranges are left out; left out: none are. */
  readonly outlierFactor?: number;
}

export interface CheckConfig extends MeasuredConfig {
  /** The published method of Kayenta instead of ours: several metrics, one score. */
  readonly kayenta?: KayentaConfig;
  /**
   * What serving a request takes: a gauge (left out: tasks themselves) ÷ a counter's growth a second (left out: that of
   * the check of errors).
   */
  readonly perLoad?: { readonly gauge?: string; readonly counter?: string };
  /**
   * PromQL whose answer is compared as a level: one series for each task, by the label that the operator's sources file
   * names for it. `{job}`, `{service}`, `{environment}` and `{bin}` are filled in. `server`: which of the servers there.
   */
  readonly query?: string | { readonly promql: string; readonly server?: string };
  /** Name of a counter of what hardly ever happens to a task, such as restarts. */
  readonly incidents?: string;
  /** Which direction is harm. */
  readonly worse?: 'higher' | 'lower';
  /** What it speaks of: `system`, `call` (default of error ratios and latencies) or `business`. */
  readonly class?: 'system' | 'call' | 'business';
  /**
   * What new tasks are held against: `old` tasks at the same time (default), the same tasks `before` their update, a
   * fixed `limit` (default when there is one; also judges a first deployment), or the `trend`: growth per hour.
   */
  readonly against?: 'old' | 'before' | 'limit' | 'trend';
  /** Of `limit`: `1%` of failed requests, `250ms` of a latency, a number of a gauge or rate. Of `trend`: `5%` an hour. */
  readonly limit?: Percent | Duration | number;
  /** Smallest relative harm worth acting on. */
  readonly delta?: Percent;
  /** Harm that can be lived with: to pass, the harm must surely be below it. */
  readonly margin?: Percent;
  /** A failure of it alone fails the phase at once. */
  readonly critical?: boolean;
  /** Its disappearance on the new version is a failure in itself. */
  readonly required?: boolean;
  /** What a reading that is not there means: nothing is known (`undecided`, default), or it was `zero`. */
  readonly missing?: 'undecided' | 'zero';
  /** Requests (of gauges and rates: readings) of new tasks below which it decides nothing. */
  readonly minSamples?: number;
  /** Only so much of the newest time of new tasks counts; left out: all since their update. */
  readonly window?: Duration;
  /** In the metric's own unit: added to both sides, so that differences that are small beside it are none. */
  readonly floor?: number;
  /** Its part where checks that are not critical fail together; default 1. */
  readonly weight?: number;
  /** What its failure leads to: only a note, a hold, or the rule of the phase. */
  readonly trust?: 'observe' | 'hold' | 'revert';
}

export interface NeighbourConfig {
  readonly service: string;
  /** Left out: the environment that is deployed to. */
  readonly environment?: string;
  readonly checks?: readonly string[];
  readonly trust?: 'observe' | 'hold' | 'revert';
}

export interface ConfounderConfig {
  /** As people call it: `payments-provider`. */
  readonly name: string;
  /** A gauge or counter. */
  readonly metric: string;
  readonly above?: number;
  /** Whose metric it is; left out: this service's own. */
  readonly service?: string;
}

interface ActionBase {
  readonly name: string;
  /** Left out: the action before it in the list. */
  readonly needs?: readonly string[];
  readonly timeout?: Duration;
  readonly retries?: number;
  readonly picker?: 'newest' | 'oldest' | 'every' | 'named';
  /** What earlier actions made, by name: each in `$ROLLWAY_INPUTS/<name>`; the first is also the working folder. */
  readonly inputs?: readonly string[];
}

export type ActionConfig =
  | (ActionBase & {
      readonly type: 'build';
      readonly commands?: Commands;
      readonly include?: readonly string[];
      readonly exclude?: readonly string[];
      readonly output?: string;
    })
  | (ActionBase & { readonly type: 'test'; readonly commands: Commands })
  | (ActionBase & {
      readonly type: 'run';
      readonly commands: Commands;
      /** After a crash in the middle: run it again. */
      readonly safeToRepeat?: boolean;
      readonly output?: string;
    })
  | (ActionBase & { readonly type: 'deploy'; readonly environment: string })
  | (ActionBase & { readonly type: 'bake'; readonly environment: string; readonly for: Duration })
  | (ActionBase & {
      readonly type: 'perf-test';
      /** Run by turns in the new package and in the one that is deployed. */
      readonly command: Command;
      /** What is deployed where; left out: in the last environment. */
      readonly environment?: string;
      /** `cpu` (processor seconds, children included), `time` (seconds), or a number that it prints: `{ output: 'rps' }`. */
      readonly measure?: 'cpu' | 'time' | { readonly output: string; readonly better?: 'lower' | 'higher' };
      /** Smallest worsening worth acting on. */
      readonly delta?: Percent;
      /** Worsening that can be lived with: a pass is sure of less. */
      readonly margin?: Percent;
      /** Pairs of runs, at least and at most. */
      readonly pairs?: { readonly min?: number; readonly max?: number };
      readonly onUndecided?: 'proceed' | 'fail';
    });

export interface PipelineConfig {
  /** `continuous`: each new commit of the branch; `manual`: only `rollway deploy`. */
  readonly mode?: 'continuous' | 'manual';
  readonly branch?: string;
  /** Left out: build, test, then a deployment to each environment. */
  readonly actions?: readonly ActionConfig[];
}

export interface ServiceConfig extends RolloutConfig {
  /** Lower-case letters, digits and hyphens. */
  readonly name: string;
  /** `server` answers on a port; `worker` has none. */
  readonly kind?: 'server' | 'worker';
  /** Run in the unpacked package. `{port}`, `{port:name}`, `{address}` and `{dataDir}` are filled in. */
  readonly command: Command;
  /** Names; the numbers are given (`PORT`, `PORT_<NAME>`). */
  readonly ports?: readonly string[];
  /** When a task is ready: a path that answers 2xx, or another sign. */
  readonly ready?:
    | string
    | { readonly http: string; readonly port?: string; readonly within?: Duration }
    | { readonly tcp: string; readonly within?: Duration }
    | { readonly log: string; readonly within?: Duration }
    | { readonly running: Duration; readonly within?: Duration };
  /** Path of its Prometheus metrics: then new tasks are compared with old ones. */
  readonly metrics?: string | { readonly path?: string; readonly port?: string };
  /** Environment variables of each task. */
  readonly env?: Readonly<Record<string, string>>;
  /** Environment variable → path of a file on the host. Never a value. */
  readonly secretFiles?: Readonly<Record<string, string>>;
  /** The signal that asks a task to end, and how long it may take before it is killed. */
  readonly stop?: { readonly signal?: 'SIGTERM' | 'SIGINT' | 'SIGQUIT' | 'SIGHUP'; readonly grace?: Duration };
  /** Time between leaving discovery and being stopped. */
  readonly drain?: Duration;
  /** Keep a folder per task over all its incarnations on a host. */
  readonly dataDir?: boolean;
  /** Cores it is sure to get; it may use up to four times as many, and at least one, while they are idle. */
  readonly cpu?: number;
  /** `512MB`, `2GB` */
  readonly memory?: string;
  /** Never two of one task: after a lost host it waits until the host is fenced. */
  readonly singleton?: boolean;
  /** How the package is made in a checkout; nothing: the checkout as it is. */
  readonly build?: Commands | BuildConfig;
  /** What must succeed after the build; nothing: no tests. */
  readonly test?: Commands | TestConfig;
  /** How many tasks run in each environment that does not say otherwise. */
  readonly tasks?: number;
  /** Tasks that may be out at once, whatever the causes. */
  readonly budget?: Count | BudgetConfig;
  /** How fast tasks may be taken out, over all environments: `10/1m`. */
  readonly rate?: Rate;
  /** The same among tasks on hosts with the same value of a label: `{ rack: '2/1m' }`. */
  readonly ratePerDomain?: Readonly<Record<string, Rate>>;
  /** Who says which tasks may be touched now, besides the budget. */
  readonly taskControl?: TaskControlConfig;
  /** A host is maintained: its tasks start elsewhere (`move`), stop and come back (`hold`), or ride it out (`ignore`). */
  readonly onMaintenance?: 'move' | 'hold' | 'ignore';
  /** What runs the tasks: the agents that joined (`fleet`), or a driver that the server was started with. */
  readonly driver?: DriverConfig;
  /** Only hosts with all these labels. */
  readonly hosts?: Readonly<Record<string, string>>;
  /** Number of tasks, or more, for each. Left out: `production`. */
  readonly environments?: Readonly<Record<string, number | EnvironmentConfig>>;
  /** `errors` and `latency` are there by default when there are metrics; `false` leaves one out. */
  readonly checks?: Readonly<Record<string, CheckConfig | false>>;
  /**
   * `alpha`: false alarms a rollout; `bin`: length of a bin of metrics; `warmup`: what a new task’s first time is not
   * compared for; `failTogether`: checks that are not critical fail when so much of their weight does (`any`, `all`, a share).
   */
  readonly judge?: {
    readonly failTogether?: 'any' | 'all' | Percent;
    readonly alpha?: number;
    readonly bin?: Duration;
    readonly warmup?: Duration;
    /** `auto`: about once a day rollouts that never were show whether each check is honest for this service. */
    readonly calibrate?: 'auto' | 'off';
    /**
     * Restarts some tasks on the old version before the first phase, within the budget, to see what a restart alone
     * does. `auto`: where fewer than three rollouts have shown it, of jobs with at least two tasks. `{ tasks: 2 }`: so
     * many; of jobs with at most five tasks before every deployment.
     */
    readonly placebo?: 'auto' | 'off' | { readonly tasks: number };
    /**
     * Callers and callees: their own checks are looked at while this service rolls out, against their own past; damage
     * there holds the rollout for a person (`trust: 'revert'`: undoes it). Left out: their critical checks.
     */
    readonly neighbours?: readonly (string | NeighbourConfig)[];
    /** Third parties: while `metric` is above `above` (0), what is seen says nothing of a version. */
    readonly confounders?: readonly ConfounderConfig[];
  };
  /** When releases begin, and what they go through. */
  readonly pipeline?: 'continuous' | 'manual' | PipelineConfig;
}

/** `export default defineService({ name: …, command: … })`: types and completion, nothing else. */
export function defineService(config: ServiceConfig): ServiceConfig {
  return config;
}
