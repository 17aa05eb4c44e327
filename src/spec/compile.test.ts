import fc from 'fast-check';
import { describe, expect, expectTypeOf, it } from 'vitest';
import { stableJson } from '../kit/index.ts';
import { type Problem, type ServiceSpec, serviceSpecSchema } from '../model/index.ts';
import type { ServiceConfig } from './config.ts';
import { compileSpec, configJsonSchema, diffSpecs, explainConfig, leavesOf, parseYaml } from './index.ts';
import type { ConfigInput } from './schema.ts';

const minimal = { name: 'web', command: 'node server.js' };

function compile(value: unknown) {
  const compiled = compileSpec(value, 'rollway.config.ts');
  if (!compiled.ok) throw new Error(compiled.error.map((problem) => problem.detail).join('\n'));
  return compiled.value;
}

function refusals(value: unknown): readonly Problem[] {
  const compiled = compileSpec(value, 'rollway.config.ts');
  return compiled.ok ? [] : compiled.error;
}

const details = (value: unknown) => refusals(value).map((problem) => problem.detail.replace('rollway.config.ts: ', ''));

const everything: ServiceConfig = {
  name: 'shop',
  kind: 'server',
  command: ['node', 'server.js', '--port', '{port:http}', '--data', '{dataDir}'],
  ports: ['http', 'admin'],
  ready: { http: '/ready', port: 'admin', within: '45s' },
  metrics: { path: '/prom', port: 'admin' },
  env: { LOG: 'info', MODE: 'x' },
  secretFiles: { TOKEN: '/run/token' },
  stop: { signal: 'SIGINT', grace: '20s' },
  drain: '7s',
  cpu: 0.5,
  memory: '1GB',
  singleton: true,
  build: { commands: ['npm ci', ['npm', 'run', 'build']], include: ['dist'], timeout: '5m' },
  test: { commands: 'npm test', timeout: '3m' },
  tasks: 6,
  budget: 2,
  hosts: { disk: 'ssd' },
  phases: [1, { name: 'rack-a', select: { rack: 'a' }, bake: '30s', onFail: { hold: '10m' } }, '50%', 'all'],
  bake: { min: '20s', max: '5m' },
  concurrency: '50%',
  onFail: 'hold',
  onUndecided: 'hold',
  newcomers: 'new',
  overlap: 'supersede',
  forwardOnly: true,
  strategy: { surge: 2 },
  picker: 'every',
  windows: [{ from: '09:00', to: '17:00', days: ['fri', 'mon'], timeZone: 'Europe/Berlin' }],
  environments: { staging: 1, production: { tasks: 12, env: { MODE: 'y' }, after: 'staging', soak: '1h' } },
  checks: {
    errors: { errorRatio: { label: 'status' }, margin: '20%' },
    latency: false,
    queue: { gauge: 'queue_length', worse: 'higher', trust: 'hold' },
  },
  judge: { alpha: 0.01, bin: '1s', warmup: '5s' },
  pipeline: { mode: 'manual', branch: 'trunk' },
};

it('H2 a check of one’s own takes nothing from the standard ones: each of them still stops a phase alone', () => {
  const { spec } = compile({ ...minimal, metrics: '/metrics', checks: { memory: { gauge: 'rss' } } });
  const found = spec.judge.checks.map(({ name, critical, delta, margin }) => ({ name, critical, delta, margin }));
  expect(found).toEqual([
    { name: 'errors', critical: true, delta: 0.03, margin: 0.5 },
    { name: 'latency', critical: true, delta: 0.05, margin: 0.25 },
    { name: 'memory', critical: false, delta: 0.01, margin: 0.1 },
  ]);
  expect(spec.judge.alpha).toBe(0.01);
});

