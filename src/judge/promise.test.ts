import fc from 'fast-check';
import { expect, test } from 'vitest';
import { seededChance, shuffled } from '../kit/index.ts';
import { fleetMetrics, type JudgeSpec, type Sample } from '../model/index.ts';
import { compileSpec } from '../spec/index.ts';
import { explainPromise, promiseLines, promisePhases } from './index.ts';
import { plainCheck } from './plain-check.ts';

const bounds = [0.01, 0.02, 0.05, 0.1, Number.POSITIVE_INFINITY];
const spec: JudgeSpec = { checks: [], failShare: 0.5, alpha: 0.01, binMs: 1000, warmupMs: 2000 };

/** Tasks that all run one version: requests a second each, one in so many of them failing. */
function traffic(tasks: number, requests: number, oneFailsIn = 1000, seconds = 100): Sample[] {
  const chance = seededChance(7, 'promise');
  const samples: Sample[] = [];
  for (let second = 0; second < seconds; second += 1) {
    for (let index = 0; index < tasks; index += 1) {
      const [fromMs, toMs] = [second * 1000, second * 1000 + 1000];
      const base = { job: 'shop@production' as const, index, incarnation: 1, version: 'v_1' as const, fromMs, toMs };
      let failed = 0;
      let slow = 0;
      for (let i = 0; i < requests; i += 1) {
        if (chance.next() * oneFailsIn < 1) failed += 1;
        if (chance.next() < 0.03) slow += 1;
      }
      const push = (metric: string, labels: Record<string, string>, value: Sample['value']) =>
        samples.push({ ...base, state: 'serving', metric, labels, value });
      push('http_requests_total', { code: '200' }, { counterDelta: requests - failed });
      push('http_requests_total', { code: '500' }, { counterDelta: failed });
      const counts = [requests - slow - 2, 2, Math.floor(slow / 2), Math.ceil(slow / 2), 0];
      push('http_request_duration_seconds', {}, { histogramDelta: { bounds, counts, sum: 1 } });
    }
  }
  return samples;
}

const first = (n: number) => Array.from({ length: n }, (_, i) => i);
const request = (members: number, maxBakeMs = 40_000) => ({
  spec,
  phases: [{ name: 'first', members: first(members), maxBakeMs }],
  pastCurves: [],
});

test('plan says from where to where a rise of failures would show, and by how much p99', () => {
  const [promise] = promisePhases(request(3), traffic(12, 60));
  const [errors, latency] = promise!.checks;
  expect(errors?.smallest).toBeGreaterThan(0.0005);
  expect(errors?.smallest).toBeLessThan(0.05);
  expect(latency?.quantile).toBe(0.99);
  expect(explainPromise(promise!)).toMatch(
    /^errors from 0\.\d+ % to \d.* % or more; latency-p99: p99 \+\d+ % or more$/,
  );
});

test('more traffic and longer bakes never promise less; more new tasks show more', () => {
  const smallest = (members: number, requests: number, bakeMs: number) =>
    promisePhases(request(members, bakeMs), traffic(12, requests))[0]!.checks[0]!.smallest!;
  expect(smallest(3, 200, 40_000)).toBeLessThan(smallest(3, 20, 40_000));
  expect(smallest(3, 60, 50_000)).toBeLessThan(smallest(3, 60, 10_000));
  expect(smallest(6, 60, 40_000)).toBeLessThan(smallest(2, 60, 40_000));
});

test('what cannot be shown is said, with the reason', () => {
  const heap = {
    ...plainCheck,
    class: 'system',
    name: 'heap',
    metric: { gauge: 'heap' },
    worse: 'higher',
    delta: 0.01,
    margin: 0.2,
  } as const;
  const checks = [{ ...heap, critical: true, required: false, trust: 'revert' as const }];
  const gauges = traffic(4, 5).map((sample) => ({ ...sample, metric: 'heap', labels: {}, value: { gauge: 100 } }));
  const few = promisePhases({ ...request(2), spec: { ...spec, checks } }, gauges)[0]!;
  // With two old tasks it is the same tasks before their update that are compared with: that shows less.
  expect(promiseLines(few)).toEqual([
    expect.stringMatching(/^with 80 % chance finds heap: \+\d+ % or more$/),
    'heap: its margin is smaller than what this traffic can show',
  ]);
  const young = gauges.filter((sample) => sample.fromMs < 12_000);
  const unknown = promisePhases({ ...request(2), spec: { ...spec, checks } }, young)[0]!;
  expect(promiseLines(unknown)).toEqual(['heap: nothing, 2 old tasks are too few']);
  const all = promisePhases({ ...request(4), spec: { ...spec, checks } }, young)[0]!;
  expect(promiseLines(all)).toEqual(['heap: nothing, no task of the old version is left to compare with']);
  expect(promisePhases(request(2), [])).toEqual([]);
});

test('a promise has the share of α that the judge will have: guards and neighbours have theirs', () => {
  const levelOf = (more: Partial<JudgeSpec>, samples: Sample[]) =>
    promisePhases({ ...request(3), spec: { ...spec, ...more } }, samples)[0]!.checks[0]!.level;
  const plain = traffic(12, 60, 1000, 60);
  const all = levelOf({}, plain);
  const neighbour = { service: 'cart', environment: null, checks: null, trust: 'hold' as const };
  expect(levelOf({ neighbours: [neighbour, neighbour] }, plain) / all).toBeCloseTo(0.8, 9);
  const compiled = compileSpec({ name: 'shop', command: 'x' }, 'rollway.yaml');
  if (!compiled.ok) throw new Error('the smallest configuration is refused');
  const cpu = plain.flatMap((one) =>
    one.labels.code === '200' ? { ...one, metric: fleetMetrics.cpu, labels: {}, value: { gauge: 1 } } : [],
  );
  const guarded = levelOf({ guards: compiled.value.spec.judge.guards }, [...plain, ...cpu]);
  // CPU, CPU per request, tasks per request and what was not served, 2 parts each, beside 30 and 25.
  expect(guarded / all).toBeCloseTo(0.55 / 0.63, 9);
});

test('the order of samples does not matter', () => {
  const samples = traffic(5, 10, 100, 40);
  const wanted = promisePhases(request(2), samples);
  fc.assert(
    fc.property(fc.integer(), (seed) => {
      expect(promisePhases(request(2), shuffled(seededChance(seed), samples))).toEqual(wanted);
    }),
    { numRuns: 5 },
  );
});
