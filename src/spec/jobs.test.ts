import { describe, expect, it } from 'vitest';
import { jobsOf, tasksOf } from '../model/index.ts';
import { compileSpec, explainConfig, leavesOf } from './index.ts';

const regions = {
  name: 'shop',
  command: 'node server.js',
  budget: '25%',
  environments: {
    staging: 1,
    production: {
      tasks: 6,
      phases: [1, 'all'],
      env: { TIER: 'live' },
      hosts: { disk: 'ssd' },
      jobs: {
        us: { tasks: 12, hosts: { region: 'us' }, phases: [1, '50%', 'all'] },
        eu: { hosts: { region: 'eu' }, env: { TIER: 'live-eu' }, budget: 2 },
        asia: 3,
      },
      waves: [['us'], ['eu', 'asia']],
      barrier: 'job',
    },
  },
};

function compile(value: unknown) {
  const compiled = compileSpec(value, 'rollway.config.ts');
  if (!compiled.ok) throw new Error(compiled.error.map(({ detail }) => detail).join('\n'));
  return compiled.value;
}

function production(value: object = regions) {
  const { spec } = compile(value);
  const environment = spec.environments.find(({ name }) => name === 'production')!;
  const action = spec.pipeline.actions.find((one) => one.type === 'deploy' && one.environment === 'production');
  if (action?.type !== 'deploy') throw new Error('nothing is deployed');
  return { environment, jobs: jobsOf(environment, action) };
}

function refused(production: object): string {
  const compiled = compileSpec({ ...regions, environments: { production } }, 'rollway.config.ts');
  return compiled.ok
    ? 'nothing'
    : compiled.error.map(({ detail }) => detail.replace('rollway.config.ts: ', '')).join('\n');
}

describe('D1 several jobs of an environment', () => {
  it('are the environment’s own settings with theirs over them, in the order of the waves', () => {
    const { environment, jobs } = production();
    expect(environment.group).toEqual({ waves: [['us'], ['eu', 'asia']], barrier: 'job' });
    expect(jobs.map(({ job, spec }) => [job, spec.tasks, spec.budget, spec.hosts, spec.env])).toEqual([
      ['us', 12, { percent: 25 }, { disk: 'ssd', region: 'us' }, { TIER: 'live' }],
      ['eu', 6, { count: 2 }, { disk: 'ssd', region: 'eu' }, { TIER: 'live-eu' }],
      ['asia', 3, { percent: 25 }, { disk: 'ssd' }, { TIER: 'live' }],
    ]);
    expect(jobs.map(({ plan }) => plan.phases.map(({ name }) => name))).toEqual([
      ['one-task', 'percent-50', 'all'],
      ['one-task', 'all'],
      ['one-task', 'all'],
    ]);
    expect(tasksOf(environment)).toBe(21);
  });

  it('an environment without them is one job, and nothing about groups is in its canonical form', () => {
    const { spec } = compile({ ...regions, environments: { production: { tasks: 3 } } });
    expect(Object.keys(spec.environments[0]!)).not.toContain('jobs');
    expect(Object.keys(spec.environments[0]!)).not.toContain('group');
  });

  it('all go together in lock step when nobody says otherwise', () => {
    const { environments } = regions;
    const { waves: _, barrier: __, ...plain } = environments.production;
    const { environment } = production({ ...regions, environments: { production: plain } });
    expect(environment.group).toEqual({ waves: [['asia', 'eu', 'us']], barrier: 'phase' });
  });

  it('TWS-4 every value has its origin, and explain config shows them', () => {
    const compiled = compile(regions);
    expect(compiled.origins.map(({ path }) => path)).toEqual(
      leavesOf('', compiled.spec)
        .map(([path]) => path)
        .sort(),
    );
    const layerOf = (path: string) => compiled.origins.find((origin) => origin.path === path)?.layer;
    expect(layerOf('environments.production.jobs.us.tasks')).toBe('environment production, job us');
    expect(layerOf('environments.production.jobs.eu.tasks')).toBe('environment production');
    expect(layerOf('environments.production.jobs.asia.budget.percent')).toBe('service');
    expect(layerOf('environments.production.group.barrier')).toBe('environment production');
    expect(layerOf('pipeline.actions.deploy-production.plans.us.phases.percent-50.select.percent')).toBe(
      'environment production, job us',
    );
    const tasks = explainConfig(compiled).find(({ path }) => path === 'environments.production.jobs.us.tasks');
    expect(tasks).toMatchObject({ value: '12', source: 'rollway.config.ts' });
  });

  it('mistakes are named with what is meant', () => {
    const { production: whole } = regions.environments;
    expect(refused({ ...whole, waves: [['us'], ['eu', 'aisa']] })).toBe(
      'environments.production.waves has "aisa", which is no job; did you mean "asia"?\n' +
        'environments.production.waves leaves out "asia"',
    );
    expect(
      refused({
        ...whole,
        waves: [
          ['us', 'us'],
          ['eu', 'asia'],
        ],
      }),
    ).toContain('has "us" twice');
    expect(refused({ tasks: 3, waves: [['us']] })).toContain('waves needs `jobs`');
    expect(refused({ tasks: 3, barrier: 'job' })).toContain('barrier needs `jobs`');
    expect(refused({ ...whole, barrier: 'wave' })).toContain('must be "phase", "job" or "none"');
    expect(refused({ jobs: {} })).toContain('must name at least one job');
    expect(refused({ ...whole, jobs: { ...whole.jobs, us: { phases: [1] } } })).toContain(
      'environments.production.jobs.us.phases[0] must be "all"',
    );
  });
});
