import type { KayentaSpec } from '../model/index.ts';
import type * as config from './config.ts';
import { standardMetrics } from './defaults.ts';
import type { CheckSettings, Layer, PhaseSetting, ReadySetting, Settings, TaskControlSetting } from './layers.ts';
import {
  readAmount,
  readBake,
  readCommand,
  readCommands,
  readDriver,
  readDuration,
  readEach,
  readMegabytes,
  readOnFail,
  readPercent,
  readRate,
  readStrategy,
} from './shorthand.ts';

/** What the user says at the top of the file, as a layer. */
export function serviceLayer(user: config.ServiceConfig): Layer {
  const pipeline = typeof user.pipeline === 'string' ? { mode: user.pipeline } : (user.pipeline ?? {});
  const values: Partial<Settings> = {
    ...rolloutValues(user),
    name: user.name,
    kind: user.kind,
    command: readCommand(user.command),
    ports: user.ports === undefined ? undefined : [...user.ports],
    ...readyValues(user.ready),
    metrics: metricsOf(user.metrics),
    stopSignal: user.stop?.signal,
    stopGraceMs: optional(user.stop?.grace, readDuration),
    drainMs: optional(user.drain, readDuration),
    dataDir: user.dataDir,
    cpuMillis: optional(user.cpu, (cores) => Math.max(1, Math.round(cores * 1000))),
    memoryMb: optional(user.memory, readMegabytes),
    singleton: user.singleton,
    ...buildValues(user.build),
    ...testValues(user.test),
    tasks: user.tasks,
    ...budgetValues(user.budget),
    rate: optional(user.rate, readRate),
    ratePerDomain: optional(user.ratePerDomain, (rates) => readEach(rates, readRate)),
    taskControl: optional(user.taskControl, taskControlOf),
    onMaintenance: user.onMaintenance,
    driver: optional(user.driver, readDriver),
    failShare: optional(user.judge?.failTogether, readFailShare),
    neighbours: optional(user.judge?.neighbours, (all) => all.map(neighbourOf)),
    confounders: optional(user.judge?.confounders, (all) => all.map(confounderOf)),
    alpha: user.judge?.alpha,
    binMs: optional(user.judge?.bin, readDuration),
    warmupMs: optional(user.judge?.warmup, readDuration),
    calibrate: user.judge?.calibrate,
    placebo: user.judge?.placebo,
    trigger: pipeline.mode,
    branch: pipeline.branch,
    actions: pipeline.actions,
  } as Partial<Settings>;
  const checks = Object.entries(user.checks ?? {}).map(([name, check]) => [name, checkValues(check)] as const);
  return {
    name: 'service',
    values,
    env: user.env,
    secretFiles: user.secretFiles,
    hosts: user.hosts,
    checks: Object.fromEntries(checks),
  };
}

/** What the user says of one environment, as a layer over that of the service. */
export function environmentLayer(name: string, user: number | config.EnvironmentConfig): Layer {
  const said: config.EnvironmentConfig = typeof user === 'number' ? { tasks: user } : user;
  const values = {
    ...rolloutValues(said),
    tasks: said.tasks,
    ...budgetValues(said.budget),
    taskControl: optional(said.taskControl, taskControlOf),
    onMaintenance: said.onMaintenance,
    driver: optional(said.driver, readDriver),
    after: said.after,
    waves: said.waves,
    barrier: said.barrier,
    soakMs: optional(said.soak, readDuration),
  } as Partial<Settings>;
  return { name: `environment ${name}`, values, env: said.env, hosts: said.hosts };
}

/** What the user says of one of several jobs, as a layer over that of its environment. */
export function jobLayer(environment: string, name: string, user: number | config.JobConfig): Layer {
  const said: config.JobConfig = typeof user === 'number' ? { tasks: user } : user;
  const values = {
    ...rolloutValues(said),
    tasks: said.tasks,
    ...budgetValues(said.budget),
    taskControl: optional(said.taskControl, taskControlOf),
    onMaintenance: said.onMaintenance,
    driver: optional(said.driver, readDriver),
  } as Partial<Settings>;
  return { name: `environment ${environment}, job ${name}`, values, env: said.env, hosts: said.hosts };
}

function rolloutValues(said: config.RolloutConfig): Partial<Settings> {
  const bake = said.bake === undefined ? {} : readBake(said.bake);
  return {
    phases: said.phases === undefined || typeof said.phases === 'string' ? undefined : said.phases.map(phaseSetting),
    minBakeMs: bake.minMs,
    maxBakeMs: bake.maxMs,
    concurrency: optional(said.concurrency, readAmount),
    onFail: optional(said.onFail, readOnFail),
    onUndecided: said.onUndecided,
    newcomers: said.newcomers,
    overlap: said.overlap,
    watchMs: optional(said.watch, readDuration),
    forwardOnly: said.forwardOnly,
    strategy: optional(said.strategy, readStrategy),
    picker: said.picker,
    windows: said.windows,
  } as Partial<Settings>;
}

