import { describe, expect, test } from 'vitest';
import { decideRestart } from './keeper/restart.ts';
import type { KeeperState, LifeEnd } from './keeper/spec.ts';
import { decideStart, observeKeeper } from './observe-keeper.ts';

const end = (change: Partial<LifeEnd> & { reason?: 'exited' | 'not-ready' } = {}): LifeEnd => {
  const { reason = 'exited', ...rest } = change;
  return { life: 0, atMs: 0, wasServing: false, failure: { reason, summary: reason, lastLogLines: [] }, ...rest };
};
const keeper = (phase: KeeperState['phase'], ends: LifeEnd[] = []): KeeperState => ({
  ...{ format: 1, id: 'k', keeper: { pid: 2, startTicks: 1 }, revision: 1, main: null, droppedLines: 0, result: null },
  ...{ phase, life: ends.length, ends },
});

describe('what others see of a keeper', () => {
  test.each([
    ['its first life begins', keeper('starting'), false, 'starting'],
    ['it serves', keeper('serving'), false, 'serving'],
    ['it serves, but leaves', keeper('serving'), true, 'draining'],
    ['it stops', keeper('stopping'), true, 'draining'],
    ['it ended before it ever served', keeper('failed', [end()]), false, 'starting'],
    ['it ended after it had served', keeper('failed', [end({ wasServing: true })]), false, 'failed'],
    ['it was not ready in time', keeper('failed', [end({ reason: 'not-ready' })]), false, 'failed'],
    ['it ends again and again', keeper('crash-looping', [end(), end()]), false, 'crash-looping'],
    ['it is gone', keeper('stopped'), true, 'stopped'],
  ] as const)('%s', (_, state, isDraining, expected) => {
    expect(observeKeeper(state, { isDraining }).state).toBe(expected);
  });
});

test.each([
  ['nothing known yet', undefined, 0, undefined],
  ['starting', keeper('starting'), 10, undefined],
  ['serving', keeper('serving', [end()]), 10, 'serving'],
  ['one exit is not the end', keeper('failed', [end()]), 10, undefined],
  ['not ready in time is', keeper('failed', [end({ reason: 'not-ready' })]), 10, 'failed'],
  ['crash-looping', keeper('crash-looping', [end()]), 10, 'failed'],
  ['lives that end late, until the deadline', keeper('starting', [end()]), 1001, 'failed'],
] as const)('how a start ended: %s', (_, state, nowMs, expected) => {
  expect(decideStart(state, 1000, 0, nowMs)?.is).toBe(expected);
});

test('TWD-12 0.1 s, 0.2, 0.4 … up to the cap; crash-looping from the fifth end within the window; then anew', () => {
  const policy = { baseMs: 100, capMs: 5000, maxEnds: 5, windowMs: 60_000, settleMs: 5000 };
  const ends = Array.from({ length: 8 }, (_, i) => end({ atMs: i * 10 }));
  const steps = ends.map((_, i) => decideRestart(ends.slice(0, i + 1), policy, 100));
  expect(steps.map(({ waitMs }) => waitMs)).toEqual([100, 200, 400, 800, 1600, 3200, 5000, 5000]);
  expect(steps.map(({ isCrashLooping }) => isCrashLooping)).toEqual([
    false,
    false,
    false,
    false,
    true,
    true,
    true,
    true,
  ]);
  expect(decideRestart([...ends, end({ atMs: 200_000 })], policy, 200_000)).toEqual({
    waitMs: 100,
    isCrashLooping: false,
  });
});
