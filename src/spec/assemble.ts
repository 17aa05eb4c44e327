import type { CheckSpec, EnvironmentSpec, JudgeSpec, ServiceSpec } from '../model/index.ts';
import { assembleGroup, assembleJob, namedJobs } from './assemble-jobs.ts';
import { assemblePipeline, type NamedEnvironment } from './assemble-pipeline.ts';
import { assembleTask } from './assemble-task.ts';
import type { Origin } from './compiled.ts';
import type * as config from './config.ts';
import {
  baseLayer,
  checkBase,
  guardsLayer,
  kindLayers,
  recreateLayer,
  standardChecksLayer,
  templateLayers,
  withoutMetricsLayer,
} from './defaults.ts';
import { type Layer, type Leaf, type Resolved, resolveLayers } from './layers.ts';
import { environmentLayer, metricKindsOf, serviceLayer } from './layers-of-user.ts';
import { type OriginBook, openOriginBook } from './origins.ts';

/**
 * Puts the canonical form together from a configuration that the schema has let through, and notes for each value
 * which layer set it: base < kind of service < metrics or none < template < service < environment.
 */
export function assemble(user: config.ServiceConfig): { spec: ServiceSpec; origins: Origin[] } {
  const book = openOriginBook();
  const layers = layersOfService(user);
  const service = resolveLayers(layers);
  const environments = environmentsOf(user, layers);
  const judge = assembleJudge(service, book);
  const spec: ServiceSpec = {
    format: book.at('format', { value: 1 as const, layer: 'base' }),
    name: book.at('name', service.values.name),
    task: assembleTask(service, book),
    environments: environments.map((environment) => assembleEnvironment(environment, user, book)),
    rates: {
      service: book.at('rates.service', service.values.rate),
      perDomain: book.at('rates.perDomain', service.values.ratePerDomain),
    },
    pipeline: assemblePipeline(service, environments, judge.checks.length > 0, book),
    judge,
  };
  return { spec, origins: book.all() };
}

/** The layers of a service, lowest first. */
export function layersOfService(user: config.ServiceConfig): Layer[] {
  const template = typeof user.phases === 'string' ? user.phases : 'standard';
  return [
    baseLayer,
    kindLayers[user.kind ?? 'server'],
    measuredLayer(user),
    guardsFor(user),
    templateLayers[template],
    ...(isAllAtOnce(user, user) ? [recreateLayer] : []),
    serviceLayer(user),
  ];
}

/** Metrics that are handed in need no `metrics`: who writes a check says that there are some. */
function measuredLayer({ metrics, checks = {} }: config.ServiceConfig): Layer {
  if (metrics !== undefined) return standardChecksLayer;
  const standard = Object.entries(standardChecksLayer.checks ?? {}).filter(([name]) => checks[name]);
  const isMeasured =
    standard.length > 0 || Object.values(checks).some((check) => check !== false && metricKindsOf(check).length > 0);
  return isMeasured ? { ...standardChecksLayer, checks: Object.fromEntries(standard) } : withoutMetricsLayer;
}

/** A check that measures something of its own is no guard, whatever its name. */
function guardsFor({ checks = {} }: config.ServiceConfig): Layer {
  const kept = Object.entries(guardsLayer.checks ?? {}).filter(([name]) => {
    const own = checks[name];
    return own === undefined || own === false || metricKindsOf(own).length === 0;
  });
  return { ...guardsLayer, checks: Object.fromEntries(kept) };
}

function environmentsOf(user: config.ServiceConfig, layers: readonly Layer[]): NamedEnvironment[] {
  const said = Object.entries(user.environments ?? { production: {} });
  return said
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([name, environment]) => {
      const template = typeof environment === 'object' ? environment.phases : undefined;
      const own = typeof template === 'string' ? [templateLayers[template]] : strategyLayers(user, environment);
      // Variables of the service travel with the task; an environment lists only its own.
      const shared = layers.map((layer) => ({ ...layer, env: undefined }));
      const all = [...shared, ...own, environmentLayer(name, environment)];
      return { name, resolved: resolveLayers(all), jobs: namedJobs(name, environment, all) };
    });
}

function isForAll(strategy: config.RolloutConfig['strategy']): boolean {
  return (
    strategy === 'recreate' || strategy === 'blue-green' || (typeof strategy === 'object' && 'blueGreen' in strategy)
  );
}

/** Neither of them says in which phases, and all stop before any of them starts. */
function isAllAtOnce(said: config.RolloutConfig, service: config.RolloutConfig): boolean {
  return isForAll(said.strategy) && said.phases === undefined && service.phases === undefined;
}