describe('TWS-4 the smallest configuration', () => {
  it('is a name and a command; everything else has a default', () => {
    const { spec } = compile(minimal);
    expect(spec.task).toMatchObject({
      command: ['node', 'server.js'],
      ports: ['http'],
      ready: { tcp: { port: 'http' } },
    });
    expect(spec.environments).toEqual([
      {
        ...{ name: 'production', tasks: 3, env: {}, hosts: {} },
        ...{ budget: { percent: 10 }, budgetPerDomain: {}, budgetPerGroup: null },
        ...{ taskControl: null, onMaintenance: 'move', driver: 'fleet' },
      },
    ]);
    expect(spec.rates).toEqual({ service: null, perDomain: {} });
    expect(spec.pipeline.actions.map((action) => [action.name, action.needs])).toEqual([
      ['build', []],
      ['deploy-production', ['build']],
    ]);
    expect(spec.judge.checks).toEqual([]);
  });

  it('C1 D11 takes budgets of parts and rates, each with its origin', () => {
    const compiled = compileSpec(
      {
        ...{ name: 'web', command: 'node server.js', rate: '10/1m', ratePerDomain: { rack: '2/30s' } },
        budget: { tasks: '20%', perDomain: { rack: 1, region: '50%' } },
        environments: { staging: 3, production: { tasks: 12, budget: { perGroup: { groups: 3 } } } },
      },
      'rollway.yaml',
    );
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
    const { spec, origins } = compiled.value;
    const perDomain = { rack: { count: 1 }, region: { percent: 50 } };
    expect(spec.environments).toMatchObject([
      { budget: { percent: 20 }, budgetPerDomain: perDomain, budgetPerGroup: { groups: 3, max: 1 } },
      { budget: { percent: 20 }, budgetPerDomain: perDomain, budgetPerGroup: null },
    ]);
    expect(spec.rates).toEqual({
      service: { count: 10, perMs: 60_000 },
      perDomain: { rack: { count: 2, perMs: 30_000 } },
    });
    const layer = (path: string) => origins.find((one) => one.path.startsWith(path))?.layer;
    expect(layer('environments.production.budgetPerGroup')).toBe('environment production');
    expect(layer('environments.staging.budgetPerDomain')).toBe('service');
    expect(layer('rates.service')).toBe('service');
  });

  it('rolls 1 task → 25 % → all, and waits a fixed time where nothing is measured', () => {
    const deploy = compile(minimal).spec.pipeline.actions.at(-1)!;
    const phases = deploy.type === 'deploy' ? deploy.plan.phases : [];
    expect(phases.map(({ name, select, minBakeMs, maxBakeMs }) => [name, select, minBakeMs, maxBakeMs])).toEqual([
      ['one-task', { count: 1 }, 60_000, 60_000],
      ['percent-25', { percent: 25 }, 60_000, 60_000],
      ['all', { percent: 100 }, 60_000, 60_000],
    ]);
  });

  it('H7 takes checks against limits, the time before and trends; every part has a default and an origin', () => {
    const checks = {
      errors: { limit: '1%' },
      latency: { limit: '250ms', weight: 2 },
      heap: { gauge: 'heap_bytes', against: 'trend', limit: '5%' },
      orders: { rate: 'orders_total', class: 'business', worse: 'lower', missing: 'zero', minSamples: 9, window: '5m' },
    };
    const compiled = compileSpec({ ...minimal, metrics: '/m', checks, judge: { failTogether: 'any' } }, 'rollway.yaml');
    if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
    const { spec, origins } = compiled.value;
    expect(spec.judge.failShare).toBe(0);
    expect(spec.judge.checks).toMatchObject([
      { name: 'errors', class: 'call', against: 'limit', limit: 0.01, weight: 1 },
      { name: 'heap', class: 'system', against: 'trend', limit: 0.05, missing: 'undecided', windowMs: null },
      { name: 'latency', class: 'call', against: 'limit', limit: 0.25, weight: 2 },
      {
        name: 'orders',
        class: 'business',
        against: 'old',
        limit: null,
        missing: 'zero',
        minSamples: 9,
        windowMs: 300_000,
      },
    ]);
    const layer = (path: string) => origins.find((one) => one.path === `judge.checks.${path}`)?.layer;
    expect([layer('errors.limit'), layer('errors.against'), layer('errors.weight')]).toEqual([
      'service',
      'derived',
      'base',
    ]);
  });

  it('TWH-5 takes PromQL as it is, or with a server of the operator’s by name, and refuses what cannot be any', () => {
    const compiled = (query: unknown) => compileSpec({ ...minimal, checks: { slow: { query } } }, 'rollway.yaml');
    const promql = 'sum by (instance) (rate(x{job="{service}", a=~"[)]"}[{bin}]))';
    const one = compiled(promql);
    expect(one.ok && one.value.spec.judge.checks[0]?.metric).toEqual({ query: { promql, server: null } });
    const two = compiled({ promql: 'x', server: 'main' });
    expect(two.ok && two.value.spec.judge.checks[0]?.metric).toEqual({ query: { promql: 'x', server: 'main' } });
    for (const wrong of [
      '',
      'sum by (',
      'x)',
      'x{a="b}',
      'x\u0000',
      'x'.repeat(2001),
      { promql: 'x', url: 'http://x' },
    ])
      expect(compiled(wrong).ok).toBe(false);
  });

  it.each([
    [{ errors: { limit: '5ms' } }, 'checks.errors.limit must be a percentage such as "1%"'],
    [{ latency: { limit: '5%' } }, 'checks.latency.limit must be a duration such as "250ms"'],
    [{ heap: { gauge: 'heap', limit: '5%' } }, 'checks.heap.limit must be a number, in the unit of the metric'],
    [{ heap: { gauge: 'heap', against: 'trend' } }, 'checks.heap.limit is needed by `against: trend`'],
    [{ errors: { against: 'trend', limit: '5%' } }, 'checks.errors.against can be `trend` only of a gauge or a rate'],
    [{ errors: { against: 'old', limit: '5%' } }, 'checks.errors.limit has no meaning with `against: old`'],
  ])('H7 refuses %j', (checks, message) => {
    const compiled = compileSpec({ ...minimal, metrics: '/m', checks }, 'rollway.yaml');
    expect(compiled.ok).toBe(false);
    if (!compiled.ok) expect(compiled.error[0]!.detail).toContain(message);
  });

  it('D2 recreate takes everybody at once where no phases are said, and needs the whole budget by name', () => {
    const all = { ...minimal, budget: '100%', strategy: 'recreate' };
    const planned = (config: object, environment = 'production') => {
      const actions = compile(config).spec.pipeline.actions;
      const deploy = actions.find((one) => one.type === 'deploy' && one.environment === environment);
      if (deploy?.type !== 'deploy') throw new Error('no deploy action');
      return { strategy: deploy.plan.strategy, phases: deploy.plan.phases.map(({ name }) => name) };
    };
    expect(planned(all)).toEqual({ strategy: 'recreate', phases: ['all'] });
    expect(planned({ ...all, phases: ['25%', 'all'] }).phases).toEqual(['percent-25', 'all']);
    const mixed = { ...all, environments: { staging: { strategy: 'in-place' }, production: 3 } };
    expect(planned(mixed).phases).toEqual(['all']);
    expect(planned(mixed, 'staging').phases).toEqual(['one-task', 'percent-25', 'all']);
    const own = { ...minimal, environments: { production: { strategy: 'recreate', budget: '100%' } } };
    expect(planned(own)).toEqual({ strategy: 'recreate', phases: ['all'] });
  });

  it('D2 blue/green has a second set as its first phase, and keeps the old one for as long as said', () => {
    const deployOf = (config: object) => {
      const deploy = compile({ ...minimal, ...config }).spec.pipeline.actions.at(-1)!;
      if (deploy.type !== 'deploy') throw new Error('no deploy action');
      return deploy.plan;
    };
    const plan = deployOf({ strategy: 'blue-green' });
    expect(plan.strategy).toEqual({ blueGreen: { checkMs: 30_000, keepOldMs: 600_000 } });
    expect(plan.phases).toMatchObject([
      { name: 'second-set', select: { secondSet: true }, minBakeMs: 600_000, maxBakeMs: 600_000 },
      { name: 'all', select: { percent: 100 } },
    ]);
    const own = deployOf({ strategy: { blueGreen: { check: '2s', keepOld: '1m' } }, onFail: 'hold' });
    expect(own.strategy).toEqual({ blueGreen: { checkMs: 2000, keepOldMs: 60_000 } });
    expect(own.phases.map(({ onFail, minBakeMs }) => [onFail, minBakeMs])[0]).toEqual(['hold', 60_000]);
  });

  it.each([
    [{ strategy: 'blue-green', phases: [1, 'all'] }, 'has several steps'],
    [{ strategy: 'blue-green', budget: { tasks: 1, perGroup: { groups: 2 } } }, 'budget limits parts of the job'],
    [{ strategy: 'blue-green', singleton: true }, 'singleton is said of this service'],
    [{ strategy: 'recreate' }, 'environments.production.budget must be "100%" with `strategy: recreate`'],
    [{ strategy: 'recreate', budget: 3 }, 'environments.production.budget must be "100%"'],
    [{ strategy: 'recreate', budget: { tasks: '100%', perDomain: { rack: 1 } } }, 'budget limits parts of the job'],
    [{ strategy: 'recreate', budget: { tasks: '100%', perGroup: { groups: 2 } } }, 'budget limits parts of the job'],
    [
      { strategy: 'blue' },
      'strategy must be "in-place", "recreate", "blue-green", { surge: 2 } or { plugin: "its-name" }',
    ],
    [{ strategy: { plugin: 'No Name' } }, 'strategy.plugin must be lower-case letters'],
    [{ driver: 'kubernetes' }, 'driver must be "fleet" or { plugin: "its-name" }'],
    [{ driver: { plugin: 'No Name' } }, 'driver.plugin must be lower-case letters'],
    [{ strategy: { plugin: 'x', settings: { big: 'x'.repeat(20_000) } } }, 'must be at most 16 kB of JSON'],
  ])('D2 refuses the strategy or driver of %j', (config, message) => {
    const compiled = compileSpec({ ...minimal, ...config }, 'rollway.yaml');
    expect(compiled.ok).toBe(false);
    if (!compiled.ok) expect(compiled.error.map(({ detail }) => detail).join('\n')).toContain(message);
  });

  it('D2 hands a plug-in its settings as they are', () => {
    const settings = { label: 'canary', list: [1, { deep: null }] };
    const { spec } = compile({ ...minimal, strategy: { plugin: 'by-label', settings } });
    const deploy = spec.pipeline.actions.at(-1)!;
    expect(deploy.type === 'deploy' && deploy.plan.strategy).toEqual({ plugin: 'by-label', settings });
  });

  it('D2 a driver may be said for all, for an environment and for a job of it: the nearest counts, with its origin', () => {
    const compiled = compile({
      ...minimal,
      driver: { plugin: 'processes', settings: { hosts: 2 } },
      environments: {
        staging: { driver: 'fleet' },
        production: { jobs: { eu: 1, us: { driver: { plugin: 'other' } } } },
      },
    });
    const of = (name: string) => compiled.spec.environments.find((one) => one.name === name)!;
    expect(of('staging').driver).toBe('fleet');
    expect(of('production').jobs?.map(({ driver }) => driver)).toEqual([
      { plugin: 'processes', settings: { hosts: 2 } },
      { plugin: 'other', settings: {} },
    ]);
    const said = compiled.origins.find(({ path }) => path === 'environments.staging.driver');
    expect(said).toMatchObject({ value: 'fleet', layer: 'environment staging' });
  });

  it('has checks of errors and latency as soon as there are metrics', () => {
    const { spec } = compile({ ...minimal, metrics: '/metrics' });
    expect(spec.judge.checks.map(({ name }) => name)).toEqual(['errors', 'latency']);
    expect(spec.task.metrics).toEqual({ path: '/metrics', port: 'http' });
    const deploy = spec.pipeline.actions.at(-1)!;
    expect(deploy.type === 'deploy' && deploy.plan.phases[0]).toMatchObject({ minBakeMs: 60_000, maxBakeMs: 600_000 });
  });

  it('of a worker has no port and is ready when it has run for a while', () => {
    const { task } = compile({ ...minimal, kind: 'worker' }).spec;
    expect(task).toMatchObject({ ports: [], ready: { running: { afterMs: 5000 } }, drainMs: 0, metrics: null });
  });
});

