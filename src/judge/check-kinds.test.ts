import { describe, expect, test } from 'vitest';
import { seededChance } from '../kit/index.ts';
import type { CheckSpec, JudgeSpec, Sample } from '../model/index.ts';
import { type JudgePlan, judge } from './index.ts';
import { plainCheck } from './plain-check.ts';

const bounds = [0.05, 0.1, 0.25, 0.5, Number.POSITIVE_INFINITY];

interface Traffic {
  readonly newTasks: number;
  readonly tasks?: number;
  /** One in so many requests to new tasks fails. */
  readonly oneFailsIn?: number;
  /** Slower than 250 ms, of a hundred requests to new tasks. */
  readonly slow?: number;
  /** Growth of a new task's heap per hour. */
  readonly leak?: number;
  /** New tasks' queue, relative to before. */
  readonly queue?: number;
  readonly silent?: (second: number, index: number) => boolean;
}

/** 100 seconds; new tasks are new since second 50. */
function traffic(t: Traffic): Sample[] {
  const chance = seededChance(11, 'kinds');
  const samples: Sample[] = [];
  for (let second = 0; second < 100; second += 1) {
    for (let index = 0; index < (t.tasks ?? t.newTasks); index += 1) {
      if (t.silent?.(second, index)) continue;
      const isNew = index < t.newTasks && second >= 50;
      const [fromMs, toMs] = [second * 1000, second * 1000 + 1000];
      const who = { job: 'shop@production' as const, index, incarnation: isNew ? 2 : 1, fromMs, toMs };
      const push = (metric: string, labels: Record<string, string>, value: Sample['value']) =>
        samples.push({ ...who, version: isNew ? 'v_new' : 'v_old', state: 'serving', metric, labels, value });
      let failed = 0;
      for (let i = 0; i < 100; i += 1) if (isNew && chance.next() * (t.oneFailsIn ?? 1e9) < 1) failed += 1;
      push('http_requests_total', { code: '200' }, { counterDelta: 100 - failed });
      push('http_requests_total', { code: '500' }, { counterDelta: failed });
      const slow = isNew ? (t.slow ?? 0) : 0;
      push(
        'http_request_duration_seconds',
        {},
        { histogramDelta: { bounds, counts: [100 - slow, 0, 0, slow, 0], sum: 1 } },
      );
      const grown = isNew ? 1 + ((t.leak ?? 0) * (second - 50)) / 3600 : 1;
      push('heap', {}, { gauge: 100 * grown * (1 + 0.002 * (chance.next() - 0.5)) });
      push('queue', {}, { gauge: (isNew ? (t.queue ?? 1) : 1) * (20 + chance.next()) });
    }
  }
  return samples;
}

const check = (name: string, more: Partial<CheckSpec> & Pick<CheckSpec, 'metric'>): CheckSpec => ({
  ...plainCheck,
  ...{
    name,
    class: 'call',
    worse: 'higher',
    delta: 0.03,
    margin: 0.2,
    critical: true,
    required: false,
    trust: 'revert',
  },
  ...more,
});
const errorRatio = { counter: 'http_requests_total', label: 'code', errorValues: '5xx' };
const errors = check('errors', { metric: { errorRatio }, against: 'limit', limit: 0.01 });
const slow = check('slow', {
  metric: { latency: { histogram: 'http_request_duration_seconds', quantile: 0.95 } },
  ...{ against: 'limit', limit: 0.25 },
});
const heap = (more: Partial<CheckSpec>) => check('heap', { metric: { gauge: 'heap' }, ...more });
const queue = (more: Partial<CheckSpec>) => check('queue', { metric: { gauge: 'queue' }, ...more });

function look(checks: readonly CheckSpec[], t: Traffic, more: Partial<JudgePlan> = {}, spec: Partial<JudgeSpec> = {}) {
  const plan: JudgePlan = {
    rollout: 'ro_1',
    phase: 0,
    phaseName: 'first',
    spec: { checks: [...checks], failShare: 0.5, alpha: 0.01, binMs: 1000, warmupMs: 2000, ...spec },
    newVersion: 'v_new',
    oldVersions: ['v_old'],
    updates: Array.from({ length: t.newTasks }, (_, index) => ({ index, admittedAtMs: 48_000, servingAtMs: 50_000 })),
    phaseStartedAtMs: 48_000,
    updatedAtMs: 50_000,
    deadlineAtMs: 100_000,
    phases: 1,
    ...more,
  };
  return judge(plan, traffic(t), undefined, 103_000);
}
const verdictOf = (...args: Parameters<typeof look>) => look(...args).verdict.verdict;

