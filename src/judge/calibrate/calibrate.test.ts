import { describe, expect, test } from 'vitest';
import { seededChance } from '../../kit/index.ts';
import type { CheckSpec, JudgeSpec, Sample } from '../../model/index.ts';
import { checksInForce } from '../checks-in-force.ts';
import { plainCheck } from '../plain-check.ts';
import { type Calibration, calibrate, capTrust } from './calibrate.ts';

const binMs = 10_000;
const gauge = (name: string): CheckSpec => ({
  ...plainCheck,
  name,
  class: 'system',
  metric: { gauge: name },
  worse: 'higher',
  delta: 0.01,
  margin: 0.1,
  critical: true,
  required: false,
  trust: 'revert',
});
const requests: Sample[] = ['200', '500'].map((code) => ({
  ...{ job: 'shop@production', index: 0, incarnation: 1, version: 'v_1', state: 'serving', labels: { code } },
  ...{ metric: 'http_requests_total', fromMs: 0, toMs: binMs, value: { counterDelta: 1 } },
}));
const spec: JudgeSpec = {
  checks: [gauge('honest'), gauge('drifts')],
  failShare: 0.5,
  alpha: 0.05,
  binMs,
  warmupMs: 10_000,
};

/** Twelve tasks: one metric with noise of its own, one in which each host goes its own way for minutes. */
function quietTime(bins: number, tasks = 12): Sample[] {
  const chance = seededChance(7, 'quiet');
  const noise = () => chance.next() + chance.next() + chance.next() - 1.5;
  const samples: Sample[] = [];
  for (let index = 0; index < tasks; index += 1) {
    const turn = Math.floor(bins / 2) + Math.floor((chance.next() * bins) / 4);
    const jump = index % 2 === 0 ? 1.2 : 0;
    for (let bin = 0; bin < bins; bin += 1) {
      const base = {
        job: 'shop@production' as const,
        index,
        incarnation: 1,
        version: 'v_1' as const,
        state: 'serving' as const,
        labels: {},
        fromMs: bin * binMs,
        toMs: (bin + 1) * binMs,
      };
      const drift = bin > turn ? jump * (1 + 0.2 * Math.sin(index)) : 0;
      samples.push({ ...base, metric: 'honest', value: { gauge: 100 * Math.exp(0.02 * noise()) } });
      samples.push({ ...base, metric: 'drifts', value: { gauge: 100 * Math.exp(0.02 * noise() + drift) } });
    }
  }
  return samples;
}

function run(samples: readonly Sample[], runs: number, seed = 1): { done: Calibration | undefined; steps: number } {
  const steps = calibrate({ spec, samples, pastCurves: [], runs }, seededChance(seed, 'calibrate'));
  let taken = 0;
  for (;;) {
    const next = steps.next();
    if (next.done) return { done: next.value, steps: taken };
    taken = next.value;
  }
}

describe('H6 H7 self-calibration by rollouts that never were', () => {
  test('an honest check alarms no more than it may; one whose hosts go their own ways is found out', () => {
    const { done, steps } = run(quietTime(90), 50);
    expect(steps).toBe(50);
    const [honest, drifts] = done!.checks;
    expect(honest).toMatchObject({ check: 'honest', isHonest: true });
    expect(honest!.interval[0]).toBeLessThanOrEqual(honest!.nominal);
    expect(drifts).toMatchObject({ check: 'drifts', isHonest: false });
    expect(drifts!.interval[0]).toBeGreaterThan(drifts!.nominal);
    expect(drifts!.sentence).toMatch(
      /^drifts alarmed in \d+ of 50 rollouts that never were .* may only hold until it is\.$/,
    );
  }, 60_000);

  test('the same seed is the same answer; the order of samples does not matter', () => {
    const samples = quietTime(70, 6);
    expect(run(samples, 5).done).toEqual(run(samples.toReversed(), 5).done);
  });

  test('too little of the past, or of the service, is no calibration', () => {
    expect(run(quietTime(40), 5).done).toBeUndefined();
    expect(run(quietTime(90, 1), 5).done).toBeUndefined();
    expect(run([], 5).done).toBeUndefined();
  });

  test('what is not honest is trusted to hold at most, nothing else changes', () => {
    const capped = capTrust(spec, [
      { check: 'drifts', isHonest: false },
      { check: 'honest', isHonest: true },
    ]);
    expect(capped.checks.map(({ trust }) => trust)).toEqual(['revert', 'hold']);
    const watching = { ...spec, checks: [{ ...gauge('drifts'), trust: 'observe' as const }] };
    expect(capTrust(watching, [{ check: 'drifts', isHonest: false }]).checks[0]!.trust).toBe('observe');
    expect(capTrust(spec, [])).toBe(spec);
    const found = (one: JudgeSpec) => checksInForce(one, requests).map(({ name, trust }) => [name, trust]);
    const discovered = { ...spec, checks: [] };
    expect(found(discovered)).toEqual([['errors', 'revert']]);
    expect(found(capTrust(discovered, [{ check: 'errors', isHonest: false }]))).toEqual([['errors', 'hold']]);
  });
});
