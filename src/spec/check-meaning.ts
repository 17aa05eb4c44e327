import { type EnvironmentSpec, type JobSpec, jobsOf, type PlanSpec, type ServiceSpec } from '../model/index.ts';
import { placeholdersOf } from './command.ts';
import type * as config from './config.ts';
import type { ConfigError, Path } from './config-errors.ts';
import { guardsLayer } from './defaults.ts';
import { metricKindsOf } from './layers-of-user.ts';
import { suggest } from './suggest.ts';

const mistake = (path: Path, message: string, remedy?: string): ConfigError => ({
  code: 'spec/invalid',
  path,
  message,
  remedy,
});

/** Mistakes between values that are each well-formed, found before the canonical form is put together. */
export function checkUser(user: config.ServiceConfig): ConfigError[] {
  return [...checkChecks(user), ...checkAfter(user), ...checkPhases(user), ...checkWaves(user)];
}

function checkChecks(user: config.ServiceConfig): ConfigError[] {
  const guards = Object.keys(guardsLayer.checks ?? {});
  const standard = ['errors', 'latency', ...guards];
  return Object.entries(user.checks ?? {}).flatMap(([name, check]) => {
    if (check === false) {
      return standard.includes(name) ? [] : [mistake(['checks', name], 'is no check that there would be by default')];
    }
    if (check.kayenta) return checkKayenta(name, check);
    const kinds = metricKindsOf(check);
    const limited = checkLimit(name, check);
    if (limited) return [limited];
    const all = 'errorRatio, latency, gauge, rate, perLoad, incidents, query, kayenta';
    if (kinds.length > 1) return [mistake(['checks', name], `must have only one of ${all}`)];
    if (kinds.length === 1 || standard.includes(name)) return [];
    return [mistake(['checks', name], `must have one of ${all}`)];
  });
}

/** What another method has no use for, groups that weigh more than there is, limits the wrong way round. */
function checkKayenta(name: string, check: config.CheckConfig): ConfigError[] {
  const { metrics, groupWeights = {}, pass = 95, marginal = 75 } = check.kayenta!;
  const path = ['checks', name];
  const unused = (['against', 'limit', 'delta', 'margin', 'worse', 'missing', 'required'] as const).filter(
    (key) => check[key] !== undefined,
  );
  const errors = unused.map((key) =>
    mistake([...path, key], 'has no meaning with `kayenta`', 'Say it of its metrics.'),
  );
  if (metricKindsOf(check).length > 1)
    errors.push(mistake(path, 'must have only one of errorRatio, latency, gauge, rate, kayenta'));
  if (Object.keys(metrics).length === 0) errors.push(mistake([...path, 'kayenta', 'metrics'], 'must not be empty'));
  for (const [metric, said] of Object.entries(metrics)) {
    if (metricKindsOf(said).length !== 1)
      errors.push(
        mistake([...path, 'kayenta', 'metrics', metric], 'must have one of errorRatio, latency, gauge, rate'),
      );
  }
  const known = new Set(Object.entries(metrics).flatMap(([metric, { groups }]) => groups ?? [metric]));
  for (const group of Object.keys(groupWeights)) {
    if (!known.has(group))
      errors.push(mistake([...path, 'kayenta', 'groupWeights', group], 'is a group that no metric is in'));
  }
  const total = Object.values(groupWeights).reduce((sum, weight) => sum + weight, 0);
  if (total > 100) errors.push(mistake([...path, 'kayenta', 'groupWeights'], `sum to ${total}, more than 100`));
  if (marginal > pass) errors.push(mistake([...path, 'kayenta', 'marginal'], `is ${marginal}, above pass (${pass})`));
  return errors;
}

/** A limit where one is meant, and in the unit of what it limits. */
function checkLimit(name: string, { against, limit, ...check }: config.CheckConfig): ConfigError | undefined {
  const path = ['checks', name, 'limit'];
  if (limit === undefined) {
    const isNeeded = against === 'limit' || against === 'trend';
    return isNeeded ? mistake(path, `is needed by \`against: ${against}\``, 'Say the limit.') : undefined;
  }
  if (against === 'old' || against === 'before') {
    return mistake(
      path,
      `has no meaning with \`against: ${against}\``,
      'Use `delta` and `margin`, or `against: limit`.',
    );
  }
  const isPercent = typeof limit === 'string' && limit.endsWith('%');
  const isDuration = typeof limit === 'string' && !isPercent;
  if (against === 'trend' && !check.gauge && !check.rate) {
    return mistake(['checks', name, 'against'], 'can be `trend` only of a gauge or a rate');
  }
  if (against === 'trend') return isPercent ? undefined : mistake(path, 'must be a percentage an hour such as "5%"');
  const isLatency =
    check.latency !== undefined || (name === 'latency' && !check.errorRatio && !check.gauge && !check.rate);
  const isErrors =
    check.errorRatio !== undefined || (name === 'errors' && !check.latency && !check.gauge && !check.rate);
  if (isLatency) return isDuration ? undefined : mistake(path, 'must be a duration such as "250ms"');
  if (isErrors) return isPercent ? undefined : mistake(path, 'must be a percentage such as "1%"');
  return typeof limit === 'number' ? undefined : mistake(path, 'must be a number, in the unit of the metric');
}