describe('a fixed limit', () => {
  const first = { oldVersions: [] };
  test.each([
    ['2 % failing requests, limit 1 %: fails', [errors], { newTasks: 3, oneFailsIn: 50 }, 'fail', /limit 1 %/],
    ['0.1 % failing requests, limit 1 %: passes', [errors], { newTasks: 3, oneFailsIn: 1000 }, 'pass', /limit 1 %/],
    ['at its limit: undecided', [errors], { newTasks: 3, oneFailsIn: 100 }, 'undecided', /limit 1 %/],
    [
      '10 % slower than 250 ms, 5 % may: fails',
      [slow],
      { newTasks: 3, slow: 10 },
      'fail',
      /longer than 250 ms; 5 % may/,
    ],
    ['1 % slower than 250 ms, 5 % may: passes', [slow], { newTasks: 3, slow: 1 }, 'pass', /longer than 250 ms/],
    [
      'a gauge above: fails',
      [queue({ against: 'limit', limit: 15 })],
      { newTasks: 3 },
      'fail',
      /queue .* is 20\.5; limit 15/,
    ],
    ['a gauge below: passes', [queue({ against: 'limit', limit: 30 })], { newTasks: 3 }, 'pass', /limit 30/],
    ['lower is worse', [queue({ against: 'limit', limit: 30, worse: 'lower' })], { newTasks: 3 }, 'fail', /limit 30/],
  ] as const)('%s, also in a first deployment', (_, checks, t, verdict, sentence) => {
    expect(look(checks, t).verdict).toMatchObject({ verdict, sentence: expect.stringMatching(sentence) });
    expect(verdictOf(checks, t, first)).toBe(verdict);
  });

  test('a first deployment has no other checks', () => {
    const judged = look([errors, heap({})], { newTasks: 3 }, first);
    expect(judged.verdict.perCheck.map((one) => one.check)).toEqual(['errors']);
    expect(look([heap({})], { newTasks: 3 }, first).measured).toBe(false);
  });
});

describe('against the time before, and growth', () => {
  test('where no old task is left, the same tasks before their update are compared with', () => {
    const doubled = look([queue({ against: 'before' })], { newTasks: 4, queue: 2 });
    expect(doubled.verdict.verdict).toBe('fail');
    expect(doubled.verdict.sentence).toMatch(/queue of the new tasks is \d+ % higher than before their update/);
    expect(verdictOf([queue({})], { newTasks: 2, queue: 2 })).toBe('fail');
    expect(verdictOf([queue({ against: 'before' })], { newTasks: 4 })).not.toBe('fail');
  });

  test('a slow leak is growth an hour; a steady heap passes', () => {
    const leak = heap({ against: 'trend', limit: 0.05 });
    const leaking = look([leak], { newTasks: 4, tasks: 12, leak: 5 });
    expect(leaking.verdict.verdict).toBe('fail');
    expect(leaking.verdict.sentence).toMatch(
      /heap of the new tasks grows by \d+ % an hour more than that of old tasks/,
    );
    expect(verdictOf([leak], { newTasks: 4, tasks: 12 })).not.toBe('fail');
  });
});