describe('the canonical form', () => {
  it('holds all that was said', () => {
    const { spec } = compile(everything);
    expect(serviceSpecSchema.parse(spec)).toEqual(spec);
    expect(spec).toMatchObject({
      task: {
        ports: ['http', 'admin'],
        ready: { http: { path: '/ready', port: 'admin' }, deadlineMs: 45_000 },
        metrics: { path: '/prom', port: 'admin' },
        stop: { signal: 'SIGINT', graceMs: 20_000 },
        dataDir: true,
        resources: { cpuMillis: 500, memoryMb: 1024 },
        env: { LOG: 'info', MODE: 'x' },
      },
      environments: [
        { name: 'production', tasks: 12, budget: { count: 2 }, env: { MODE: 'y' }, hosts: { disk: 'ssd' } },
        { name: 'staging', tasks: 1, env: {} },
      ],
      pipeline: { trigger: 'manual', branch: 'trunk' },
      judge: { alpha: 0.01, binMs: 1000, warmupMs: 5000 },
    });
    expect(spec.pipeline.actions.map((action) => [action.name, action.needs, action.inputs])).toEqual([
      ['build', [], []],
      ['test', ['build'], []],
      ['deploy-staging', ['test'], ['package']],
      ['deploy-production', ['deploy-staging'], ['package']],
      ['soak-production', ['deploy-production'], []],
    ]);
    expect(spec.judge.checks).toMatchObject([
      { name: 'errors', metric: { errorRatio: { counter: 'http_requests_total', label: 'status' } }, margin: 0.2 },
      { name: 'queue', metric: { gauge: 'queue_length' }, trust: 'hold', margin: 0.1 },
    ]);
    const deploy = spec.pipeline.actions[3]!;
    expect(deploy.type === 'deploy' && deploy.plan.phases).toMatchObject([
      { name: 'one-task', onFail: 'hold', concurrency: { percent: 50 }, minBakeMs: 20_000, maxBakeMs: 300_000 },
      { name: 'rack-a', select: { rack: 'a' }, minBakeMs: 30_000, maxBakeMs: 30_000 },
      { name: 'percent-50', onUndecided: 'hold' },
      { name: 'all' },
    ]);
    expect(deploy.type === 'deploy' && deploy.windows).toEqual([
      { from: '09:00', to: '17:00', days: ['mon', 'fri'], timeZone: 'Europe/Berlin' },
    ]);
  });

  it('TWS-1 has the same bytes over 100 compiles and every order of keys', () => {
    const expected = stableJson(compile(everything).spec);
    const { hash } = compile(everything);
    fc.assert(
      fc.property(fc.integer(), (seed) => {
        const compiled = compile(withKeysShuffled(everything, seed));
        expect(JSON.stringify(compiled.spec.pipeline.actions.map(({ name }) => name))).toBe(
          JSON.stringify(['build', 'test', 'deploy-staging', 'deploy-production', 'soak-production']),
        );
        expect(stableJson(compiled.spec)).toBe(expected);
        expect(compiled.hash).toBe(hash);
      }),
      { numRuns: 100 },
    );
  });

  it('is the same from YAML as from TypeScript', () => {
    const yaml = `
name: shop
command: node server.js --port {port}
metrics: /metrics
environments:
  production: { tasks: 12, bake: { min: 8s, max: 20s } }
  staging: 2
`;
    const parsed = parseYaml(yaml, 'rollway.yaml');
    const fromYaml = parsed.ok && compileSpec(parsed.value.value, 'rollway.yaml', parsed.value.locate);
    const fromModule = compile({
      name: 'shop',
      command: 'node server.js --port {port}',
      metrics: '/metrics',
      environments: { staging: 2, production: { tasks: 12, bake: { min: '8s', max: '20s' } } },
    });
    expect(fromYaml && (fromYaml.ok ? fromYaml.value.hash : fromYaml.error)).toBe(fromModule.hash);
  });

  it('goes through environments by stage, or as `after` says', () => {
    const order = (environments: object) =>
      compile({ ...minimal, environments })
        .spec.pipeline.actions.filter(({ type }) => type === 'deploy')
        .map(({ name, needs }) => `${needs} → ${name}`);
    expect(order({ production: 1, eu: 1, dev: 1, staging: 1 })).toEqual([
      'build → deploy-dev',
      'deploy-dev → deploy-staging',
      'deploy-staging → deploy-eu',
      'deploy-eu → deploy-production',
    ]);
    expect(order({ staging: { after: 'production' }, production: 1, b: { after: 'production' } })).toEqual([
      'build → deploy-production',
      'deploy-production → deploy-staging',
      'deploy-production → deploy-b',
    ]);
  });

  it('tests work on what the build left, unless only a part is packed', () => {
    const inputsOfTest = (build: unknown) =>
      compile({ ...minimal, build, test: 'npm test' }).spec.pipeline.actions.find(({ type }) => type === 'test')
        ?.inputs;
    expect(inputsOfTest('npm ci')).toEqual(['package']);
    expect(inputsOfTest({ commands: 'npm ci', include: ['dist'] })).toEqual([]);
  });

  it('a default never contradicts what the user says about the other end of a bake', () => {
    const bakeOf = (bake: object) => {
      const deploy = compile({ ...minimal, metrics: '/m', bake }).spec.pipeline.actions.at(-1)!;
      const [phase] = deploy.type === 'deploy' ? deploy.plan.phases : [];
      return [phase?.minBakeMs, phase?.maxBakeMs];
    };
    expect(bakeOf({ min: '20m' })).toEqual([1_200_000, 1_200_000]);
    expect(bakeOf({ max: '10s' })).toEqual([10_000, 10_000]);
    expect(bakeOf({ min: '1s', max: '2s' })).toEqual([1000, 2000]);
  });
});

