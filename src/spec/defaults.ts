import { fleetMetrics, notServed, standardChecks } from '../model/index.ts';
import type * as config from './config.ts';
import type { CheckSettings, Layer, PhaseSetting, Settings } from './layers.ts';

/** What holds when nobody says anything. All but the name and the command. */
const base: Omit<Settings, 'name' | 'command' | 'ready'> = {
  kind: 'server',
  ports: [],
  readyWithinMs: 30_000,
  metrics: null,
  stopSignal: 'SIGTERM',
  stopGraceMs: 10_000,
  drainMs: 5000,
  dataDir: false,
  cpuMillis: 100,
  memoryMb: 256,
  singleton: false,
  buildCommands: [],
  buildInclude: [],
  buildExclude: [],
  buildTimeoutMs: 20 * 60_000,
  testCommands: [],
  testTimeoutMs: 20 * 60_000,
  tasks: 3,
  budget: { percent: 10 },
  budgetPerDomain: {},
  budgetPerGroup: null,
  rate: null,
  ratePerDomain: {},
  taskControl: null,
  onMaintenance: 'move',
  driver: 'fleet',
  phases: [],
  minBakeMs: 60_000,
  maxBakeMs: 600_000,
  concurrency: { percent: 100 },
  onFail: 'revert',
  onUndecided: null,
  newcomers: 'last-good',
  overlap: 'wait',
  watchMs: 3_600_000,
  forwardOnly: false,
  strategy: 'in-place',
  picker: 'newest',
  windows: [],
  soakMs: 0,
  after: null,
  waves: null,
  barrier: 'phase',
  failShare: 0.5,
  neighbours: [],
  confounders: [],
  alpha: 0.01,
  binMs: 10_000,
  warmupMs: 30_000,
  calibrate: 'auto',
  placebo: 'off',
  trigger: 'continuous',
  branch: 'main',
  actions: null,
};

export const baseLayer: Layer = { name: 'base', values: base };

export const kindLayers: Readonly<Record<Settings['kind'], Layer>> = {
  server: { name: 'kind server', values: { ports: ['http'], ready: { tcp: { port: undefined } } } },
  worker: { name: 'kind worker', values: { ports: [], ready: { running: { afterMs: 5000 } }, drainMs: 0 } },
};

/**
 * Nothing is measured but what the fleet sees by itself: a phase waits a fixed and shorter time, in bins that are short
 * enough for a handful of looks in it.
 */
export const withoutMetricsLayer: Layer = {
  name: 'without metrics',
  values: { minBakeMs: 60_000, maxBakeMs: 60_000, binMs: 5000, warmupMs: 15_000, watchMs: 0 },
};

/** What every part of a check is when its owner leaves it out. */
export const checkBase: Omit<CheckSettings, 'metric' | 'off' | 'class' | 'against' | 'guard' | 'floor' | 'spread'> = {
  worse: 'higher',
  limit: null,
  delta: 0.01,
  margin: 0.1,
  critical: false,
  required: false,
  missing: 'undecided',
  minSamples: 0,
  windowMs: null,
  weight: 1,
  trust: 'revert',
};

/** The names that Prometheus client libraries give to requests and their durations. */
export const standardMetrics = {
  errorRatio: { counter: 'http_requests_total', label: 'code', errorValues: '5..' },
  latency: { histogram: 'http_request_duration_seconds', quantile: 0.99 },
} as const;

/** Failing requests and slow ones: compared wherever there are metrics. */
export const standardChecksLayer: Layer = {
  name: 'standard checks',
  values: {},
  checks: {
    errors: { metric: { errorRatio: standardMetrics.errorRatio }, ...standardChecks.errors },
    latency: { metric: { latency: standardMetrics.latency }, ...standardChecks.latency },
  },
};

/**
 * What the fleet sees of every task by itself, compared wherever there are tasks: they can stop a version, and none is
 * needed to pass. A restart alone makes processes differ, so only gross harm counts until past rollouts have shown how
 * much (`spread`), and nothing that is small beside `floor`.
 */
