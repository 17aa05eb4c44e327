import { describe, expect, test } from 'vitest';
import { seededChance } from '../kit/index.ts';
import type { Sample } from '../model/index.ts';
import { compileSpec } from '../spec/index.ts';
import { discoverChecks, type JudgeMemory, type JudgePlan, judge, metricsIn } from './index.ts';
import { selectRoutes } from './routes.ts';

const bounds = [...Array.from({ length: 18 }, (_, i) => 0.001 * 1.6 ** i), Number.POSITIVE_INFINITY];
/** Calls a second and how long they take: popular ones, a rare and heavy one, and the rest. */
const routes = [
  { name: '/', calls: 60, seconds: 0.005 },
  { name: '/item', calls: 30, seconds: 0.005 },
  { name: '/report', calls: 2, seconds: 1 },
  { name: '/checkout', calls: 6, seconds: 0.01 },
  ...['/a', '/b', '/c'].map((name) => ({ name, calls: 0.5, seconds: 0.005 })),
];

interface World {
  readonly seed?: number;
  /** Route of new tasks → share of its calls that fail. */
  readonly failing?: Readonly<Record<string, number>>;
  /** Route of new tasks → how much longer its calls take. */
  readonly slow?: Readonly<Record<string, number>>;
  /** Share of all calls to new tasks that are not found. */
  readonly lost?: number;
  /** Routes without end, one for each call. */
  readonly isExploding?: boolean;
}

function traffic({ seed = 1, failing = {}, slow = {}, lost = 0, isExploding = false }: World): Sample[] {
  const chance = seededChance(seed, 'routes');
  const some = (n: number, share: number) => {
    let count = 0;
    for (let i = 0; i < n; i += 1) if (chance.next() < share) count += 1;
    return count;
  };
  const samples: Sample[] = [];
  for (let second = 0; second < 110; second += 1) {
    for (let index = 0; index < 10; index += 1) {
      const isNew = index < 4 && second >= 60;
      for (const route of routes) {
        const calls = some(Math.ceil(route.calls * 1.2), 1 / 1.2 / Math.max(1, 1 / route.calls));
        const who = { job: 'shop@production' as const, index, incarnation: isNew ? 2 : 1, state: 'serving' as const };
        const when = { fromMs: second * 1000, toMs: second * 1000 + 1000 };
        const name = isExploding ? `/x/${second}-${index}-${route.name}` : route.name;
        const push = (metric: string, more: Record<string, string>, value: Sample['value']) =>
          samples.push({
            ...who,
            ...when,
            version: isNew ? 'v_new' : 'v_old',
            metric,
            labels: { route: name, ...more },
            value,
          });
        const failed = some(calls, isNew ? (failing[route.name] ?? 0.002) : 0.002);
        const missed = some(calls - failed, 0.01 + (isNew ? lost : 0));
        push('http_requests_total', { code: '200' }, { counterDelta: calls - failed - missed });
        push('http_requests_total', { code: '500' }, { counterDelta: failed });
        push('http_requests_total', { code: '404' }, { counterDelta: missed });
        const counts = bounds.map(() => 0);
        let sum = 0;
        for (let i = 0; i < calls; i += 1) {
          const spread = 0.7 * (chance.next() + chance.next() + chance.next() - 1.5) * 2;
          const took = route.seconds * (isNew ? (slow[route.name] ?? 1) : 1) * Math.exp(spread);
          counts[bounds.findIndex((bound) => took <= bound)]! += 1;
          sum += took;
        }
        push('http_request_duration_seconds', {}, { histogramDelta: { bounds, counts, sum } });
      }
    }
  }
  return samples;
}

const spec = (() => {
  const judgeOf = { bin: '1s', warmup: '3s', alpha: 0.01 };
  const compiled = compileSpec({ name: 'shop', command: 'x', metrics: '/m', judge: judgeOf }, 'rollway.yaml');
  if (!compiled.ok) throw new Error(JSON.stringify(compiled.error));
  return compiled.value.spec.judge;
})();