describe('TWS-4 origins', () => {
  it('there is one for every value, and it says who set it', () => {
    for (const config of [minimal, everything, { ...minimal, kind: 'worker', phases: 'careful' }]) {
      const { spec, origins } = compile(config);
      expect(origins.map(({ path }) => path)).toEqual(
        leavesOf('', spec)
          .map(([path]) => path)
          .sort(),
      );
      for (const [path, value] of leavesOf('', spec)) {
        expect(origins.find((origin) => origin.path === path)?.value).toEqual(value);
      }
    }
    const layerOf = (path: string) => compile(everything).origins.find((origin) => origin.path === path)?.layer;
    expect(layerOf('task.drainMs')).toBe('service');
    expect(layerOf('task.dataDir')).toBe('derived');
    expect(layerOf('environments.production.tasks')).toBe('environment production');
    expect(layerOf('environments.staging.budget.count')).toBe('service');
    expect(layerOf('judge.checks.errors.delta')).toBe('standard checks');
    expect(layerOf('judge.checks.queue.margin')).toBe('base');
    expect(layerOf('pipeline.actions.build.retries')).toBe('base');
  });

  it('property: the later layer wins; taking it away gives back what was below', () => {
    const knobs = {
      tasks: fc.integer({ min: 1, max: 50 }),
      budget: fc.constantFrom('10%', '50%', 1),
      bake: fc.constantFrom('10s', '1m'),
      onFail: fc.constantFrom('hold', 'revert'),
      phases: fc.constantFrom('careful', 'fast', 'everyone-at-once'),
    };
    const some = fc.record(knobs, { requiredKeys: [] });
    fc.assert(
      fc.property(some, some, (service, environment) => {
        const both = compile({ ...minimal, ...service, environments: { production: environment } }).spec;
        const onlyEnvironment = compile({ ...minimal, environments: { production: environment } }).spec;
        const onlyService = compile({ ...minimal, ...service }).spec;
        const of = (spec: ServiceSpec) => ({ ...spec.environments[0], ...planOf(spec) });
        for (const key of ['tasks', 'budget', 'bake', 'onFail', 'phases'] as const) {
          const said = environment[key] !== undefined;
          if (key === 'phases' || environment.phases !== undefined || service.phases !== undefined) continue;
          const expected = said ? of(onlyEnvironment) : of(onlyService);
          const field = { tasks: 'tasks', budget: 'budget', bake: 'bake', onFail: 'onFail' }[
            key
          ] as keyof typeof expected;
          expect(of(both)[field]).toEqual(expected[field]);
        }
        expect(compile({ ...minimal, ...service, environments: { production: {} } }).spec).toEqual(onlyService);
      }),
      { numRuns: 50 },
    );
  });

  it('are told as a person would say them', () => {
    const lines = explainConfig(compile(everything));
    const line = (path: string) => lines.find((one) => one.path === path);
    expect(line('task.stop.graceMs')).toMatchObject({ value: '20 s', layer: 'service', source: 'rollway.config.ts' });
    expect(line('judge.checks.errors.delta')).toMatchObject({ value: '3 %', source: 'Rollway' });
    expect(line('pipeline.actions.build.commands')?.value).toBe('npm ci, then npm run build');
    expect(line('task.command')?.value).toBe('node server.js --port {port:http} --data {dataDir}');
  });
});

