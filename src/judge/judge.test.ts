import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { seededChance, shuffled } from '../kit/index.ts';
import type { CheckSpec, Sample } from '../model/index.ts';
import { discoverChecks, type JudgeMemory, type JudgePlan, judge, metricsIn } from './index.ts';
import { matcherOf } from './measures.ts';
import { plainCheck } from './plain-check.ts';

const bounds = [0.01, 0.02, 0.05, 0.1, Number.POSITIVE_INFINITY];

interface Traffic {
  readonly seconds: number;
  readonly tasks?: number;
  readonly newTasks?: number;
  readonly newSince?: number;
  readonly errors?: number;
  /** Failed requests per second of new tasks. */
  readonly newErrors?: number;
  /** Slow requests per second, of 40. */
  readonly newSlow?: number;
  readonly requests?: number;
  /** Metrics that vanish on new tasks. */
  readonly vanished?: readonly string[];
  readonly heap?: number;
}

function traffic(t: Traffic): Sample[] {
  const { tasks = 8, newTasks = 3, newSince = 40, requests = 40, errors = 0, vanished = [] } = t;
  const samples: Sample[] = [];
  for (let second = 0; second < t.seconds; second += 1) {
    for (let index = 0; index < tasks; index += 1) {
      const isNew = index < newTasks && second >= newSince;
      const base = {
        job: 'shop@production' as const,
        index,
        incarnation: isNew ? 2 : 1,
        version: isNew ? ('v_new' as const) : ('v_old' as const),
        state: 'serving' as const,
        fromMs: second * 1000,
        toMs: second * 1000 + 1000,
      };
      const push = (metric: string, labels: Record<string, string>, value: Sample['value']) => {
        if (!(isNew && vanished.includes(metric))) samples.push({ ...base, metric, labels, value });
      };
      const failed = isNew ? (t.newErrors ?? errors) : errors;
      push('http_requests_total', { code: '200' }, { counterDelta: requests - failed });
      push('http_requests_total', { code: '503' }, { counterDelta: failed });
      const slow = isNew ? (t.newSlow ?? 1) : 1;
      const wobble = (second * 7 + index * 3) % 5 === 0 ? 1 : 0;
      push(
        'http_request_duration_seconds',
        {},
        {
          histogramDelta: { bounds, counts: [requests - slow - wobble - 4, 4, wobble, slow, 0], sum: 1 },
        },
      );
      push('heap', {}, { gauge: 100 + ((second * 31 + index * 17) % 7) + (isNew ? (t.heap ?? 0) : 0) });
    }
  }
  return samples;
}

const heap: CheckSpec = {
  ...plainCheck,
  name: 'heap',
  class: 'system',
  metric: { gauge: 'heap' },
  worse: 'higher',
  delta: 0.01,
  margin: 0.2,
  critical: true,
  required: false,
  trust: 'revert',
};

function planOf(more: Partial<JudgePlan> = {}, checks: readonly CheckSpec[] = []): JudgePlan {
  return {
    rollout: 'ro_1',
    phase: 0,
    phaseName: 'first',
    spec: { checks: [...checks], failShare: 0.5, alpha: 0.01, binMs: 1000, warmupMs: 2000 },
    newVersion: 'v_new',
    oldVersions: ['v_old'],
    updates: [0, 1, 2].map((index) => ({ index, admittedAtMs: 40_000, servingAtMs: 40_000 })),
    phaseStartedAtMs: 40_000,
    updatedAtMs: 40_000,
    deadlineAtMs: 70_000,
    phases: 2,
    ...more,
  };
}

/** Looks at every second from the update to the end, as the work does. */
function watch(t: Traffic, plan = planOf()) {
  const all = traffic(t);
  let memory: JudgeMemory | undefined;
  for (let second = 41; ; second += 1) {
    const seen = all.filter(({ toMs }) => toMs <= second * 1000);
    const judgement = judge(plan, seen, memory, second * 1000 + 2000);
    memory = judgement.memory;
    if (judgement.verdict.verdict === 'fail' || second >= t.seconds) return { ...judgement, second };
  }
}