const known = { rollouts: 20, mean: [0], variance: [[0.04]], jitter: 0 };

function watch(world: World) {
  const plan: JudgePlan = {
    ...{ rollout: 'ro_1', phase: 0, phaseName: 'first', spec, newVersion: 'v_new', oldVersions: ['v_old'] },
    updates: [0, 1, 2, 3].map((index) => ({ index, admittedAtMs: 60_000, servingAtMs: 60_000 })),
    ...{ phaseStartedAtMs: 60_000, updatedAtMs: 60_000, deadlineAtMs: 110_000, phases: 1 },
    // What a start does is known: else harm would have to last until that could be told.
    ageCurves: { errors: known, latency: known },
  };
  const all = traffic(world);
  let memory: JudgeMemory | undefined;
  for (let second = 66; ; second += 8) {
    const seen = all.filter(({ toMs }) => toMs <= second * 1000);
    const judgement = judge(plan, seen, memory, second * 1000 + 2000);
    memory = judgement.memory;
    if (judgement.verdict.verdict === 'fail' || second >= 106) {
      const again = judge(plan, seen, memory, second * 1000 + 2000).verdict;
      return { ...judgement.verdict, again };
    }
  }
}

describe('ML-14 routes of their own', () => {
  const [errors, latency] = discoverChecks(metricsIn(traffic({})));

  test('those that carry 90 % of the calls, and those that take 80 % of the time', () => {
    const chosen = (check: typeof errors, world: World = {}) =>
      selectRoutes(check!, 'v_new', traffic(world)).map(({ value }) => value);
    expect(chosen(errors)).toEqual(['/', '/item', '/checkout']);
    expect(chosen(latency)).toEqual(['/', '/item', '/checkout', '/report']);
  });

  test('labels without end are no routes', () => {
    expect(selectRoutes(errors!, 'v_new', traffic({ isExploding: true }))).toEqual([]);
  });

  test('a fault on one route is found, and the sentence names the route', () => {
    const { verdict, sentence, perCheck, again } = watch({ slow: { '/item': 3 } });
    expect(verdict).toBe('fail');
    expect(perCheck[0]).toMatchObject({ check: 'latency', verdict: 'fail' });
    expect(perCheck[0]!.view).toBe('route /item');
    expect(sentence).toMatch(/^Route \/item: p99 of the new tasks is/);
    // A failure stays, and so does where it was seen.
    expect(again).toMatchObject({ verdict: 'fail', sentence });
    expect(again.perCheck[0]).toMatchObject({ check: 'latency', view: 'route /item' });
    const failing = watch({ failing: { '/item': 0.012 } });
    expect(failing.verdict).toBe('fail');
    expect(failing.sentence).toMatch(/^(Route \/item: )?[\d.]+ % of the requests to new tasks failed/);
  });

  test('what all requests together would hide is seen on its route', () => {
    // 30 of 98 calls a second: 1 % of them failing is 0.3 % of all.
    const named: string[] = [];
    for (let seed = 1; seed <= 4; seed += 1) {
      const { perCheck } = watch({ seed, failing: { '/': 0.0001, '/item': 0.02 } });
      const one = perCheck.find(({ check }) => check === 'errors')!;
      if (one.verdict === 'fail') named.push(one.view ?? 'all');
    }
    expect(named).toContain('route /item');
  });

  test('H6 harmless versions stay harmless with routes', () => {
    for (let seed = 1; seed <= 2; seed += 1) expect(watch({ seed }).verdict).not.toBe('fail');
  });
});

describe('ML-15', () => {
  test('requests that are cancelled or not found count, though nothing failed', () => {
    const { verdict, sentence } = watch({ lost: 0.08 });
    expect(verdict).toBe('fail');
    expect(sentence).toMatch(/of the requests to new tasks were cancelled or not found/);
  });
});