function checkAfter(user: config.ServiceConfig): ConfigError[] {
  const environments = Object.keys(user.environments ?? {});
  return Object.entries(user.environments ?? {}).flatMap(([name, said]) => {
    const after = typeof said === 'object' ? said.after : undefined;
    if (after === undefined || (environments.includes(after) && after !== name)) return [];
    const meant = suggest(
      after,
      environments.filter((other) => other !== name),
    );
    const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
    return [mistake(['environments', name, 'after'], `is "${after}", which is no other environment${hint}`)];
  });
}

/** Every job is in one wave, and nothing else is; without jobs there is nothing to put in order. */
function checkWaves(user: config.ServiceConfig): ConfigError[] {
  return Object.entries(user.environments ?? {}).flatMap(([name, said]) => {
    if (typeof said !== 'object') return [];
    const path: Path = ['environments', name];
    const jobs = Object.keys(said.jobs ?? {});
    if (said.jobs === undefined) {
      const loose = (['waves', 'barrier'] as const).filter((key) => said[key] !== undefined);
      return loose.map((key) => mistake([...path, key], 'needs `jobs`: there is only one', 'Name the jobs in `jobs`.'));
    }
    if (said.waves === undefined) return [];
    const named = said.waves.flat();
    const errors: ConfigError[] = [];
    for (const job of new Set(named)) {
      if (!jobs.includes(job)) {
        const meant = suggest(job, jobs);
        const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
        errors.push(mistake([...path, 'waves'], `has "${job}", which is no job${hint}`));
      } else if (named.indexOf(job) !== named.lastIndexOf(job)) {
        errors.push(mistake([...path, 'waves'], `has "${job}" twice`));
      }
    }
    for (const job of jobs) {
      if (!named.includes(job)) errors.push(mistake([...path, 'waves'], `leaves out "${job}"`, 'Put it in a wave.'));
    }
    return errors;
  });
}

/** The last phase must reach everybody, or some tasks would keep the old version for ever. */
function checkPhases(user: config.ServiceConfig): ConfigError[] {
  const places: [Path, config.RolloutConfig][] = [[[], user]];
  for (const [name, said] of Object.entries(user.environments ?? {})) {
    if (typeof said !== 'object') continue;
    places.push([['environments', name], said]);
    for (const [job, of] of Object.entries(said.jobs ?? {})) {
      if (typeof of === 'object') places.push([['environments', name, 'jobs', job], of]);
    }
  }
  return places.flatMap(([path, { phases }]) => {
    if (phases === undefined || typeof phases === 'string') return [];
    const errors: ConfigError[] = [];
    const last = phases.at(-1)!;
    const select = typeof last === 'object' ? last.select : last;
    if (select !== 'all' && select !== '100%') {
      errors.push(mistake([...path, 'phases', phases.length - 1], 'must be "all": it is the last phase', 'Add "all".'));
    }
    const names = phases.map((phase) => (typeof phase === 'object' ? phase.name : undefined));
    names.forEach((name, at) => {
      if (name !== undefined && names.indexOf(name) !== at) {
        errors.push(mistake([...path, 'phases', at, 'name'], `is "${name}", like that of another phase`));
      }
    });
    return errors;
  });
}

/** Mistakes that show in the canonical form only. */
export function checkSpec(spec: ServiceSpec): ConfigError[] {
  const { task } = spec;
  const errors: ConfigError[] = [];
  const isPort = (port: string, path: Path) => {
    if (task.ports.includes(port)) return;
    const has = task.ports.length === 0 ? 'the service has no ports' : `its ports are ${task.ports.join(', ')}`;
    const message = port === '' ? `needs a port, and ${has}` : `is "${port}", but ${has}`;
    errors.push(mistake(path, message, 'Name the port in `ports`.'));
  };
  if ('http' in task.ready) isPort(task.ready.http.port, ['ready']);
  if ('tcp' in task.ready) isPort(task.ready.tcp.port, ['ready']);
  if (task.metrics !== null) isPort(task.metrics.port, ['metrics']);
  for (const placeholder of placeholdersOf(task.command)) {
    if (placeholder === 'port') isPort(task.ports[0] ?? '', ['command']);
    if (placeholder.startsWith('port:')) isPort(placeholder.slice('port:'.length), ['command']);
  }
  task.ports.forEach((port, at) => {
    if (task.ports.indexOf(port) !== at) errors.push(mistake(['ports', at], `is "${port}", like another one`));
  });
  for (const [where, { taskControl }] of spec.environments.flatMap(whereJobsAre)) {
    if (taskControl === null || taskControl.kind === 'http') continue;
    const path = [...where, 'taskControl'];
    if (taskControl.kind !== 'load-metric') isPort(taskControl.port, [...path, 'port']);
    if ('low' in taskControl && taskControl.low >= taskControl.high) {
      errors.push(mistake(path, 'has a `low` that is not below its `high`'));
    }
  }
  return [...errors, ...checkActions(spec)];
}

