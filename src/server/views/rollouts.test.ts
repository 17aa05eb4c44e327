import { expect, test } from 'vitest';
import type { Rollout } from '../../model/index.ts';
import { newRollout, type RolloutRequest } from '../../rollout/index.ts';
import type { RolloutScreen } from '../../rollout/read.ts';
import { headline, legalCommandViews, rolloutEtag, rolloutSummary, timeSplit, whyWaiting } from './rollouts.ts';

const phase = (name: string, members: number[], more: object = {}) => ({
  ...{
    name,
    state: 'waiting',
    members,
    allowance: members.length,
    concurrency: 1,
    minBakeMs: 10_000,
    maxBakeMs: 60_000,
  },
  ...{ onFail: 'revert', onUndecided: undefined, passAsked: undefined, passedBy: undefined },
  ...{ startedAtMs: undefined, updatedAtMs: undefined, endedAtMs: undefined },
  ...more,
});

function rolloutOf(more: object = {}): Rollout {
  const request: RolloutRequest = {
    id: 'ro_1',
    job: 'shop@production',
    release: undefined,
    to: 'v_new',
    kind: 'deploy',
    judged: true,
    plan: { phases: [], newcomers: 'new', overlap: 'wait', forwardOnly: false },
    holdAfter: undefined,
    reason: undefined,
    createdBy: { kind: 'person', name: 'ada' },
  };
  const phases = [
    phase('one', [0], { state: 'passed' }),
    phase('all', [0, 1, 2, 3], { state: 'judging', updatedAtMs: 5000 }),
  ];
  const running = { state: 'running', startedAtMs: 1000, currentPhase: 1, phases };
  return { ...newRollout(request, 0), ...running, ...more } as Rollout;
}

const looks = ['new', 'new', 'new', 'old'];
const dots = looks.map((look, index) => ({ index, look, version: `v_${look}` }));
const history = [{ state: 'done', admittedAtMs: 0, endedAtMs: 4000 }];
const job = { size: 4, budget: { count: 2 }, resizingFrom: undefined };
const screen = { dots, operations: [], job, history } as unknown as RolloutScreen;
const budget = { out: 1, budget: 2, indices: [3], sentence: '1 of 2 out' };
const line = (rollout: Rollout, nowMs: number) =>
  headline(rollout, rolloutSummary(rollout, screen, new Map()), budget, nowMs);

test.each([
  [
    'judging before the shortest bake',
    {},
    9000,
    'phase 2 of 2 · 3 of 4 tasks · budget 1 of 2 out · next: judge, not before 6 s, at most 56 s',
  ],
  [
    'going by a strategy of its own',
    { plan: { ...rolloutOf().plan, strategy: 'recreate' } },
    25_000,
    'phase 2 of 2 · recreate · 3 of 4 tasks · budget 1 of 2 out · next: judge, at most 40 s more',
  ],
  ['judging after it', {}, 25_000, 'phase 2 of 2 · 3 of 4 tasks · budget 1 of 2 out · next: judge, at most 40 s more'],
  [
    'waiting',
    { state: 'waiting', phases: [] },
    9000,
    'not started · 3 of 4 tasks · budget 1 of 2 out · next: it starts when the job is free',
  ],
  [
    'succeeded',
    { state: 'succeeded', endedAtMs: 61_000 },
    99_000,
    'succeeded after 1 m · 4 of 4 tasks on the new version',
  ],
  [
    'reverted',
    { state: 'reverted', endedAtMs: 61_000 },
    99_000,
    'reverted after 1 m · 0 of 4 tasks on the new version',
  ],
])('the headline of a rollout that is %s', (_, more, nowMs, expected) => {
  expect(line(rolloutOf(more), nowMs)).toBe(expected);
});

const hold = { by: 'person', reason: 'lunch.', sinceMs: 7, resumesTo: 'running' };

test('a hold says who or what ends it; what moves waits for nothing', () => {
  expect(whyWaiting(rolloutOf({ state: 'held', hold }), screen, budget)).toMatch(
    /^Held: lunch\. A person ends it: .*resume/,
  );
  const timed = { ...hold, ...JSON.parse('{"then":{"atMs":9,"do":"revert"}}') };
  expect(whyWaiting(rolloutOf({ state: 'held', hold: timed }), screen, budget)).toBe(
    'Held: lunch. It will revert by itself.',
  );
  expect(whyWaiting(rolloutOf(), screen, budget)).toBeNull();
});