export const guardsLayer: Layer = {
  name: 'guards',
  values: {},
  checks: {
    cpu: guard({ gauge: fleetMetrics.cpu }, { delta: 0.5, margin: 1, floor: 0.02, spread: 0.25 }),
    memory: guard({ gauge: fleetMetrics.memory }, { delta: 0.5, margin: 1, floor: 16 * 1024 * 1024, spread: 0.15 }),
    'memory-growth': guard({ gauge: fleetMetrics.memory }, { against: 'trend', limit: 3 }),
    restarts: guard({ incidents: fleetMetrics.restarts }, { delta: 0.5, margin: 1, spread: 0.3 }),
    readiness: guard(
      { errorRatio: { counter: fleetMetrics.probes, label: 'outcome', errorValues: 'unready' } },
      { delta: 0.5, margin: 1, spread: 0.3 },
    ),
    // Counter and label are those of the check of errors.
    'not-served': {
      ...guard(
        { errorRatio: { counter: '', label: '', errorValues: notServed.http } },
        { delta: 0.5, margin: 1, spread: 0.3 },
      ),
      class: 'call',
    },
    // A balancer decides where connections go: shown, and believed when its owner says so.
    connections: guard(
      { gauge: fleetMetrics.connections },
      { delta: 0.5, margin: 1, floor: 10, spread: 0.5, trust: 'observe' },
    ),
    'cpu-per-request': guard(
      { perLoad: { gauge: fleetMetrics.cpu, counter: null } },
      { delta: 0.3, margin: 0.5, floor: 0.02, spread: 0.25 },
    ),
    'tasks-per-request': guard(
      { perLoad: { gauge: null, counter: null } },
      { delta: 0.2, margin: 0.5, spread: 0.2, trust: 'observe' },
    ),
  },
};

function guard(metric: CheckSettings['metric'], more: Partial<CheckSettings>): Partial<CheckSettings> {
  return { metric, class: 'system', guard: true, critical: true, trust: 'revert', ...more };
}

/** How carefully a version spreads; more care is more phases and more time in each. */
export const templateLayers: Readonly<Record<config.PhaseTemplate, Layer>> = {
  careful: {
    name: 'template careful',
    values: {
      phases: phasesOf(1, '5%', '25%', '50%', 'all'),
      minBakeMs: 300_000,
      maxBakeMs: 1_800_000,
      onUndecided: 'hold',
    },
  },
  standard: { name: 'template standard', values: { phases: phasesOf(1, '25%', 'all') } },
  fast: { name: 'template fast', values: { phases: phasesOf('25%', 'all'), minBakeMs: 15_000, maxBakeMs: 120_000 } },
  'everyone-at-once': {
    name: 'template everyone-at-once',
    values: { phases: phasesOf('all'), minBakeMs: 0, maxBakeMs: 60_000, budget: { percent: 100 } },
  },
};

/**
 * Where everybody stops before anybody starts, or a second set takes over, and nothing else is said: all at once. With phases two versions would run
 * beside each other, and without old tasks most checks have nothing to compare with.
 */
export const recreateLayer: Layer = {
  name: 'strategy recreate',
  values: { phases: phasesOf('all'), onUndecided: 'proceed' },
};

export const retriesOfMachine = 2;
/** A deployment waits for windows, budgets and people: it has no deadline short of a month. */
export const deployTimeoutMs = 30 * 86_400_000;

/** Environments in the order in which a change usually meets them; unknown ones come before production. */
export function stageOf(environment: string): number {
  const stages = ['dev', 'development', 'test', 'testing', 'qa', 'staging', 'stage', 'canary'];
  const at = stages.indexOf(environment);
  if (at >= 0) return at;
  return environment === 'production' || environment === 'prod' ? 100 : 50;
}

function phasesOf(...selects: config.Select[]): PhaseSetting[] {
  return selects.map((select) => ({ name: undefined, select }));
}