type DeployAction = Extract<ServiceSpec['pipeline']['actions'][number], { type: 'deploy' }>;

function checkActions(spec: ServiceSpec): ConfigError[] {
  const environments = spec.environments.map(({ name }) => name);
  const errors: ConfigError[] = [];
  const deployedBy = new Map<string, string>();
  for (const action of spec.pipeline.actions) {
    const path = ['pipeline', 'actions', action.name];
    if (action.type === 'perf-test') {
      if (action.delta >= action.margin) errors.push(mistake([...path, 'delta'], 'must be below its margin'));
      if (action.minPairs > action.maxPairs) errors.push(mistake([...path, 'pairs'], 'has a min above its max'));
    }
    if (!('environment' in action)) continue;
    if (!environments.includes(action.environment)) {
      const meant = suggest(action.environment, environments);
      const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
      errors.push(mistake([...path, 'environment'], `is "${action.environment}", which is no environment${hint}`));
    }
    if (action.type !== 'deploy') continue;
    const other = deployedBy.get(action.environment);
    if (other) errors.push(mistake([...path, 'environment'], `is deployed to by "${other}" too`));
    deployedBy.set(action.environment, action.name);
    errors.push(...checkRecreate(spec, action));
    const plans: [string[], PlanSpec][] = [[['plan'], action.plan]];
    for (const [job, plan] of Object.entries(action.plans ?? {})) plans.push([['plans', job], plan]);
    for (const [where, { phases }] of plans) {
      for (const phase of phases) {
        if (phase.minBakeMs <= phase.maxBakeMs) continue;
        errors.push(mistake([...path, ...where, phase.name], 'has a bake whose min is longer than its max'));
      }
    }
  }
  return errors;
}

/** All of a phase are out at once: whatever limits that has to be said away, by name. */
function checkRecreate(spec: ServiceSpec, action: DeployAction): ConfigError[] {
  const environment = spec.environments.find((one) => one.name === action.environment);
  if (environment === undefined) return [];
  return jobsOf(environment, action).flatMap(({ job, spec: of, plan }) => {
    const path = ['environments', environment.name, ...(job === undefined ? [] : ['jobs', job])];
    if (plan.strategy === 'recreate') return checkWhole(path, of);
    const hasSecondSet = typeof plan.strategy === 'object' && 'blueGreen' in plan.strategy;
    if (!hasSecondSet) return [];
    const message = 'is said of this service, and `blue-green` runs a second set beside the first';
    const twice = spec.task.singleton
      ? [mistake(['singleton'], message, 'Leave `singleton` out, or take another strategy.')]
      : [];
    return [...twice, ...checkBeside(path, of, plan)];
  });
}

function checkWhole(path: Path, { budget, budgetPerDomain, budgetPerGroup }: JobSpec): ConfigError[] {
  const isWhole = (amount: typeof budget): boolean => 'percent' in amount && amount.percent === 100;
  const errors: ConfigError[] = [];
  if (!isWhole(budget)) {
    const message = 'must be "100%" with `strategy: recreate`: all tasks of a phase are out at once';
    errors.push(mistake([...path, 'budget'], message, 'Say `budget: "100%"`, or take another strategy.'));
  }
  const isLimited = budgetPerGroup !== null || Object.values(budgetPerDomain).some((amount) => !isWhole(amount));
  if (isLimited) {
    const message = 'limits parts of the job, and `strategy: recreate` takes all of them out at once';
    errors.push(
      mistake([...path, 'budget'], message, 'Leave `perDomain` and `perGroup` out, or take another strategy.'),
    );
  }
  return errors;
}

/** A second set takes over as a whole: what speaks of parts of the job has no meaning for it. */
function checkBeside(path: Path, { budgetPerDomain, budgetPerGroup }: JobSpec, { phases }: PlanSpec): ConfigError[] {
  const errors: ConfigError[] = [];
  const [, own] = phases;
  const isForAll = own !== undefined && 'percent' in own.select && own.select.percent === 100;
  if (phases.length > 2 || !isForAll) {
    const message = 'has several steps, and `blue-green` switches all traffic at once';
    errors.push(mistake([...path, 'phases'], message, "Leave `phases` out, or say `phases: ['all']`."));
  }
  if (budgetPerGroup !== null || Object.keys(budgetPerDomain).length > 0) {
    const message = 'limits parts of the job, and with `blue-green` the second set serves in place of all of them';
    errors.push(
      mistake([...path, 'budget'], message, 'Leave `perDomain` and `perGroup` out, or take another strategy.'),
    );
  }
  return errors;
}

/** An environment's jobs with their place in the configuration; the environment itself where it is the only one. */
function whereJobsAre(environment: EnvironmentSpec): [Path, JobSpec][] {
  const path: Path = ['environments', environment.name];
  if (environment.jobs === undefined) return [[path, environment]];
  return environment.jobs.map((job) => [[...path, 'jobs', job.name], job]);
}