test('only what is legal is offered, and it says when it needs a reason', () => {
  const offered = (rollout: Rollout) => {
    const commands = legalCommandViews(rollout, rolloutSummary(rollout, screen, new Map()), screen);
    return Object.fromEntries(commands.map(({ command, needsReason }) => [command, needsReason]));
  };
  expect(offered(rolloutOf())).toMatchObject({ pause: false, revert: false, promote: true, 'skip-bake': true });
  const revert = legalCommandViews(rolloutOf(), rolloutSummary(rolloutOf(), screen, new Map()), screen);
  expect(revert.find(({ command }) => command === 'revert')?.effect).toMatch(/^Takes 3 tasks back .* about 8 s\.$/);
  expect(Object.keys(offered(rolloutOf({ state: 'held', hold })))).not.toContain('pause');
  expect(offered(rolloutOf({ state: 'succeeded', endedAtMs: 9 }))).toEqual({});
});

test('the tag changes with everything that may change what a command means', () => {
  const tags = [
    rolloutOf(),
    rolloutOf({ currentPhase: 0 }),
    rolloutOf({ state: 'held', hold }),
    rolloutOf({ state: 'reverting' }),
  ];
  expect(new Set(tags.map(rolloutEtag)).size).toBe(tags.length);
});

test('the time since the last decision goes to what it is doing', () => {
  const time = { accountedToMs: 100, activity: 'judging', spentMs: { updating: 30, judging: 20 } };
  expect(timeSplit(rolloutOf({ time }), 150)).toMatchObject({ updatingMs: 30, judgingMs: 70, waitingMs: 0 });
  expect(timeSplit(rolloutOf({ time, endedAtMs: 120 }), 150)).toMatchObject({ updatingMs: 30, judgingMs: 20 });
});

test('what ended before it had reached everybody counts the tasks of its job', () => {
  const early = rolloutOf({ state: 'reverted', endedAtMs: 9, currentPhase: 0 });
  expect(rolloutSummary(early, undefined, new Map(), 12)).toMatchObject({ updated: 0, size: 12 });
  expect(rolloutSummary(rolloutOf({ state: 'waiting', phases: [] }), undefined, new Map(), 12).size).toBe(12);
  const [one, all] = early.phases;
  const late = { ...early, phases: [one!, { ...all!, startedAtMs: 5 }] };
  expect(rolloutSummary(late, undefined, new Map(), 12).size).toBe(4);
});

test('what goes back is not offered to go back', () => {
  const reverting = rolloutOf({ state: 'reverting' });
  const offered = legalCommandViews(reverting, rolloutSummary(reverting, screen, new Map()), screen);
  expect(offered.map(({ command }) => command)).toEqual(['pause', 'abort', 'raise-budget']);
});

test('R14 an override is offered while something waits for the controller; who confirms reads who asked, and why', () => {
  const waiting = [{ index: 0, state: 'blocked', isAsked: true }];
  const controlled = { controller: 'The controller leader-last' };
  const offered = (rollout: Rollout, operations: readonly object[]) => {
    const now = { ...screen, operations } as unknown as RolloutScreen;
    const views = legalCommandViews(rollout, rolloutSummary(rollout, now, new Map()), now);
    return views.filter(({ command }) => command.includes('override'));
  };
  expect(offered(rolloutOf(), waiting)).toEqual([]);
  expect(offered(rolloutOf(controlled), [])).toEqual([]);
  expect(offered(rolloutOf(controlled), waiting)).toMatchObject([
    { command: 'override-controller', needsReason: true },
  ]);
  const askedBy = { kind: 'person', name: 'ada' };
  const asked = rolloutOf({ ...controlled, controllerOverride: { askedBy, reason: 'It burned down.', askedAtMs: 5 } });
  expect(offered(asked, waiting)).toEqual([
    {
      command: 'confirm-override',
      needsReason: false,
      effect:
        'ada asks for it: It burned down. This rollout goes on without the service’s controller; the budget stays in force.',
    },
  ]);
  expect(rolloutEtag(asked)).not.toBe(rolloutEtag(rolloutOf(controlled)));
});