describe('verdicts', () => {
  test('H4 the look at the end of the bake is taken when the bake is over, although its last bins come late', () => {
    const all = traffic({ seconds: 75 });
    let memory: JudgeMemory | undefined;
    const looks = new Set<string>();
    for (let second = 44; second <= 70; second += 1) {
      const closed = all.filter(({ toMs }) => toMs <= (second - 3) * 1000);
      const judged = judge(planOf(), closed, memory, second * 1000);
      if (judged.memory.looks > (memory?.looks ?? 0)) looks.add(judged.verdict.lookId);
      memory = judged.memory;
    }
    // Thirty bins less two of warm-up.
    expect([...looks].at(-1)).toBe('ro_1/0/baking-28');
  });

  test('after a long silence, when all that is left has become coarse, nothing is decided', () => {
    const minutes = traffic({ seconds: 2 }).map((one) => ({ ...one, fromMs: 0, toMs: 60_000 }));
    const nowMs = 1_700_000_000_000;
    const { verdict, measured } = judge(planOf({ deadlineAtMs: nowMs }), minutes, undefined, nowMs);
    expect([verdict.verdict, measured]).toEqual(['undecided', false]);
  });

  test('failing requests fail, with a sentence, the check and the tasks that drive it', () => {
    const { verdict, second } = watch({ seconds: 70, newErrors: 4 });
    expect(verdict.verdict).toBe('fail');
    expect(second).toBeLessThan(50);
    expect(verdict.perCheck[0]).toMatchObject({ check: 'errors', verdict: 'fail', newTasks: 3, oldTasks: 5 });
    expect(verdict.sentence).toBe(verdict.perCheck[0]!.sentence);
    expect(verdict.perCheck[0]!.drivers.length).toBeGreaterThan(0);
  });
  test('slow requests fail', () => {
    const { verdict } = watch({ seconds: 70, newSlow: 8 });
    expect(verdict.verdict).toBe('fail');
    expect(verdict.sentence).toMatch(/^p99 of the new tasks is .* higher than that of old tasks in the same bins/);
  });
  test('a number that grows fails, one that does not passes', () => {
    expect(watch({ seconds: 70, heap: 60 }, planOf({}, [heap])).verdict.verdict).toBe('fail');
    const fine = watch({ seconds: 70, heap: 0 }, planOf({}, [heap])).verdict;
    expect(fine.verdict).toBe('pass');
    expect(fine.sentence).toMatch(/margin 20 %/);
  });
  test('a harmless version with traffic passes, by the bound', () => {
    const { verdict, measured, powerReached, lostData } = watch({ seconds: 70, errors: 1, requests: 300 });
    expect(verdict.perCheck.map(({ check, verdict: word }) => [check, word])).toContainEqual(['errors', 'pass']);
    expect([measured, powerReached, lostData]).toEqual([true, true, false]);
  });
  test('a single task is not believed for what a host alone can do; two are', () => {
    const doubled = { seconds: 70, errors: 4, newErrors: 10 };
    const one = planOf({ updates: [{ index: 0, admittedAtMs: 40_000, servingAtMs: 40_000 }] });
    expect(watch({ ...doubled, newTasks: 1 }, one).verdict.verdict).toBe('undecided');
    expect(watch({ ...doubled, newTasks: 3 }).verdict.verdict).toBe('fail');
  });
});

describe('no guess', () => {
  test('little traffic is undecided, and says with which chance harm would have been found', () => {
    const { verdict, measured } = watch({ seconds: 70, requests: 6, newTasks: 1 });
    expect(verdict.verdict).toBe('undecided');
    expect(measured).toBe(true);
    expect(verdict.sentence).toMatch(
      /not enough to tell: harm at the margin of .* would have been found with [\d.]+ % chance/,
    );
  });
  test('no metrics at all: not measured, nothing decided', () => {
    const { verdict, measured, powerReached } = judge(planOf(), [], undefined, 60_000);
    expect([verdict.verdict, measured, powerReached]).toEqual(['undecided', false, false]);
    expect(verdict.sentence).toMatch(/basic checks only/);
  });
  test('a required metric that vanishes on new tasks is a failure in itself', () => {
    const { verdict, missing, lostData } = watch({ seconds: 70, vanished: ['http_requests_total'] });
    expect(verdict.verdict).toBe('fail');
    expect(missing).toEqual(['errors']);
    expect(lostData).toBe(true);
    expect(verdict.sentence).toMatch(/there on old tasks and missing on new ones/);
  });
  test('one that is not required and vanishes: undecided, data lost', () => {
    const plan = planOf({}, [{ ...heap, critical: false }]);
    const { verdict, missing } = watch({ seconds: 70, vanished: ['heap'] }, plan);
    expect([verdict.verdict, missing]).toEqual(['undecided', ['heap']]);
  });
  test('nothing heard of the new tasks for a while says nothing of the version: undecided, data lost', () => {
    const seen = traffic({ seconds: 80, newTasks: 1 });
    const before = judge(
      planOf(),
      seen.filter(({ toMs }) => toMs <= 65_000),
      undefined,
      68_000,
    );
    const silent = seen.filter(({ version, toMs }) => version === 'v_old' || toMs <= 65_000);
    const { verdict, lostData } = judge(planOf(), silent, before.memory, 83_000);
    expect([verdict.verdict, lostData]).toEqual(['undecided', true]);
  });
  test('all samples stop: undecided and data lost, never let through', () => {
    const seen = traffic({ seconds: 65 });
    const before = judge(planOf(), seen, undefined, 68_000);
    const after = judge(planOf(), seen, before.memory, 90_000);
    expect([after.verdict.verdict, after.lostData]).toEqual(['undecided', true]);
  });
  test('a failed phase that a person resumed is judged anew', () => {
    const failed = watch({ seconds: 70, newErrors: 12 });
    expect(failed.verdict.verdict).toBe('fail');
    const again = { ...planOf(), phaseStartedAtMs: 71_000, updatedAtMs: 71_000 };
    expect(judge(again, traffic({ seconds: 74 }), failed.memory, 74_000).verdict.verdict).toBe('undecided');
  });
  test('a check that only observes stops nothing', () => {
    const plan = planOf({}, [{ ...heap, trust: 'observe' }]);
    const { verdict } = watch({ seconds: 70, heap: 60 }, plan);
    expect(verdict.perCheck[0]!.verdict).toBe('fail');
    expect(verdict.verdict).toBe('undecided');
  });
});

