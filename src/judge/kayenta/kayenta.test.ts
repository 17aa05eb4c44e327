import { readFileSync } from 'node:fs';
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { type Chance, seededChance } from '../../kit/index.ts';
import { compileSpec } from '../../spec/index.ts';
import {
  checksOfKayenta,
  classify,
  type KayentaClass,
  type KayentaMetric,
  type KayentaResult,
  readKayentaConfig,
  scoreOf,
} from './index.ts';

interface Case {
  readonly x: number[];
  readonly y: number[];
  readonly u: number;
  readonly low: number;
  readonly shift: number;
  readonly high: number;
  readonly ratio: number;
}
/** Made by SciPy 1.17 and NumPy: U by `mannwhitneyu`, the shift as the median difference of pairs, the interval by `bisect` on R's `wdiff`. */
const oracle = JSON.parse(readFileSync(new URL('./oracle.json', import.meta.url), 'utf8')) as Case[];

const metric = (change: Partial<KayentaMetric> = {}): KayentaMetric => ({
  ...{ name: 'errors', groups: ['system'], query: {}, direction: 'either', nanStrategy: 'remove', critical: false },
  ...{ mustHaveData: false, effectSize: {}, outlierFactor: undefined },
  ...change,
});
const around = (level: number, n = 30) => Array.from({ length: n }, (_, i) => level * (1 + ((i * 37) % 11) / 200));

describe('NFX-3 one metric is validated, cleaned, compared', () => {
  test.each(oracle.map((one, i) => [i, one] as const))(
    'case %i agrees with SciPy: shift, interval, ratio, chance of being larger',
    (_, one) => {
      const { shift, interval, effect } = classify(metric(), one.x, one.y);
      expect(shift).toBeCloseTo(one.shift, 6);
      expect(interval![0]).toBeCloseTo(one.low, 6);
      expect(interval![1]).toBeCloseTo(one.high, 6);
      expect(effect).toBeCloseTo(one.ratio, 10);
      const cles = classify(metric({ effectSize: { measure: 'cles' } }), one.x, one.y).effect;
      expect(cles).toBeCloseTo(one.u / (one.x.length * one.y.length), 12);
    },
  );

  test.each([
    ['the same', {}, around(100), around(100), 'Pass'],
    ['constant and equal, without noise added', {}, Array(20).fill(5), Array(20).fill(5), 'Pass'],
    ['constant and apart', {}, Array(20).fill(9), Array(20).fill(5), 'High'],
    ['higher', {}, around(150), around(100), 'High'],
    ['lower', {}, around(60), around(100), 'Low'],
    ['higher, where only less matters', { direction: 'decrease' }, around(150), around(100), 'Pass'],
    ['lower, where only more matters', { direction: 'increase' }, around(60), around(100), 'Pass'],
    ['higher by less than is allowed', { effectSize: { allowedIncrease: 1.6 } }, around(150), around(100), 'Pass'],
    ['higher by more than is allowed', { effectSize: { allowedIncrease: 1.4 } }, around(150), around(100), 'High'],
    ['nothing in the canary', {}, [], around(100), 'Nodata'],
    ['no numbers in the control, removed', {}, around(1), Array(9).fill(Number.NaN), 'Nodata'],
    ['no numbers in the control, read as 0', { nanStrategy: 'replace' }, around(1), Array(30).fill(Number.NaN), 'High'],
  ] as [string, Partial<KayentaMetric>, number[], number[], KayentaClass][])(
    '%s: %s',
    (_, change, canary, control, expected) => {
      expect(classify(metric(change), canary, control).class).toBe(expected);
    },
  );

  test.each([
    ['normal', (chance: Chance) => Math.sqrt(-2 * Math.log(1 - chance.next())) * Math.cos(2 * Math.PI * chance.next())],
    ['heavy-tailed', (chance: Chance) => 1 / Math.sqrt(1 - chance.next())],
    ['nearly always 0', (chance: Chance) => (chance.next() < 0.05 ? chance.next() : 0)],
  ])(
    'NFX-3 of 10,000 pairs that do not differ, %s, at most 1 % more than nominal fall outside',
    (name, draw) => {
      const chance = seededChance(1, name);
      const values = () => Array.from({ length: 50 }, () => 100 + draw(chance));
      let outside = 0;
      for (let run = 0; run < 10_000; run += 1) {
        const found = classify(metric(), values(), values()).class;
        if (found === 'High' || found === 'Low') outside += 1;
      }
      // Confidence 98 %: nominal are 2 %.
      expect(outside / 10_000).toBeLessThanOrEqual(0.03);
    },
    60_000,
  );

  test('outliers are left out where asked for', () => {
    const canary = [...around(100), 1e9];
    expect(classify(metric(), canary, around(100)).effect).toBeGreaterThan(1e5);
    expect(classify(metric({ outlierFactor: 3 }), canary, around(100)).effect).toBeCloseTo(1, 9);
  });

  test('NFX-4 critical: only beyond the critical effect, where there is one; missing only where it must be there', () => {
    const of = (change: Partial<KayentaMetric>, canary: number[]) =>
      classify(metric(change), canary, around(100)).isCriticalFailure;
    expect(of({ critical: true }, around(150))).toBe(true);
    expect(of({}, around(150))).toBe(false);
    expect(of({ critical: true, effectSize: { criticalIncrease: 2 } }, around(150))).toBe(false);
    expect(of({ critical: true, effectSize: { criticalIncrease: 1.2 } }, around(150))).toBe(true);
    expect([of({ critical: true }, []), of({ critical: true, mustHaveData: true }, [])]).toEqual([false, true]);
  });

  test('scale changes nothing: canary and control multiplied alike fall into the same class', () => {
    const numbers = fc.array(fc.integer({ min: 1, max: 1000 }), { minLength: 5, maxLength: 40 });
    fc.assert(
      fc.property(numbers, numbers, fc.constantFrom(0.25, 4, 1024), (x, y, factor) => {
        const scaled = (values: number[]) => values.map((value) => value * factor);
        expect(classify(metric(), scaled(x), scaled(y)).class).toBe(classify(metric(), x, y).class);
      }),
    );
  });
});