function phaseSetting(said: config.Count | 'all' | config.PhaseConfig): PhaseSetting {
  if (typeof said !== 'object') return { name: undefined, select: said };
  const bake = said.bake === undefined ? {} : readBake(said.bake);
  return {
    name: said.name,
    select: said.select,
    concurrency: optional(said.concurrency, readAmount),
    minBakeMs: bake.minMs,
    maxBakeMs: bake.maxMs,
    onFail: optional(said.onFail, readOnFail),
    onUndecided: said.onUndecided,
  };
}

/** A number or percentage is the budget of the job; parts are said by name. */
function budgetValues(said: config.Count | config.BudgetConfig | undefined): Partial<Settings> {
  const { tasks, perDomain, perGroup } = typeof said === 'object' ? said : { tasks: said };
  return {
    budget: optional(tasks, readAmount),
    budgetPerDomain: optional(perDomain, (domains) => readEach(domains, readAmount)),
    budgetPerGroup: optional(perGroup, ({ groups, max }) => ({
      groups: typeof groups === 'number' ? groups : groups.map((group) => [...group]),
      max: max ?? 1,
    })),
  } as Partial<Settings>;
}

function taskControlOf(said: config.TaskControlConfig): TaskControlSetting | null {
  if (said === 'budget-only') return null;
  const timing = {
    timeoutMs: optional(said.timeout, readDuration) ?? 5000,
    intervalMs: optional(said.interval, readDuration) ?? 2000,
    alarmAfterMs: optional(said.alarmAfter, readDuration) ?? 60_000,
  };
  if ('url' in said) return { kind: 'http', url: said.url, secretHeaders: { ...said.secretHeaders }, ...timing };
  const { port } = said;
  if ('leaderLast' in said) return { kind: 'leader-last', path: said.leaderLast, port, ...timing };
  if ('shardAware' in said) {
    return {
      kind: 'shard-aware',
      path: said.shardAware,
      port,
      keep: said.keep ?? null,
      rideOutMs: optional(said.rideOut, readDuration) ?? null,
      ...timing,
    };
  }
  const low = readPercent(said.low ?? '60%') / 100;
  const high = readPercent(said.high ?? '85%') / 100;
  const limits = { low, high, floor: said.floor ?? 1 };
  if (typeof said.loadAware === 'object') return { kind: 'load-metric', ...said.loadAware, ...limits, ...timing };
  return { kind: 'load-aware', path: said.loadAware, port, low, high, floor: said.floor ?? 1, ...timing };
}

function readyValues(said: config.ServiceConfig['ready']): Partial<Settings> {
  if (said === undefined) return {};
  if (typeof said === 'string') return { ready: { http: { path: said, port: undefined } } };
  const within = optional(said.within, readDuration);
  return { ready: readySetting(said), ...(within === undefined ? {} : { readyWithinMs: within }) };
}

function readySetting(said: Exclude<config.ServiceConfig['ready'], string | undefined>): ReadySetting {
  if ('http' in said) return { http: { path: said.http, port: said.port } };
  if ('tcp' in said) return { tcp: { port: said.tcp } };
  if ('log' in said) return { log: { contains: said.log } };
  return { running: { afterMs: readDuration(said.running) } };
}

function metricsOf(said: config.ServiceConfig['metrics']): Settings['metrics'] | undefined {
  if (said === undefined) return undefined;
  if (typeof said === 'string') return { path: said, port: undefined };
  return { path: said.path ?? '/metrics', port: said.port };
}

function buildValues(said: config.ServiceConfig['build']): Partial<Settings> {
  const build: config.BuildConfig = isCommands(said) ? { commands: said } : (said ?? {});
  return {
    buildCommands: optional(build.commands, readCommands),
    buildInclude: optional(build.include, (include) => [...include]),
    buildExclude: optional(build.exclude, (exclude) => [...exclude]),
    buildTimeoutMs: optional(build.timeout, readDuration),
  } as Partial<Settings>;
}

function testValues(said: config.ServiceConfig['test']): Partial<Settings> {
  if (said === undefined) return {};
  const test: config.TestConfig = isCommands(said) ? { commands: said } : said;
  const timeout = optional(test.timeout, readDuration);
  return { testCommands: readCommands(test.commands), ...(timeout === undefined ? {} : { testTimeoutMs: timeout }) };
}

