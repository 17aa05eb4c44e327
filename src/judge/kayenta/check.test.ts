import { describe, expect, test } from 'vitest';
import type { CheckSpec, KayentaSpec, Sample } from '../../model/index.ts';
import { compileSpec } from '../../spec/index.ts';
import { ClosedBins } from '../closed-bins/closed-bins.ts';
import { type JudgeMemory, type JudgePlan, judge, promisePhases, readKayentaConfig, scoreOfKayenta } from '../index.ts';
import { learnCurves } from '../judge.ts';
import { plainCheck } from '../plain-check.ts';
import { judgeKayenta, resultOfKayenta } from './check.ts';

/** Eight tasks, three of them new after 40 s, for so many seconds. */
function traffic(seconds: number, { heap = 1, failed = 2, hasNewHeap = true } = {}): Sample[] {
  const samples: Sample[] = [];
  for (let second = 0; second < seconds; second += 1) {
    for (let index = 0; index < 8; index += 1) {
      const isNew = index < 3 && second >= 40;
      const version = isNew ? ('v_new' as const) : ('v_old' as const);
      const who = { job: 'shop@production' as const, index, incarnation: isNew ? 2 : 1, version };
      const at = { state: 'serving' as const, fromMs: second * 1000, toMs: second * 1000 + 1000 };
      const push = (metric: string, labels: Record<string, string>, value: Sample['value']) =>
        samples.push({ ...who, ...at, metric, labels, value });
      const bad = (isNew ? failed : 2) + ((second * 5 + index) % 3);
      push('calls', { code: '200' }, { counterDelta: 400 - bad });
      push('calls', { code: '500' }, { counterDelta: bad });
      const level = (100 + ((second * 31 + index * 17) % 7)) * (isNew ? heap : 1);
      if (hasNewHeap || !isNew) push('heap', {}, { gauge: level });
      const bounds = [0.1, 0.2, 0.4, Number.POSITIVE_INFINITY];
      const counts = [300, 90, 10 + ((second + index) % 4), 0];
      push('took_seconds', {}, { histogramDelta: { bounds, counts, sum: 30 } });
    }
  }
  return samples;
}

const metric = (name: string, of: KayentaSpec['metrics'][number]['of'], groups: string[]) => ({
  ...{ name, of, groups, direction: 'increase' as const, nanStrategy: 'remove' as const, critical: false },
  ...{ mustHaveData: true, effectSize: { allowedIncrease: 1.1 }, outlierFactor: null },
});
const kayenta: KayentaSpec = {
  metrics: [
    metric('errors', { errorRatio: { counter: 'calls', label: 'code', errorValues: '5..' } }, ['calls']),
    metric('p95', { latency: { histogram: 'took_seconds', quantile: 0.95 } }, ['calls']),
    metric('heap', { gauge: 'heap' }, ['system']),
    metric('rate', { rate: 'calls' }, ['calls']),
  ],
  groupWeights: { calls: 60 },
  pass: 80,
  marginal: 50,
};
const check: CheckSpec = {
  ...{ ...plainCheck, name: 'canary', class: 'system', metric: { kayenta }, worse: 'higher', delta: 0.01, margin: 0.1 },
  ...{ critical: true, required: false, trust: 'revert' },
};
const plan = (checks: CheckSpec[] = [check]): JudgePlan => ({
  ...{ rollout: 'ro_1', phase: 0, phaseName: 'first', newVersion: 'v_new', phases: 1 },
  spec: { checks, failShare: 0.5, alpha: 0.01, binMs: 1000, warmupMs: 2000 },
  updates: [0, 1, 2].map((index) => ({ index, admittedAtMs: 38_000, servingAtMs: 40_000 })),
  ...{ phaseStartedAtMs: 38_000, updatedAtMs: 40_000, deadlineAtMs: 70_000 },
});