describe('mistakes', () => {
  it.each([
    [{ command: 'x' }, 'name is missing: must be a name'],
    [{ name: 'x' }, 'command is missing: must be a command such as "node server.js", or its words as a list'],
    [{ ...minimal, name: 'Web' }, 'name must be lower-case letters, digits and hyphens, starting with a letter'],
    [{ ...minimal, enviroments: {} }, 'enviroments is not known; did you mean "environments"?'],
    [{ ...minimal, xyzzyx: 1 }, 'xyzzyx is not known'],
    [
      { ...minimal, environments: { production: { taks: 2 } } },
      'environments.production.taks is not known; did you mean "tasks"?',
    ],
    [{ ...minimal, ready: { htp: '/x' } }, 'ready.htp is not known; did you mean "http"?'],
    [{ ...minimal, drain: '5 sec' }, 'drain must be a duration such as "30s", "10m" or "1h30m"'],
    [{ ...minimal, drain: 5 }, 'drain must be a duration such as "30s"'],
    [{ ...minimal, budget: 'ten' }, 'budget must be a percentage such as "5%"'],
    [{ ...minimal, budget: '120%' }, 'budget must be at most 100%'],
    [
      { ...minimal, budget: true },
      'budget must be a number of tasks, a percentage such as "10%", or { tasks, perDomain, perGroup }',
    ],
    [{ ...minimal, rate: '10 a minute' }, 'rate must be a rate such as "10/1m": so many within 100ms to 7d'],
    [{ ...minimal, rate: '0/1m' }, 'rate must be a rate such as "10/1m": so many within 100ms to 7d'],
    [{ ...minimal, memory: '256' }, 'memory must be a size such as "512MB" or "2GB"'],
    [{ ...minimal, env: { PORT: 80 } }, 'env.PORT must be text: put numbers and booleans in quotes'],
    [{ ...minimal, env: { 'A-B': '1' } }, 'env.A-B must be the name of an environment variable'],
    [
      { ...minimal, build: 'npm ci && npm run build' },
      'build uses "&&", but there is no shell: write several commands as a list',
    ],
    [{ ...minimal, command: 'node "x' }, 'command has a quote " that is not closed'],
    [{ ...minimal, command: 'A=1 node x' }, 'command sets a variable: use `env` instead of A=1'],
    [
      { ...minimal, phases: 'carefull' },
      'phases must be one of "careful", "standard", "fast", "everyone-at-once", or a list such as [1, "25%", "all"]',
    ],
    [{ ...minimal, phases: [1, '25%'] }, 'phases[1] must be "all": it is the last phase'],
    [{ ...minimal, phases: [1, { selct: 1 }, 'all'] }, 'phases[1].selct is not known; did you mean "select"?'],
    [
      { ...minimal, metrics: '/m', checks: { mine: { delta: '3%' } } },
      'checks.mine must have one of errorRatio, latency, gauge, rate, perLoad, incidents, query, kayenta',
    ],
    [{ ...minimal, ready: { http: '/x', port: 'admin' } }, 'ready is "admin", but its ports are http'],
    [{ ...minimal, kind: 'worker', ready: '/x' }, 'ready needs a port, and the service has no ports'],
    [{ ...minimal, command: 'x {port:grpc}' }, 'command is "grpc", but its ports are http'],
    [
      { ...minimal, environments: { a: { after: 'bb' }, b: 1 } },
      'environments.a.after is "bb", which is no other environment; did you mean "b"?',
    ],
    [{ ...minimal, build: { include: ['../x'] } }, 'build.include[0] must stay inside the checkout'],
    [[], 'it must be an object with at least `name` and `command`'],
    [null, 'it must be an object with at least `name` and `command`'],
  ])('%j', (value, expected) => {
    expect(details(value)).toEqual([expected]);
  });

  it('are told all at once, each with file, path and what to do', () => {
    const problems = refusals({ nme: 'x', command: 'a | b', drain: 1, environments: { p: { tasks: 0 } } });
    expect(problems.map(({ facts }) => facts.path)).toEqual(['command', 'drain', 'environments.p.tasks', 'nme']);
    expect(problems.find(({ code }) => code === 'spec/unknown-key')?.remedy).toBe('Write "name".');
  });

  it('TWS-1 name the exact path of each required field that is left out', () => {
    for (const field of ['name', 'command'] as const) {
      expect(refusals({ ...minimal, [field]: undefined }).map(({ facts }) => facts.path)).toEqual([field]);
    }
  });

  it('in YAML name line and column, of keys and of what is below', () => {
    const yaml =
      'name: web\ncommand: x\nenvironments:\n  production:\n    taks: 3\npipeline:\n  actions:\n    - { name: a, type: test }\n';
    const parsed = parseYaml(yaml, 'rollway.yaml');
    if (!parsed.ok) throw new Error();
    const compiled = compileSpec(parsed.value.value, 'rollway.yaml', parsed.value.locate);
    expect(!compiled.ok && compiled.error.map(({ detail }) => detail)).toEqual([
      'rollway.yaml:5:5: environments.production.taks is not known; did you mean "tasks"?',
      'rollway.yaml:8:7: pipeline.actions[0].commands is missing: must be a command, or a list of commands',
    ]);
    const broken = parseYaml('name: web\ncommand: [x\n', 'rollway.yaml');
    expect(!broken.ok && broken.error[0]?.detail).toMatch(/^rollway\.yaml:3:1: /);
    const twice = parseYaml('name: a\nname: b\n', 'rollway.yaml');
    expect(!twice.ok && twice.error[0]?.detail).toMatch(/^rollway\.yaml:2:1: Map keys must be unique/);
    const bomb = `a: &a [x,x,x,x,x,x,x,x,x]\nb: &b [*a,*a,*a,*a,*a,*a,*a]\nc: &c [*b,*b,*b,*b,*b,*b]\nd: [*c,*c,*c,*c]\n`;
    expect(parseYaml(bomb, 'rollway.yaml').ok).toBe(false);
  });

  it('property: whatever is written, the answer is a value, never an exception', () => {
    const key = fc.constantFrom(...Object.keys(everything), 'x', 'select', 'tasks', '__proto__', 'constructor');
    const leaf = fc.oneof(fc.string(), fc.integer(), fc.boolean(), fc.constant(null), fc.double());
    const { value } = fc.letrec((tie) => ({
      value: fc.oneof(
        { maxDepth: 4 },
        leaf,
        fc.array(tie('value'), { maxLength: 3 }),
        fc.dictionary(key, tie('value'), { maxKeys: 6 }),
      ),
    }));
    fc.assert(
      fc.property(value, (input) => {
        compileSpec(input, 'f');
        compileSpec({ ...minimal, ...(typeof input === 'object' ? input : {}) }, 'f');
      }),
      { numRuns: 300 },
    );
  });
});