function isCommands(said: unknown): said is config.Commands {
  return typeof said === 'string' || Array.isArray(said);
}

function checkValues(said: config.CheckConfig | false): Partial<CheckSettings> {
  if (said === false) return { off: true };
  const { delta, margin, limit, window, floor, kayenta: _______, ...more } = said;
  const {
    errorRatio: _,
    latency: __,
    gauge: ___,
    rate: ____,
    perLoad: _____,
    incidents: ______,
    query: ________,
    ...rest
  } = more;
  return {
    ...rest,
    metric: metricOfCheck(said),
    delta: optional(delta, (percent) => readPercent(percent) / 100),
    margin: optional(margin, (percent) => readPercent(percent) / 100),
    limit: optional(limit, readLimit),
    windowMs: optional(window, readDuration),
    floor,
  } as Partial<CheckSettings>;
}

/** What a check says that it measures; one that says nothing changes one that there is by default. */
export function metricKindsOf(check: config.CheckConfig | config.KayentaMetricConfig): unknown[] {
  const { errorRatio, latency, gauge, rate, perLoad, incidents, query, kayenta } = check as config.CheckConfig;
  return [errorRatio, latency, gauge, rate, perLoad, incidents, query, kayenta].filter((kind) => kind !== undefined);
}

/** `1%` → 0.01, `250ms` → 0.25 (seconds), a number as it is. */
function readLimit(limit: NonNullable<config.CheckConfig['limit']>): number {
  if (typeof limit === 'number') return limit;
  return limit.endsWith('%') ? readPercent(limit) / 100 : readDuration(limit) / 1000;
}

function neighbourOf(said: string | config.NeighbourConfig): Settings['neighbours'][number] {
  const own: config.NeighbourConfig = typeof said === 'string' ? { service: said } : said;
  const { service, environment, checks, trust } = own;
  return { service, environment: environment ?? null, checks: checks ? [...checks] : null, trust: trust ?? 'hold' };
}

function confounderOf({ name, metric, above, service }: config.ConfounderConfig): Settings['confounders'][number] {
  return { name, metric, above: above ?? 0, service: service ?? null };
}

/** Of `any`, the smallest weight there is suffices. */
function readFailShare(said: NonNullable<NonNullable<config.ServiceConfig['judge']>['failTogether']>): number {
  if (said === 'any') return 0;
  return said === 'all' ? 1 : readPercent(said) / 100;
}

function metricOfCheck(said: config.CheckConfig): CheckSettings['metric'] | undefined {
  if (said.kayenta) return { kayenta: kayentaOf(said.kayenta) };
  if (typeof said.query === 'string') return { query: { promql: said.query, server: null } };
  if (said.query) return { query: { promql: said.query.promql, server: said.query.server ?? null } };
  if (said.perLoad) return { perLoad: { gauge: said.perLoad.gauge ?? null, counter: said.perLoad.counter ?? null } };
  return said.incidents === undefined ? measuredOf(said) : { incidents: said.incidents };
}

function kayentaOf({ metrics, groupWeights, pass, marginal }: config.KayentaConfig): KayentaSpec {
  return {
    metrics: Object.entries(metrics).map(([name, said]) => ({
      name,
      // Its absence was refused before.
      of: measuredOf(said)!,
      groups: [...(said.groups ?? [name])],
      direction: said.direction ?? 'either',
      nanStrategy: said.nanStrategy ?? 'remove',
      critical: said.critical ?? false,
      mustHaveData: said.mustHaveData ?? false,
      effectSize: { ...said.effectSize },
      outlierFactor: said.outlierFactor ?? null,
    })),
    groupWeights: { ...groupWeights },
    pass: pass ?? 95,
    marginal: marginal ?? 75,
  };
}

function measuredOf(said: config.MeasuredConfig): KayentaSpec['metrics'][number]['of'] | undefined {
  if (said.errorRatio) {
    const { counter, label, values } = said.errorRatio;
    const standard = standardMetrics.errorRatio;
    return {
      errorRatio: {
        counter: counter ?? standard.counter,
        label: label ?? standard.label,
        errorValues: values ?? standard.errorValues,
      },
    };
  }
  if (said.latency) return { latency: { ...standardMetrics.latency, ...said.latency } };
  if (said.gauge !== undefined) return { gauge: said.gauge };
  return said.rate === undefined ? undefined : { rate: said.rate };
}

function optional<T, R>(value: T | undefined, read: (value: T) => R): R | undefined {
  return value === undefined ? undefined : read(value);
}
