import { describe, expect, test } from 'vitest';
import type { JudgeSpec } from '../../model/index.ts';
import { plainCheck } from '../plain-check.ts';
import { explainCalibrationTurn } from './explain-turn.ts';
import { nextTry } from './next-try.ts';
import { type CalibrationRun, calibrationSettings, poolCalibrations } from './pool.ts';

const hourMs = 3_600_000;

function quiet(hour: number, alarms: number, more: Partial<CalibrationRun> = {}): CalibrationRun {
  const check = { check: 'errors', alarms, runs: 20, nominal: 0.01, isHonest: true, sentence: 'of one' };
  return {
    ...{ atMs: hour * hourMs, fromMs: (hour - 1) * hourMs, untilMs: hour * hourMs, settings: 'same' },
    calibration: { runs: 20, tasks: 6, bins: 90, checks: [{ ...check, interval: [0, 1] }] },
    ...more,
  };
}

describe('H6 H7 quiet times are pooled', () => {
  test('one is as it was found; none is no answer', () => {
    expect(poolCalibrations([])).toBeUndefined();
    const one = quiet(1, 0);
    expect(poolCalibrations([one])).toBe(one.calibration);
  });

  test('a few alarms at every hour add up to what no single hour can show', () => {
    const alone = poolCalibrations([quiet(1, 1)])!;
    expect(alone.checks[0]!.isHonest).toBe(true);
    const pooled = poolCalibrations(Array.from({ length: 10 }, (_, at) => quiet(at * 19, 1)))!;
    expect(pooled).toMatchObject({ runs: 200, checks: [{ alarms: 10, runs: 200, isHonest: false }] });
    expect(pooled.checks[0]!.interval[0]).toBeCloseTo(0.0242, 3);
    expect(pooled.checks[0]!.sentence).toMatch(
      /^errors alarmed in 10 of 200 rollouts that never were \(10 quiet times, at 10 different hours; 95 % interval .* may only hold until it is\.$/,
    );
  });

  test('one odd hour is not ten: what differs more than chance allows counts for less', () => {
    const pooled = poolCalibrations(Array.from({ length: 10 }, (_, at) => quiet(at * 19, at === 4 ? 8 : 0)))!;
    expect(pooled.checks[0]).toMatchObject({ alarms: 8, runs: 200, isHonest: true });
    expect(pooled.checks[0]!.interval[0]).toBeLessThan(0.01);
    expect(pooled.checks[0]!.interval[1]).toBeGreaterThan(0.15);
  });

  test('other settings are another question; what was only discovered later was not tried before', () => {
    const changed = poolCalibrations([quiet(1, 9, { settings: 'old' }), quiet(20, 0)])!;
    expect(changed).toMatchObject({ runs: 20, checks: [{ alarms: 0 }] });
    const nothing = quiet(1, 0);
    const before = { ...nothing, calibration: { ...nothing.calibration, checks: [] } };
    expect(poolCalibrations([before, quiet(20, 1)])).toMatchObject({ runs: 40, checks: [{ alarms: 1, runs: 20 }] });
  });

  test('trust is no setting of a calibration, a margin is', () => {
    const check = { ...plainCheck, name: 'queue', metric: { gauge: 'queue' } } as JudgeSpec['checks'][number];
    const spec: JudgeSpec = { checks: [check], failShare: 0.5, alpha: 0.01, binMs: 1000, warmupMs: 1000 };
    const of = (more: Partial<typeof check>) => calibrationSettings({ ...spec, checks: [{ ...check, ...more }] });
    expect(of({ trust: 'hold' })).toBe(of({ trust: 'revert' }));
    expect(of({ margin: 0.5 })).not.toBe(of({ margin: 0.1 }));
  });
});

describe('when it is next', () => {
  test('every hour of the day has its turn, about once a day', () => {
    const hours = new Set<number>();
    let atMs = 0;
    for (let turn = 0; turn < 24; turn += 1) {
      hours.add(Math.floor(atMs / hourMs) % 24);
      atMs = nextTry('shop@production', atMs, 'tried');
    }
    expect(hours.size).toBe(24);
    expect(atMs).toBeLessThanOrEqual(24 * 24 * hourMs);
  });

  test('jobs that begin together are spread', () => {
    const begun = Array.from({ length: 100 }, (_, at) => nextTry(`s${at}@production`, 0, 'began'));
    expect(new Set(begun).size).toBeGreaterThan(90);
    for (const atMs of begun) expect(atMs).toBeGreaterThanOrEqual(hourMs);
  });

  test('and it is told in words', () => {
    expect(explainCalibrationTurn(undefined, 'off')).toBe(
      'Checks are not tried by themselves: judge.calibrate is off.',
    );
    expect(explainCalibrationTurn({ atMs: 0, nextAtMs: 19 * hourMs, refused: undefined }, 'auto')).toBe(
      'Checks were tried by themselves at 1970-01-01 00:00 UTC; next at 1970-01-01 19:00 UTC.',
    );
    expect(explainCalibrationTurn({ atMs: 0, nextAtMs: hourMs, refused: 'Something is being deployed.' }, 'auto')).toBe(
      'Checks could not be tried at 1970-01-01 00:00 UTC; next at 1970-01-01 01:00 UTC. Something is being deployed.',
    );
  });
});