describe('a pipeline of its own', () => {
  it('is a list in which each action needs the one before it unless it says otherwise', () => {
    const { spec } = compile({
      ...minimal,
      pipeline: {
        actions: [
          { name: 'build', type: 'build', commands: ['make'] },
          { name: 'lint', type: 'test', commands: 'make lint', needs: [] },
          { name: 'unit', type: 'test', commands: 'make test', needs: ['build'], inputs: ['package'] },
          { name: 'ship', type: 'deploy', environment: 'production', needs: ['lint', 'unit'] },
          { name: 'rest', type: 'bake', environment: 'production', for: '1h' },
          { name: 'tell', type: 'run', commands: 'curl example.org', safeToRepeat: true },
        ],
      },
    });
    expect(spec.pipeline.actions.map(({ name, needs }) => [name, needs])).toEqual([
      ['build', []],
      ['lint', []],
      ['unit', ['build']],
      ['ship', ['lint', 'unit']],
      ['rest', ['ship']],
      ['tell', ['rest']],
    ]);
    const paths = leavesOf('', spec).map(([path]) => path);
    expect(compile({ ...minimal, pipeline: 'manual' }).spec.pipeline.trigger).toBe('manual');
    expect(paths).toContain('pipeline.actions.rest.forMs');
  });

  it.each([
    [
      'a cycle',
      [
        { name: 'a', needs: ['b'] },
        { name: 'b', needs: ['a'] },
      ],
      'spec/cycle',
    ],
    ['an unknown need', [{ name: 'a', needs: ['bb'] }, { name: 'b' }], 'spec/unknown-action'],
    ['an unknown artifact', [{ name: 'a', inputs: ['x'] }], 'spec/unknown-artifact'],
    ['two of one name', [{ name: 'a' }, { name: 'a' }], 'spec/invalid'],
  ])('P1 with %s is refused', (_name, actions, code) => {
    const list = actions.map((action) => ({ needs: [], ...action, type: 'test', commands: 'x' }));
    expect(refusals({ ...minimal, pipeline: { actions: list } }).map((problem) => problem.code)).toContain(code);
  });

  it('deploys only to environments there are, and to each by one action', () => {
    const actions = [
      { name: 'build', type: 'build' },
      { name: 'one', type: 'deploy', environment: 'productoin' },
      { name: 'two', type: 'deploy', environment: 'production' },
      { name: 'three', type: 'deploy', environment: 'production' },
    ];
    expect(details({ ...minimal, pipeline: { actions } })).toEqual([
      'pipeline.actions.one.environment is "productoin", which is no environment; did you mean "production"?',
      'pipeline.actions.three.environment is deployed to by "two" too',
    ]);
  });
});

