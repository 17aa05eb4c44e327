import { describe, expect, it } from 'vitest';
import type { Phase } from '../model/index.ts';
import { revertTargetOf, withGood } from './good-versions.ts';
import { judgePhase } from './judge-phase.ts';
import { smallJob, v0, v1, v2 } from './testing/small-job.ts';

const basic = { failing: [], areOldTasksWell: true, serving: 3, restarts: 0 };
const evidence = {
  phase: 0,
  verdict: 'undecided',
  atMs: 10_000,
  measured: true,
  lostData: false,
  powerReached: false,
  sentence: 'so far',
  drivers: [],
} as const;

function judging(change: Partial<Phase> = {}) {
  const world = smallJob();
  world.deploy(v1, { judged: true });
  world.decide();
  const phase: Phase = { ...world.rollout().phases[0]!, state: 'judging', updatedAtMs: 1000, ...change };
  return { rollout: world.rollout(), phase };
}

describe('what becomes of a judged phase', () => {
  it.each([
    ['a pass before the shortest bake waits', { verdict: 'pass', atMs: 1500 }, 1500, {}, 'wait'],
    ['a pass after it passes at once', { verdict: 'pass', atMs: 2500 }, 2500, {}, 'pass'],
    ['a pass from before the update does not count', { verdict: 'pass', atMs: 900 }, 2500, {}, 'wait'],
    ['a failure fails at any time', { verdict: 'fail', atMs: 1100 }, 1100, {}, 'fail'],
    ['H4 undecided waits for the longest bake', {}, 5000, {}, 'wait'],
    ['undecided, with less evidence than planned, holds', {}, 10_000, {}, 'hold'],
    ['undecided, with the power that was promised, proceeds', { powerReached: true }, 10_000, {}, 'pass'],
    ['undecided proceeds where the phase says so', {}, 10_000, { onUndecided: 'proceed' }, 'pass'],
    ['undecided holds where the phase says so', { powerReached: true }, 10_000, { onUndecided: 'hold' }, 'hold'],
    ['nothing measured proceeds by basic checks', { measured: false }, 10_000, {}, 'pass'],
    ['nothing measured holds where the phase says so', { measured: false }, 10_000, { onUndecided: 'hold' }, 'hold'],
    [
      'a check that may only hold does so at once',
      { holds: ['Memory grows.'] },
      2500,
      { onUndecided: 'proceed' },
      'hold',
    ],
    ['what it said before the update does not', { holds: ['Memory grows.'], atMs: 900 }, 2500, {}, 'wait'],
    ['data that was there and is gone holds', { lostData: true }, 10_000, { onUndecided: 'proceed' }, 'hold'],
  ] as const)('%s', (_, said, nowMs, change, expected) => {
    const { rollout, phase } = judging(change);
    const seen = { ...evidence, ...said };
    expect(judgePhase(rollout, phase, seen, basic, nowMs).kind).toBe(expected);
  });

  it('what the traffic cannot show proceeds, and the note says what was checked at all', () => {
    const { rollout, phase } = judging();
    const said = {
      ...evidence,
      powerReached: true,
      cannotShow: ['errors'],
      promised: 'errors from 0 % to 9 % or more',
    };
    const note = 'as planned, this traffic cannot show the margin of errors; basic checks only: ';
    expect(judgePhase(rollout, phase, said, basic, 10_000)).toMatchObject({
      kind: 'pass',
      note: expect.stringContaining(note),
    });
    const less = { ...said, powerReached: false };
    expect(judgePhase(rollout, phase, less, basic, 10_000)).toMatchObject({
      kind: 'hold',
      reason: expect.stringContaining('Promised was: errors from 0 % to 9 % or more.'),
    });
  });

  it('a check that fails, but not the phase, is named where the phase is let through', () => {
    const { rollout, phase } = judging({ onUndecided: 'proceed' });
    const sentence = 'latency fails, which does not stop the phase alone: it is 50 % higher.';
    const said = { ...evidence, cannotShow: ['errors', 'latency'], failed: ['latency'], sentence };
    expect(judgePhase(rollout, phase, said, basic, 10_000)).toMatchObject({
      kind: 'pass',
      note: `Undecided, and let through. ${sentence}`,
    });
  });

  it('a first deployment is held against limits where there are any, else passes by basic checks', () => {
    const { rollout, phase } = judging();
    const first = { ...rollout, firstDeployment: true };
    const of = (said: object, nowMs: number) => judgePhase(first, phase, { ...evidence, ...said }, basic, nowMs);
    expect(of({ measured: false }, 3000)).toMatchObject({ kind: 'pass', by: 'basic-checks' });
    expect(of({ verdict: 'fail' }, 1500)).toMatchObject({ kind: 'fail' });
    expect(of({ verdict: 'pass', atMs: 2500 }, 3000)).toMatchObject({ kind: 'pass', by: 'judge' });
  });

  it('undecided is never recorded as the judge’s pass', () => {
    const { rollout, phase } = judging({ onUndecided: 'proceed' });
    expect(judgePhase(rollout, phase, evidence, basic, 10_000)).toMatchObject({ kind: 'pass', by: 'onUndecided' });
  });

  it('a judge that never looked is waited for, then it holds', () => {
    const { rollout, phase } = judging();
    expect(judgePhase(rollout, phase, undefined, basic, 7000).kind).toBe('wait');
    expect(judgePhase(rollout, phase, undefined, basic, 60_000).kind).toBe('hold');
  });
});

describe('good versions', () => {
  const marked = new Map([[v1, ['mark_1' as const]]]);
  it.each([
    ['its lastGood', v1, [v2, v1, v0], new Map(), v1],
    ['further down when that is marked', v1, [v2, v1, v0], marked, v0],
    ['the newest without a lastGood', undefined, [v2, v1, v0], new Map(), v2],
    ['the newest when lastGood was struck off', v1, [v2, v0], new Map(), v2],
    ['nothing when all are marked', v1, [v1], marked, undefined],
  ] as const)('a revert goes back to %s', (_, lastGood, good, carriers, expected) => {
    expect(revertTargetOf(lastGood, good, carriers, 'v_bad')).toBe(expected);
  });

  it('never goes back to what has just failed', () => {
    expect(revertTargetOf(undefined, [v1, v0], new Map(), v1)).toBe(v0);
  });

  it('the newest stands first, once', () => {
    expect(withGood([v2, v1], v1)).toEqual([v1, v2]);
  });
});