const config = {
  name: 'shop',
  metrics: [
    {
      name: 'errors',
      groups: ['calls'],
      query: { type: 'prometheus', metricName: 'errors' },
      analysisConfigurations: { canary: { direction: 'increase', critical: true } },
    },
    {
      name: 'latency',
      groups: ['calls'],
      analysisConfigurations: { canary: { direction: 'increase', nanStrategy: 'replace' } },
    },
    { name: 'cpu', groups: ['system'] },
    { name: 'orders', groups: ['business'], scopeName: 'default' },
  ],
  classifier: { groupWeights: { calls: 60 }, scoreThresholds: { pass: 95, marginal: 70 } },
};

describe('a canary configuration', () => {
  test('becomes checks that observe, and what has no counterpart is said', () => {
    const read = readKayentaConfig({
      ...config,
      metrics: [
        ...config.metrics,
        {
          name: 'Errors!',
          groups: ['calls'],
          query: { type: 'datadog' },
          analysisConfigurations: {
            canary: { direction: 'decrease', effectSize: { allowedDecrease: 0.9, criticalDecrease: 0.5 } },
          },
        },
      ],
    });
    if (!read.ok) throw new Error(read.error.detail);
    const { checks, notes } = checksOfKayenta(read.value);
    expect(checks.errors).toEqual({
      ...{ gauge: 'errors', worse: 'higher', critical: true, required: false, missing: 'undecided', weight: 20 },
      trust: 'observe',
    });
    expect(checks['errors-2']).toMatchObject({ worse: 'lower', delta: '10%', margin: '50%' });
    expect(checks.latency).toMatchObject({ missing: 'zero' });
    expect(notes.join(' ')).toMatch(/errors-2: its metric comes from datadog.*|cpu: a check has one direction/);
    const compiled = compileSpec({ name: 'shop', command: 'true', metrics: '/metrics', checks }, 'rollway.config.ts');
    expect(compiled.ok ? compiled.value.spec.judge.checks.map(({ name }) => name) : compiled.error).toEqual(
      expect.arrayContaining(['errors', 'latency', 'cpu', 'orders', 'errors-2']),
    );
  });

  test('is read with its defaults', () => {
    const read = readKayentaConfig(config);
    if (!read.ok) throw new Error(read.error.detail);
    expect(
      read.value.metrics.map(({ direction, critical, nanStrategy }) => [direction, critical, nanStrategy]),
    ).toEqual([
      ['increase', true, 'remove'],
      ['increase', false, 'replace'],
      ['either', false, 'remove'],
      ['either', false, 'remove'],
    ]);
  });

  test.each([
    ['no metrics', { ...config, metrics: [] }, /metrics/],
    [
      'a direction that is none',
      { ...config, metrics: [{ name: 'a', groups: ['b'], analysisConfigurations: { canary: { direction: 'up' } } }] },
      /direction/,
    ],
    ['weights above 100', { ...config, classifier: { groupWeights: { calls: 60, system: 60 } } }, /120/],
    ['no object', 7, /canary configuration/],
  ])('%s is refused by name', (_, given, message) => {
    const read = readKayentaConfig(given);
    expect(read.ok ? '' : read.error.detail).toMatch(message);
  });

  const scored = (classes: Record<string, KayentaClass>, critical?: string) => {
    const read = readKayentaConfig(config);
    if (!read.ok) throw new Error(read.error.detail);
    const results = Object.entries(classes).map(([name, found]): KayentaResult => {
      const nothing = { effect: undefined, shift: undefined, interval: undefined, sentence: `${name}.` };
      return { metric: name, class: found, isCriticalFailure: name === critical, ...nothing };
    });
    return scoreOf(read.value, results);
  };

  test.each([
    ['all pass', { errors: 'Pass', latency: 'Pass', cpu: 'Pass', orders: 'Pass' }, 100, 'Pass'],
    ['half of a group of 60', { errors: 'Pass', latency: 'High', cpu: 'Pass', orders: 'Pass' }, 70, 'Marginal'],
    ['a group that shares the rest', { errors: 'Pass', latency: 'Pass', cpu: 'High', orders: 'Pass' }, 80, 'Marginal'],
    [
      'groups without data count for nothing',
      { errors: 'Pass', latency: 'Pass', cpu: 'Nodata', orders: 'Nodata' },
      100,
      'Pass',
    ],
    ['nor do metrics', { errors: 'Pass', latency: 'Nodata', cpu: 'Pass', orders: 'Low' }, 80, 'Marginal'],
    ['most fail', { errors: 'High', latency: 'High', cpu: 'Pass', orders: 'Pass' }, 40, 'Fail'],
    ['nothing', { errors: 'Nodata', latency: 'Nodata', cpu: 'Nodata', orders: 'Nodata' }, undefined, 'Nodata'],
  ] as [string, Record<string, KayentaClass>, number | undefined, string][])(
    'score: %s',
    (_, classes, score, found) => {
      expect(scored(classes)).toMatchObject({ score, class: found });
    },
  );

  test('NFX-4 NFX-5 a critical failure is a score of 0', () => {
    expect(scored({ errors: 'High', latency: 'Pass', cpu: 'Pass', orders: 'Pass' }, 'errors')).toMatchObject({
      score: 0,
      class: 'Fail',
    });
  });
});