describe('the same again', () => {
  test('the same bins spend nothing twice and give the same answer, whatever the order of samples', () => {
    fc.assert(
      fc.property(fc.integer({ min: 42, max: 66 }), fc.integer(), fc.nat(3), (second, seed, newErrors) => {
        const seen = traffic({ seconds: second, newErrors, errors: 1 });
        const first = judge(planOf(), seen, undefined, second * 1000);
        const mixed = judge(planOf(), shuffled(seededChance(seed), seen), undefined, second * 1000);
        expect(mixed).toEqual(first);
        const again = judge(planOf(), seen, first.memory, second * 1000);
        expect(again.memory).toEqual(first.memory);
        expect(again.verdict.verdict).toBe(first.verdict.verdict);
        expect(again.verdict.perCheck).toEqual(first.verdict.perCheck);
      }),
      { numRuns: 25 },
    );
  });
  test('memory is a few kB of plain JSON, and never more than α is spent', () => {
    let memory: JudgeMemory | undefined;
    const all = traffic({ seconds: 100, errors: 1 });
    for (let phase = 0; phase < 2; phase += 1) {
      for (let second = 41; second <= 100; second += 1) {
        const seen = all.filter(({ toMs }) => toMs <= second * 1000);
        memory = judge(planOf({ phase }), seen, memory, second * 1000).memory;
      }
    }
    expect(JSON.stringify(memory).length).toBeLessThan(4000);
    expect(JSON.parse(JSON.stringify(memory))).toEqual(memory);
    expect(memory!.alphaSpent).toBeLessThanOrEqual(0.01);
  });
});

describe('discovery', () => {
  test('finds what common libraries expose', () => {
    const seen = metricsIn(traffic({ seconds: 2 }));
    expect(discoverChecks(seen).map(({ name, metric }) => [name, metric])).toEqual([
      ['errors', { errorRatio: { counter: 'http_requests_total', label: 'code', errorValues: '5..' } }],
      ['latency-p99', { latency: { histogram: 'http_request_duration_seconds', quantile: 0.99 } }],
    ]);
    const otel = {
      metric: 'http_server_request_duration_seconds',
      kind: 'histogram',
      labels: { http_response_status_code: ['200'] },
    } as const;
    expect(discoverChecks([otel]).map(({ name }) => name)).toEqual(['errors', 'latency-p99']);
    expect(discoverChecks([])).toEqual([]);
  });
  const matches: [string, string[], string[]][] = [
    ['5..', ['500', '503'], ['200', '5000', '']],
    ['5xx', ['500', '599'], ['200', '50']],
    ['500|503', ['500', '503'], ['502']],
    ['error,timeout', ['error', 'timeout'], ['ok']],
    ['/4\\d\\d|5\\d\\d/', ['404', '500'], ['200']],
    ['/(/', [], ['(', '500']],
  ];
  test.each(matches)('error values %s', (pattern, yes, no) => {
    const isError = matcherOf(pattern);
    for (const value of yes) expect(isError(value), value).toBe(true);
    for (const value of no) expect(isError(value), value).toBe(false);
  });
});

describe('levels that contradict the difference', () => {
  test('tasks that were slow before are not called slower, and the sentence says why', () => {
    // The three new tasks had 30 % more of it all the time: nothing came with the update.
    const biased = traffic({ seconds: 80 }).map((sample) =>
      'gauge' in sample.value && sample.index < 3 ? { ...sample, value: { gauge: sample.value.gauge * 1.3 } } : sample,
    );
    const [result] = judge(planOf({ updatedAtMs: 40_000 }, [heap]), biased, undefined, 83_000).verdict.perCheck;
    expect(Math.abs(result!.estimate!)).toBeLessThan(0.05);
    expect(result!.levelsNote).toMatch(/the levels alone are \d+ % higher: these tasks differed before the update/);
    expect(result!.sentence).toContain(result!.levelsNote!);
  });
  test('where nothing failed before, the rise in failed requests has an interval', () => {
    const seen = traffic({ seconds: 80, newErrors: 1 });
    const [errors] = judge(planOf({ updatedAtMs: 40_000 }), seen, undefined, 83_000).verdict.perCheck;
    expect(errors!.check).toBe('errors');
    const [low, high] = errors!.shareInterval!;
    expect(low).toBeGreaterThan(0);
    expect(low).toBeLessThan(0.025);
    expect(high).toBeGreaterThan(0.025);
  });
});
