import { expect, test } from 'vitest';
import type { ReleaseDetail, RolloutDetail } from '../../api/index.ts';
import { narrate, type Scene } from './narrate.ts';

const phase = (name: string, state: string, members: number[]) => ({
  name,
  state,
  members,
  passedBy: state === 'passed' ? { by: 'judge', note: 'all checks pass' } : null,
});
const scene = (rollout: object | undefined, release: object = {}): Scene => ({
  release: { commit: 'c0ffee00', state: 'running', why: null, runs: [], ...release } as unknown as ReleaseDetail,
  rollout: rollout as unknown as RolloutDetail | undefined,
});
const rollout = (state: string, phases: object[], more: object = {}) => ({
  id: 'ro_1',
  state,
  size: 12,
  updated: 12,
  startedAtMs: 1,
  budget: { budget: 3 },
  checks: [],
  failure: null,
  hold: null,
  phases,
  ...more,
});
const told = (before: Scene | undefined, after: Scene) =>
  narrate(before, after).map((line) => `${line.who}: ${line.what}`);

test('a rollout is told once: its start, each phase, its end', () => {
  const first = scene(rollout('running', [phase('first', 'updating', [4])]));
  const passed = scene(rollout('running', [phase('first', 'passed', [4])]));
  const done = scene(rollout('succeeded', [phase('first', 'passed', [4])]));
  expect(told(undefined, first)).toEqual([
    'rollout: 12 tasks, first; at most 3 out at a time',
    'rollout: first: 1 task of 12',
  ]);
  expect(told(first, first)).toEqual([]);
  expect(told(first, passed)).toEqual(['judge: first passed: all checks pass']);
  expect(told(passed, done)).toEqual(['rollout: done: 12 of 12 tasks run it']);
});

test('a failing check is told before the revert, also when both are seen at once', () => {
  const running = scene(rollout('running', [phase('first', 'judging', [4])]));
  const checks = [
    { verdict: 'fail', sentence: 'errors 8.1 % against 0.1 %' },
    { verdict: 'pass', sentence: 'p99 is equal' },
  ];
  const reverted = scene(rollout('reverted', [phase('first', 'failed', [4])], { checks }));
  expect(told(running, reverted)).toEqual([
    'judge: errors 8.1 % against 0.1 % → fail',
    'rollout: stops; the tasks it touched go back to the version that was good',
    'rollout: reverted; 12 of 12 tasks run the good version',
  ]);
});

test('a release that becomes blocked says why', () => {
  const blocked = scene(undefined, { state: 'blocked', why: 'it contains a marked commit' });
  expect(told(scene(undefined), blocked)).toEqual(['release: c0ffee00 is blocked: it contains a marked commit']);
});
