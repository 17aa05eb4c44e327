import { describe, expect, test } from 'vitest';
import type { CheckSpec, JudgeSpec } from '../model/index.ts';
import { compileSpec } from '../spec/index.ts';
import { type GuardWorld, watchGuards } from './testing/guard-world.ts';

/** What a service gets that says nothing of metrics. */
const plain = specOf({});

function specOf(more: object): JudgeSpec {
  const compiled = compileSpec({ name: 'shop', command: 'node server.js', ...more }, 'rollway.yaml');
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value.spec.judge;
}

const watch = (world: GuardWorld, spec = plain) => watchGuards(world, spec);

describe('H2 TWH-4 what the fleet sees by itself', () => {
  test('a service without metrics is looked at; nothing of it is needed to pass, and nothing holds it', () => {
    const judged = watch({});
    expect(judged).toMatchObject({ measured: false, missing: [], lostData: false });
    expect(judged.verdict.verdict).toBe('undecided');
    expect(judged.guards).toEqual(expect.arrayContaining(['cpu', 'memory', 'readiness', 'restarts']));
    expect(judged.verdict.sentence).toMatch(/what the fleet sees by itself \(.*cpu.*\): basic checks only/);
  });

  test.each<[string, GuardWorld, RegExp]>([
    [
      'CPU that is burnt',
      { newCpu: 0.9 },
      /^CPU use of the new tasks is .* higher than that of old tasks \([01]\.\d+ cores against 0\.0\d+ cores\)/,
    ],
    ['memory that leaks', { leak: 8 }, /^memory of the new tasks (grows by|is) .*/],
    [
      'a task that starts again and again',
      { restartEvery: 12, newTasks: 3 },
      /^\d+ restarts of new tasks \(3 tasks, .* minutes in all\); 0 of old ones/,
    ],
    [
      'readiness that comes and goes',
      { unready: 0.6 },
      /of the readiness probes to new tasks failed, none of those to old tasks/,
    ],
    [
      'one task of one',
      { tasks: 1, newTasks: 1, newCpu: 0.95 },
      /^CPU use of the new tasks is .* higher than before their update/,
    ],
  ])('%s is caught', (_, world, sentence) => {
    const { verdict } = watch(world);
    expect(verdict.verdict).toBe('fail');
    expect(verdict.sentence).toMatch(sentence);
  });

  test('H6 harmless versions are not: start-up bursts, memory that fills up again, load that comes and goes', () => {
    const worlds: GuardWorld[] = [{}, { tasks: 1, newTasks: 1 }, { tasks: 3, newTasks: 1 }, { tasks: 3, newTasks: 3 }];
    const alarms: string[] = [];
    for (const world of worlds) {
      for (let seed = 1; seed <= 3; seed += 1) {
        const one = { ...world, seed, cpu: [0.003, 0.05, 0.4][seed % 3]!, emptiness: [0.5, 0.8, 1][seed % 3]! };
        const { verdict } = watch(one);
        if (verdict.verdict === 'fail') alarms.push(`${JSON.stringify(one)}: ${verdict.sentence}`);
      }
    }
    expect(alarms).toEqual([]);
  }, 60_000);

  test.each([20, 40])('H6 nor are starts that keep a core busy and halve every %i s', (burstHalves) => {
    for (const world of [
      { tasks: 1, newTasks: 1 },
      { tasks: 3, newTasks: 3 },
      { tasks: 12, newTasks: 3 },
    ]) {
      const { verdict } = watch({ ...world, burst: 0.9, burstHalves });
      expect(verdict.sentence).not.toMatch(/^CPU/);
      expect(verdict.verdict).not.toBe('fail');
    }
  });

  test('in bins of a second what stays is told from a start within 25 s', () => {
    const fine = specOf({ judge: { bin: '1s', warmup: '3s' } });
    const { verdict, second } = watch({ tasks: 4, newCpu: 0.5, cpu: 0.01 }, fine);
    expect(verdict.verdict).toBe('fail');
    expect(second).toBeLessThanOrEqual(265);
  });
});

describe('what serving a request takes', () => {
  const spec = specOf({ metrics: '/metrics', judge: { bin: '5s', warmup: '15s' } });
  const of = (name: string, world: GuardWorld) =>
    watch(world, spec).verdict.perCheck.find(({ check }) => check === name)!;

  test('a balancer that moves load off slow tasks hides nothing: CPU per request is the same question', () => {
    const world = { requests: 60, newRequests: 8, cpu: 0.3, newCpu: 0.35, tasks: 12, newTasks: 6 };
    expect(of('cpu', world).verdict).not.toBe('fail');
    const cost = of('cpu-per-request', world);
    expect(cost.verdict).toBe('fail');
    expect(cost.sentence).toMatch(/^CPU use per request of the new tasks is .* higher/);
    expect(cost.newLevel! / cost.oldLevel!).toBeGreaterThan(3);
  });

  test('more tasks for the same load are shown, and decide nothing until their owner says so', () => {
    const world = { requests: 60, newRequests: 15, cpu: 0.3, newCpu: 0.08, tasks: 8, newTasks: 4 };
    expect(of('tasks-per-request', world).verdict).toBe('fail');
    expect(watch(world, spec).verdict.verdict).not.toBe('fail');
    const strict = specOf({
      ...{ metrics: '/metrics', judge: { bin: '5s', warmup: '15s' } },
      checks: { 'tasks-per-request': { trust: 'revert' } },
    });
    expect(watch(world, strict).verdict.verdict).toBe('fail');
  });

  test('the same load at the same cost is fine', () => {
    const world = { requests: 60, cpu: 0.3, tasks: 8, newTasks: 4 };
    expect(of('cpu-per-request', world).verdict).not.toBe('fail');
    expect(of('tasks-per-request', world).verdict).not.toBe('fail');
  });

  test('services that take too few requests to say are left alone', () => {
    expect(of('cpu-per-request', { requests: 1, newCpu: 0.3 }).newTasks).toBe(0);
  });
});

describe('guards in a configuration', () => {
  const names = (spec: JudgeSpec) => (spec.guards ?? []).map(({ name }: CheckSpec) => name);
  test('each can be left out, made sharper, or given another meaning', () => {
    const spec = specOf({
      checks: { cpu: false, memory: { delta: '10%', trust: 'hold' }, restarts: { incidents: 'worker_restarts_total' } },
    });
    expect(names(spec)).not.toContain('cpu');
    expect(spec.guards?.find(({ name }) => name === 'memory')).toMatchObject({
      delta: 0.1,
      trust: 'hold',
      guard: true,
    });
    // A metric of one's own makes it a check of one's own.
    expect(names(spec)).not.toContain('restarts');
    expect(spec.checks).toMatchObject([
      { name: 'restarts', metric: { incidents: 'worker_restarts_total' }, delta: 0.01 },
    ]);
  });

  test('TWH-5 checks need no `metrics` where they are handed in', () => {
    const spec = specOf({ checks: { errors: {}, orders: { rate: 'orders_total', worse: 'lower' } } });
    expect(spec.checks.map(({ name }) => name)).toEqual(['errors', 'orders']);
    expect(spec.binMs).toBe(10_000);
    expect(specOf({}).checks).toEqual([]);
  });
});