/** Looks each second as the server does, with bins that close three seconds late; a phase ends by the first look after its bake. */
function watch(samples: Sample[], checks?: CheckSpec[]) {
  let memory: JudgeMemory | undefined;
  const seen: { second: number; word: string; sentence: string }[] = [];
  for (let second = 44; second <= 70; second += 1) {
    const until = samples.filter(({ toMs }) => toMs <= (second - 3) * 1000);
    const judged = judge(plan(checks), until, memory, second * 1000);
    memory = judged.memory;
    const { verdict, sentence } = judged.verdict.perCheck[0]!;
    seen.push({ second, word: verdict, sentence });
    if (verdict !== 'undecided') break;
  }
  return seen;
}

const readLong = (bins: number) =>
  kayenta.metrics.map(() => ({
    canary: Array.from({ length: bins }, (_, bin) => 100 + (bin % 7)),
    control: Array.from({ length: bins }, (_, bin) => 100 + ((bin + 3) % 7)),
  }));

describe('a check by the method of Kayenta', () => {
  test('NFX-5 passes at the end of the bake and not before', () => {
    const seen = watch(traffic(75));
    expect(seen.at(-1)).toMatchObject({ second: 70, word: 'pass' });
    expect(seen.at(-1)!.sentence).toMatch(/^Kayenta score 100 \(pass 80, marginal 50\): Pass/);
    expect(seen.map(({ sentence }) => sentence).join('\n')).toMatch(/That is of 5 bins only: too few to decide/);
  });

  test('a group that fails costs its weight: below pass it fails at the end, in words', () => {
    const seen = watch(traffic(75, { heap: 1.5 }));
    expect(seen.at(-1)).toMatchObject({ second: 70, word: 'fail' });
    expect(seen.at(-1)!.sentence).toMatch(/^Kayenta score 60 \(pass 80, marginal 50\): Marginal\. Not passed: heap\./);
  });

  test('NFX-5 of fewer points than its authors advise the sentence warns', () => {
    expect(watch(traffic(75)).at(-1)!.sentence).toMatch(/That is of 2\d bins; 50 are advised\.$/);
    const judged = judgeKayenta(kayenta, readLong(60), { minSamples: 0 });
    expect(resultOfKayenta(check, judged, 'pass').sentence).not.toContain('advised');
  });

  test('NFX-5 below marginal it fails at a look before', () => {
    const spec = { ...kayenta, marginal: 70, pass: 90 };
    const seen = watch(traffic(75, { heap: 1.5 }), [{ ...check, metric: { kayenta: spec } }]);
    expect(seen.at(-1)!.word).toBe('fail');
    expect(seen.at(-1)!.second).toBeLessThan(65);
  });

  test('NFX-4 failures are counted over the group; a critical metric makes the score 0', () => {
    const metrics = kayenta.metrics.map((one) => ({ ...one, critical: one.name === 'errors' }));
    const seen = watch(traffic(75, { failed: 20 }), [{ ...check, metric: { kayenta: { ...kayenta, metrics } } }]);
    expect(seen.at(-1)).toMatchObject({ word: 'fail' });
    expect(seen.at(-1)!.sentence).toMatch(/^Kayenta score 0: a critical metric failed\. errors: High/);
  });

  test('NFX-3 what lacks data counts for nothing; nothing at all is undecided and never a pass', () => {
    const only = { ...kayenta, metrics: kayenta.metrics.filter(({ name }) => name === 'heap'), groupWeights: {} };
    const seen = watch(traffic(75, { hasNewHeap: false }), [{ ...check, metric: { kayenta: only } }]);
    expect(new Set(seen.map(({ word }) => word))).toEqual(new Set(['undecided']));
    expect(seen.at(-1)!.sentence).toBe('Kayenta: no metric has data on new and old tasks yet.');
  });

  test('it takes no chance of error from other checks, teaches no restart curve, promises nothing', () => {
    const heap: CheckSpec = { ...check, name: 'heap', metric: { gauge: 'heap' } };
    const at = (checks: CheckSpec[]) => judge(plan(checks), traffic(75), undefined, 73_000);
    const [alone, beside] = [at([heap]), at([check, heap])];
    expect(beside.memory.alphaSpent).toBe(alone.memory.alphaSpent);
    expect(beside.verdict.perCheck.find(({ check: name }) => name === 'heap')).toEqual(alone.verdict.perCheck[0]);
    expect(Object.keys(learnCurves(plan([check, heap]), ClosedBins.ofSamples(1000, traffic(75))))).toEqual(['heap']);
    const phases = [{ name: 'first', members: [0, 1, 2], maxBakeMs: 20_000 }];
    const promised = promisePhases({ spec: plan([check, heap]).spec, phases, pastCurves: [] }, traffic(40));
    expect(promised[0]!.checks.map(({ check: name }) => name)).toEqual(['heap']);
  });
});