describe('what else can be said of a check', () => {
  test('below its smallest sample it decides nothing', () => {
    const t = { newTasks: 3, oneFailsIn: 20 };
    expect(verdictOf([errors], t)).toBe('fail');
    expect(verdictOf([{ ...errors, minSamples: 1_000_000 }], t)).toBe('undecided');
  });

  test('only its window counts', () => {
    const late = traffic({ newTasks: 3, tasks: 3 }).map((sample) =>
      sample.metric === 'queue' && sample.fromMs < 80_000 ? { ...sample, value: { gauge: 500 } } : sample,
    );
    const windowed = queue({ against: 'limit', limit: 30, windowMs: 15_000 });
    const plan = { checks: [windowed], failShare: 0.5, alpha: 0.01, binMs: 1000, warmupMs: 2000 };
    const look30 = (spec: JudgeSpec) =>
      judge(
        {
          ...{ rollout: 'ro_1', phase: 0, phaseName: 'p', spec, newVersion: 'v_new', updates: [], phases: 1 },
          ...{ phaseStartedAtMs: 48_000, updatedAtMs: 50_000, deadlineAtMs: 100_000 },
        },
        late,
        undefined,
        103_000,
      ).verdict.verdict;
    expect(look30(plan)).toBe('pass');
    expect(look30({ ...plan, checks: [{ ...windowed, windowMs: null }] })).not.toBe('pass');
  });

  test('where absent means zero, silence is a reading', () => {
    const t = { newTasks: 3, tasks: 9, silent: () => false };
    const refunds = check('refunds', {
      metric: { rate: 'refunds_total' },
      against: 'limit',
      limit: 1,
      missing: 'zero',
    });
    const some = traffic(t);
    const one: Sample = { ...some[0]!, metric: 'refunds_total', labels: {}, value: { counterDelta: 1 } };
    const plan: JudgePlan = {
      ...{ rollout: 'ro_1', phase: 0, phaseName: 'p', newVersion: 'v_new', updates: [], phases: 1 },
      ...{ phaseStartedAtMs: 48_000, updatedAtMs: 50_000, deadlineAtMs: 100_000 },
      spec: { checks: [refunds], failShare: 0.5, alpha: 0.01, binMs: 1000, warmupMs: 2000 },
    };
    expect(judge(plan, [...some, one], undefined, 103_000).verdict.verdict).toBe('pass');
    const unknown: JudgePlan = { ...plan, spec: { ...plan.spec, checks: [{ ...refunds, missing: 'undecided' }] } };
    expect(judge(unknown, [...some, one], undefined, 103_000).verdict.verdict).toBe('undecided');
  });

  test('what vanishes from new tasks only is not zero; what has not come yet, or comes and goes, is', () => {
    const t = { newTasks: 3, tasks: 9 };
    const errors = check('refused', { metric: { rate: 'refused_total' }, missing: 'zero', required: true });
    const plan: JudgePlan = {
      ...{ rollout: 'ro_1', phase: 0, phaseName: 'p', newVersion: 'v_new', phases: 1 },
      ...{ phaseStartedAtMs: 48_000, updatedAtMs: 50_000, deadlineAtMs: 100_000 },
      updates: [0, 1, 2].map((index) => ({ index, admittedAtMs: 48_000, servingAtMs: 50_000 })),
      spec: { checks: [errors], failShare: 0.5, alpha: 0.01, binMs: 1000, warmupMs: 2000 },
    };
    const some = traffic(t);
    const seen = some.filter(({ metric }) => metric === 'queue');
    const of = (isThere: (sample: Sample) => boolean, perSecond = 2) => {
      const refused = seen.flatMap((sample): Sample[] =>
        isThere(sample) ? [{ ...sample, metric: 'refused_total', value: { counterDelta: perSecond } }] : [],
      );
      return judge(plan, [...some, ...refused], undefined, 103_000).verdict;
    };
    const vanished = of(({ version }) => version === 'v_old');
    expect(vanished.verdict).toBe('fail');
    expect(vanished.sentence).toMatch(/is there on old tasks and missing on new ones/);
    // It was there for ten seconds of the new life.
    expect(of(({ version, fromMs }) => version === 'v_old' || fromMs < 60_000).verdict).not.toBe('pass');
    // One refusal an hour: nobody can expect one of new tasks yet.
    expect(of(({ version }) => version === 'v_old', 1 / 3600).verdict).toBe('pass');
    expect(of(({ version, fromMs }) => version === 'v_old' && fromMs % 5000 === 0).verdict).not.toBe('fail');
  });

  test('a gauge that is zero nearly always is told alike, and worse', () => {
    const plan: JudgePlan = {
      ...{ rollout: 'ro_1', phase: 0, phaseName: 'p', newVersion: 'v_new', phases: 1 },
      ...{ phaseStartedAtMs: 48_000, updatedAtMs: 50_000, deadlineAtMs: 100_000 },
      updates: [0, 1, 2].map((index) => ({ index, admittedAtMs: 48_000, servingAtMs: 50_000 })),
      spec: {
        ...{ failShare: 0.5, alpha: 0.01, binMs: 1000, warmupMs: 2000 },
        checks: [check('waiting', { metric: { gauge: 'waiting' } })],
      },
    };
    const of = (oneInNew: number) => {
      const chance = seededChance(3, 'waiting');
      const samples = traffic({ newTasks: 3, tasks: 12 }).flatMap((sample): Sample[] => {
        if (sample.metric !== 'queue') return [];
        const oneIn = sample.version === 'v_new' ? oneInNew : 40;
        return [{ ...sample, metric: 'waiting', value: { gauge: chance.next() * oneIn < 1 ? 3 : 0 } }];
      });
      return judge(plan, samples, undefined, 103_000).verdict.verdict;
    };
    expect(of(40)).toBe('pass');
    expect(of(1)).toBe('fail');
  });

  test('checks that are not critical fail together: by weight, any of them, or all', () => {
    const t = { newTasks: 3, tasks: 3, oneFailsIn: 20 };
    const plain = [{ ...errors, critical: false }, queue({ against: 'limit', limit: 30, critical: false, weight: 3 })];
    expect(verdictOf(plain, t)).toBe('undecided');
    expect(verdictOf(plain, t, {}, { failShare: 0.25 })).toBe('fail');
    expect(verdictOf(plain, t, {}, { failShare: 0 })).toBe('fail');
    expect(verdictOf(plain, t, {}, { failShare: 1 })).toBe('undecided');
  });
});