describe('around it', () => {
  it('the types of `rollway/config` are what is accepted', () => {
    expectTypeOf<ConfigInput>().toExtend<ServiceConfig>();
    const accepted: ConfigInput = {} as Mutable<ServiceConfig>;
    expect(accepted).toEqual({});
  });

  it('the JSON Schema names every key', () => {
    const schema = configJsonSchema() as { properties: object; required: string[]; additionalProperties: boolean };
    expect(Object.keys(schema.properties)).toEqual(expect.arrayContaining(Object.keys(everything)));
    expect([schema.required, schema.additionalProperties]).toEqual([['name', 'command'], false]);
  });

  it('the difference of two specs is told value by value', () => {
    const before = compile(everything).spec;
    expect(diffSpecs(before, compile(everything).spec)).toEqual([]);
    const after = compile({
      ...everything,
      drain: '8s',
      environments: { production: { tasks: 13, env: { MODE: 'y' }, after: 'eu', soak: '1h' }, eu: 1 },
    }).spec;
    const changes = Object.fromEntries(diffSpecs(before, after).map(({ path, ...change }) => [path, change]));
    expect(changes['task.drainMs']).toEqual({ before: 7000, after: 8000 });
    expect(changes['environments.production.tasks']).toEqual({ before: 12, after: 13 });
    expect(changes['environments.staging.tasks']).toEqual({ before: 1, after: undefined });
    expect(changes['environments.eu.tasks']).toEqual({ before: undefined, after: 1 });
    expect(changes['pipeline.actions.deploy-production.needs']).toEqual({
      before: ['deploy-staging'],
      after: ['deploy-eu'],
    });
  });
});

type Mutable<T> = T extends readonly [infer A, infer B]
  ? [Mutable<A>, Mutable<B>]
  : T extends readonly (infer I)[]
    ? Mutable<I>[]
    : T extends object
      ? { -readonly [K in keyof T]: Mutable<T[K]> }
      : T;

function planOf(spec: ServiceSpec) {
  const deploy = spec.pipeline.actions.find(({ type }) => type === 'deploy');
  const phase = deploy?.type === 'deploy' ? deploy.plan.phases[0] : undefined;
  return { bake: [phase?.minBakeMs, phase?.maxBakeMs], onFail: phase?.onFail };
}

function withKeysShuffled<T>(value: T, seed: number): T {
  if (Array.isArray(value)) return value.map((item) => withKeysShuffled(item, seed)) as T;
  if (value === null || typeof value !== 'object') return value;
  let state = seed >>> 0;
  const keyed = Object.entries(value).map(([key, part]) => {
    state = (Math.imul(state, 1664525) + 1013904223) >>> 0;
    return [state, key, withKeysShuffled(part, seed + 1)] as const;
  });
  return Object.fromEntries(keyed.sort(([a], [b]) => a - b).map(([, key, part]) => [key, part])) as T;
}