const written = {
  metrics: {
    errors: { errorRatio: { counter: 'calls' }, groups: ['calls'], direction: 'increase' as const, critical: true },
    heap: { gauge: 'heap', effectSize: { allowedIncrease: 1.2 } },
  },
  groupWeights: { calls: 60 },
};
const compiled = (checks: object) =>
  compileSpec({ name: 'shop', command: 'true', metrics: '/metrics', checks }, 'rollway.config.ts');

describe('as people write it', () => {
  test('what is left out has the defaults of its documentation', () => {
    const read = compiled({ canary: { kayenta: written } });
    if (!read.ok) throw new Error(read.error[0]!.detail);
    const { metric: found } = read.value.spec.judge.checks.find(({ name }) => name === 'canary')!;
    expect(found).toMatchObject({
      kayenta: {
        pass: 95,
        marginal: 75,
        groupWeights: { calls: 60 },
        metrics: [
          { name: 'errors', critical: true },
          { groups: ['heap'], direction: 'either', nanStrategy: 'remove', outlierFactor: null },
        ],
      },
    });
  });

  test.each([
    ['a margin', { kayenta: written, margin: '5%' }, /margin.*has no meaning with `kayenta`/],
    ['a metric without a kind', { kayenta: { metrics: { a: {} } } }, /must have one of errorRatio/],
    ['two kinds', { kayenta: written, gauge: 'x' }, /only one of/],
    ['no metrics', { kayenta: { metrics: {} } }, /must not be empty/],
    ['a weight of nobody', { kayenta: { ...written, groupWeights: { cals: 60 } } }, /a group that no metric is in/],
    ['weights above 100', { kayenta: { ...written, groupWeights: { calls: 60, heap: 50 } } }, /110, more than 100/],
    ['limits the wrong way round', { kayenta: { ...written, pass: 50 } }, /75, above pass \(50\)/],
  ])('%s is refused by name', (_, said, message) => {
    const read = compiled({ canary: said });
    expect(read.ok ? '' : read.error.map(({ detail }) => detail).join(' ')).toMatch(message);
  });

  test('an imported canary configuration can be judged as it is', () => {
    const read = readKayentaConfig({
      name: 'My canary',
      metrics: [
        { name: 'errors', groups: ['calls'], query: { type: 'prometheus', metricName: 'errors_total' } },
        {
          name: 'errors',
          groups: ['calls'],
          query: { type: 'datadog' },
          analysisConfigurations: { canary: { direction: 'increase', outliers: { strategy: 'remove' } } },
        },
      ],
      classifier: { groupWeights: { calls: 100 }, scoreThresholds: { pass: 80, marginal: 60 } },
    });
    if (!read.ok) throw new Error(read.error.detail);
    const { checks, notes } = scoreOfKayenta(read.value);
    expect(notes.join(' ')).toMatch(/errors 2: its metric comes from datadog/);
    const spec = compiled(checks);
    if (!spec.ok) throw new Error(spec.error[0]!.detail);
    const found = spec.value.spec.judge.checks.find(({ name }) => name === 'my-canary')!;
    expect(found.trust).toBe('observe');
    expect(found.metric).toMatchObject({
      kayenta: {
        ...{ pass: 80, marginal: 60 },
        metrics: [
          { name: 'errors', of: { gauge: 'errors_total' }, outlierFactor: null },
          { name: 'errors 2', of: { gauge: 'errors' }, direction: 'increase', outlierFactor: 3 },
        ],
      },
    });
  });
});