/** An environment whose strategy is another one than that of the service. */
function strategyLayers(user: config.ServiceConfig, environment: number | config.EnvironmentConfig): Layer[] {
  if (typeof environment !== 'object' || environment.strategy === undefined) return [];
  if (isAllAtOnce(environment, user)) return [recreateLayer];
  return isAllAtOnce(user, user) && environment.phases === undefined ? [templateLayers.standard] : [];
}

function assembleEnvironment(
  { name, resolved, jobs }: NamedEnvironment,
  user: config.ServiceConfig,
  book: OriginBook,
): EnvironmentSpec {
  const path = `environments.${name}`;
  const layer = user.environments === undefined ? 'base' : 'service';
  const environment = assembleJob(name, layer, path, resolved, book);
  if (jobs === undefined) return environment;
  return {
    ...environment,
    jobs: jobs.map((job) => assembleJob(job.name, layer, `${path}.jobs.${job.name}`, job.resolved, book)),
    group: assembleGroup(name, jobs, resolved, book),
  };
}

function assembleJudge({ values, checks }: Resolved, book: OriginBook): JudgeSpec {
  const kept = Object.entries(checks)
    .filter(([, check]) => check.off?.value !== true)
    .sort(([a], [b]) => (a < b ? -1 : 1));
  const isGuard = ([, check]: (typeof kept)[number]) => check.guard?.value === true;
  const own = kept.filter((one) => !isGuard(one)).map(([name, check]) => assembleCheck('checks', name, check, book));
  const guards = kept.filter(isGuard).map(([name, check]) => assembleCheck('guards', name, check, book));
  return {
    checks: own.length === 0 ? book.derived('judge.checks', []) : own,
    guards: guards.length === 0 ? book.derived('judge.guards', []) : guards,
    neighbours: book.at('judge.neighbours', values.neighbours),
    confounders: book.at('judge.confounders', values.confounders),
    failShare: book.at('judge.failShare', values.failShare),
    alpha: book.at('judge.alpha', values.alpha),
    binMs: book.at('judge.binMs', values.binMs),
    warmupMs: book.at('judge.warmupMs', values.warmupMs),
    calibrate: book.at('judge.calibrate', values.calibrate),
    placebo: book.at('judge.placebo', values.placebo),
  };
}

function assembleCheck(
  list: 'checks' | 'guards',
  name: string,
  check: Resolved['checks'][string],
  book: OriginBook,
): CheckSpec {
  const path = `judge.${list}.${name}`;
  const { guard, floor, spread } = check;
  const part = <K extends keyof typeof checkBase>(key: K): Leaf<(typeof checkBase)[K]> =>
    (check[key] as Leaf<(typeof checkBase)[K]> | undefined) ?? { value: checkBase[key], layer: 'base' };
  return {
    name: book.derived(`${path}.name`, name),
    // Its absence was refused before.
    metric: book.at(`${path}.metric`, check.metric as Leaf<CheckSpec['metric']>),
    worse: book.at(`${path}.worse`, part('worse')),
    class: check.class ? book.at(`${path}.class`, check.class) : book.derived(`${path}.class`, classOf(check)),
    against: check.against
      ? book.at(`${path}.against`, check.against)
      : book.derived(`${path}.against`, check.limit ? 'limit' : 'old'),
    limit: book.at(`${path}.limit`, part('limit')),
    delta: book.at(`${path}.delta`, part('delta')),
    margin: book.at(`${path}.margin`, part('margin')),
    critical: book.at(`${path}.critical`, part('critical')),
    required: book.at(`${path}.required`, part('required')),
    missing: book.at(`${path}.missing`, part('missing')),
    minSamples: book.at(`${path}.minSamples`, part('minSamples')),
    windowMs: book.at(`${path}.windowMs`, part('windowMs')),
    weight: book.at(`${path}.weight`, part('weight')),
    trust: book.at(`${path}.trust`, part('trust')),
    ...(guard?.value === true && { guard: book.at(`${path}.guard`, guard) as true }),
    ...(floor && { floor: book.at(`${path}.floor`, floor as Leaf<number>) }),
    ...(spread && { spread: book.at(`${path}.spread`, spread as Leaf<number>) }),
  };
}

/** Failures and durations speak of calls, everything else of resources, until its owner says otherwise. */
function classOf({ metric }: Resolved['checks'][string]): CheckSpec['class'] {
  return metric && ('errorRatio' in metric.value || 'latency' in metric.value) ? 'call' : 'system';
}
