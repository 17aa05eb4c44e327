import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type HostState, isUnderWay, type OperationKind, type TaskReport, type TaskState } from '../model/index.ts';
import {
  admit,
  budgetFor,
  budgetInForce,
  endByFacts,
  endByReport,
  exemptionOf,
  foldGone,
  foldReport,
  type LedgerOperation,
  newTask,
  outOf,
  type TaskFacts,
} from './index.ts';

const up = (): HostState => 'up';
const v1 = 'v_1' as const;

function report(change: Partial<TaskReport> = {}): TaskReport {
  return {
    job: 'guestbook@production',
    index: 0,
    incarnation: 1,
    life: 0,
    host: 'host-0',
    version: v1,
    state: 'serving',
    ports: {},
    address: '',
    sequence: 1,
    atMs: 0,
    ...change,
  };
}

function taskIn(state: TaskState, index = 0, change: Partial<TaskFacts> = {}): TaskFacts {
  const served = foldReport(newTask(index), report({ index, host: `host-${index}` }));
  return { ...foldReport(served, report({ index, host: `host-${index}`, state, sequence: 2 })), ...change };
}

function operation(change: Partial<LedgerOperation> = {}): LedgerOperation {
  return {
    id: 'op_1',
    job: 'guestbook@production',
    index: 0,
    kind: 'update',
    incarnation: 1,
    nextIncarnation: 2,
    from: v1,
    to: 'v_2',
    host: 'host-0',
    rollout: undefined,
    phase: undefined,
    reason: '',
    state: 'admitted',
    blockedBy: undefined,
    precondition: undefined,
    epoch: 1,
    deadlineAtMs: undefined,
    proposedAtMs: 0,
    admittedAtMs: 0,
    endedAtMs: undefined,
    exemption: undefined,
    cancelAskedAtMs: undefined,
    isWithdrawn: false,
    dispatches: 1,
    outcome: undefined,
    ...change,
  };
}

describe('OUT', () => {
  it.each([
    ['serving', 'serving', 'up', false],
    ['starting', 'starting', 'up', true],
    ['draining', 'draining', 'up', true],
    ['failed', 'failed', 'up', true],
    ['crash-looping', 'crash-looping', 'up', true],
    ['stopped for maintenance', 'stopped', 'up', true],
    ['serving on a host that is being drained', 'serving', 'leaving', false],
    ['serving by its last word, on a suspected host', 'serving', 'suspected', true],
    ['serving by its last word, on a lost host', 'serving', 'lost', true],
  ] as const)('C1 %s', (_, state, host, isOut) => {
    expect(outOf([taskIn(state)], [], () => host).size).toBe(isOut ? 1 : 0);
  });

  it('an index that has never served is not out', () => {
    const task = foldReport(newTask(0), report({ state: 'starting' }));
    expect(outOf([task], [], up).size).toBe(0);
  });

  it('C1 overlapping causes count an index once', () => {
    expect([...outOf([taskIn('failed', 3)], [operation({ index: 3 })], up)]).toEqual([3]);
  });

  it.each([
    ['admitted', true],
    ['executing', true],
    ['blocked', false],
    ['acked', false],
  ] as const)('an operation that is %s', (state, isOut) => {
    expect(outOf([], [operation({ state })], up).size).toBe(isOut ? 1 : 0);
  });
});

describe('budgets', () => {
  it.each([
    ['10 % of 12 rounds down', { percent: 10 }, 12, undefined, 1],
    ['10 % of 5 is at least one', { percent: 10 }, 5, undefined, 1],
    ['0 % means 0', { percent: 0 }, 12, undefined, 0],
    ['growing: the smaller one', { percent: 10 }, 40, 12, 1],
    ['shrinking: the smaller one', { percent: 10 }, 12, 40, 1],
  ] as const)('%s', (_, budget, size, resizingFrom, expected) => {
    expect(budgetInForce({ budget, size, resizingFrom })).toBe(expected);
  });

  it('each extra task that serves under surge raises it; a person may raise it, never lower it', () => {
    expect(budgetInForce({ budget: { count: 0 }, size: 4, resizingFrom: undefined, surge: 2 })).toBe(2);
    expect(budgetFor(3, { count: 5 })).toBe(5);
    expect(budgetFor(3, { count: 1 })).toBe(3);
  });
});

describe('exemptions', () => {
  const facts = (task: TaskFacts, host: HostState = 'up', nowMs = 0) => ({
    task,
    hostStates: () => host,
    readyDeadlineMs: 10_000,
    nowMs,
  });
  it.each([
    ['a start where nothing ever was', 'start', newTask(0), 'up', 'no-living-incarnation'],
    ['a start after a stop', 'start', taskIn('stopped'), 'up', 'no-living-incarnation'],
    ['a start after the host was lost', 'start', taskIn('serving'), 'lost', 'no-living-incarnation'],
    ['a start while the host is suspected', 'start', taskIn('serving'), 'suspected', undefined],
    ['a start while it serves', 'start', taskIn('serving'), 'up', undefined],
    ['an update of a failed task', 'update', taskIn('failed'), 'up', 'still-out'],
    ['an update of a crash-looping task', 'update', taskIn('crash-looping'), 'up', 'still-out'],
    ['a restart of a failed task', 'restart', taskIn('failed'), 'up', 'still-out'],
    ['an update of a starting task', 'update', taskIn('starting'), 'up', undefined],
    ['an update on a host that nobody hears', 'update', taskIn('failed'), 'suspected', undefined],
    ['a stop', 'stop', taskIn('failed'), 'up', undefined],
    ['a move', 'move', taskIn('serving'), 'up', undefined],
  ] as const)('%s', (_, kind, task, host, expected) => {
    expect(exemptionOf(operation({ kind: kind as OperationKind }), facts(task, host))).toBe(expected);
  });

  it('out longer than its ready deadline is exempt, and names the incarnation', () => {
    const task = taskIn('starting', 0, { outSinceMs: 0 });
    const full = { out: new Set([0, 1, 2]), budget: 1, parts: [], raisedTo: 0 };
    expect(admit(operation(), { ...facts(task, 'up', 10_000), ...full }).admitted).toBe(false);
    expect(admit(operation(), { ...facts(task, 'up', 10_001), ...full })).toEqual({
      admitted: true,
      exemption: 'still-out',
      stillOut: 1,
    });
  });

  it('only the incarnation that is still the newest can be exempt', () => {
    expect(exemptionOf(operation({ incarnation: 7 }), facts(taskIn('failed')))).toBeUndefined();
  });
});

describe('the end of an operation', () => {
  it.each([
    ['done', undefined, 'done', undefined],
    ['failed', 'exit 1', 'failed', 'exit 1'],
    ['refused', 'recovered', 'cancelled', 'recovered'],
    ['refused', 'a newer epoch is known', 'failed', 'refused: a newer epoch is known'],
    ['cancelled', 'told to', 'cancelled', 'told to'],
  ] as const)('its agent says %s: %s', (outcome, reason, state, words) => {
    const word = report({ operation: { id: 'op_1', outcome, reason } });
    expect(endByReport(operation(), word)).toEqual({ state, outcome: words });
  });

  it('a newer incarnation serves, its host is fenced; nothing else', () => {
    const newer = foldReport(taskIn('serving'), report({ incarnation: 3, host: 'host-9', sequence: 1 }));
    expect(endByFacts(operation(), newer, up)?.state).toBe('cancelled');
    expect(endByFacts(operation(), taskIn('serving'), () => 'fenced')?.state).toBe('cancelled');
    expect(endByFacts(operation(), taskIn('serving'), () => 'lost')).toBeUndefined();
    expect(endByFacts(operation(), taskIn('failed'), up)).toBeUndefined();
  });
});

describe('folding reports', () => {
  it('C8 any order, any number of times: the same facts', () => {
    const one = fc.record({
      incarnation: fc.integer({ min: 1, max: 3 }),
      sequence: fc.integer({ min: 1, max: 20 }),
      state: fc.constantFrom<TaskState>('starting', 'serving', 'draining', 'stopped', 'failed'),
    });
    // An agent never says two things under one number.
    const reports = fc.uniqueArray(one, { selector: (r) => `${r.incarnation}/${r.sequence}`, maxLength: 12 });
    fc.assert(
      fc.property(reports, fc.infiniteStream(fc.nat()), (list, order) => {
        const full = list.map((change) => report({ ...change, host: `host-${change.incarnation}` }));
        const shuffled = [...full, ...full]
          .map((r) => ({ r, at: order.next().value }))
          .sort((a, b) => a.at - b.at)
          .map(({ r }) => r);
        const [a, b] = [full, shuffled].map((all) => all.reduce((task, r) => foldReport(task, r), newTask(0)));
        expect(a!.current && { ...a!.current, servingSinceMs: 0 }).toEqual(
          b!.current && { ...b!.current, servingSinceMs: 0 },
        );
        expect(a!.servedOnce).toBe(b!.servedOnce);
        const newest = full.toSorted((x, y) => x.incarnation - y.incarnation || x.sequence - y.sequence).at(-1);
        expect(a!.current?.state).toBe(newest?.state);
      }),
    );
  });

  it('while a package is fetched, the incarnation before it still stands', () => {
    const fetching = foldReport(taskIn('serving'), report({ incarnation: 2, state: 'fetching', sequence: 3 }));
    expect(fetching.current?.incarnation).toBe(1);
    const started = foldReport(fetching, report({ incarnation: 2, state: 'starting', sequence: 4 }));
    expect(started.current?.incarnation).toBe(2);
    expect(started.others.map((other) => other.state)).toEqual(['stopped']);
  });

  it('a package that never came leaves the incarnation before it standing', () => {
    const failure = { reason: 'package', summary: 'no route', lastLogLines: [] } as const;
    const failed = foldReport(taskIn('serving'), report({ incarnation: 2, state: 'failed', sequence: 3, failure }));
    expect(failed.current?.incarnation).toBe(1);
  });

  it('an agent that holds nothing says nothing of the task', () => {
    expect(
      foldReport(taskIn('serving'), report({ incarnation: 0, state: 'stopped', sequence: 9 })).current?.state,
    ).toBe('serving');
  });

  it('what an agent says is gone is gone', () => {
    const two = foldReport(taskIn('serving'), report({ incarnation: 3, host: 'host-9', sequence: 1 }));
    expect(foldGone(two, 1).others.map((other) => other.state)).toEqual(['stopped']);
  });
});

describe('the ledger under random schedules', () => {
  /** The rule said once more, without the code: a set of indices and two sentences. */
  it('I1 C1 an admission beyond the budget is always an exemption that cannot take anything out', () => {
    const step = fc.oneof(
      fc.record({
        kind: fc.constant('state' as const),
        index: fc.nat({ max: 4 }),
        state: fc.constantFrom<TaskState>('serving', 'starting', 'failed', 'crash-looping', 'stopped'),
      }),
      fc.record({
        kind: fc.constant('host' as const),
        index: fc.nat({ max: 4 }),
        state: fc.constantFrom<HostState>('up', 'suspected', 'lost'),
      }),
      fc.record({
        kind: fc.constant('want' as const),
        index: fc.nat({ max: 4 }),
        operation: fc.constantFrom<OperationKind>('update', 'start', 'restart', 'stop', 'move'),
      }),
      fc.record({ kind: fc.constant('end' as const), index: fc.nat({ max: 4 }) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), fc.integer({ min: 0, max: 3 }), (steps, budget) => {
        const tasks = new Map([0, 1, 2, 3, 4].map((index) => [index, taskIn('serving', index)]));
        const hosts = new Map<string, HostState>();
        const states = (host: string): HostState => hosts.get(host) ?? 'up';
        const live = new Map<number, LedgerOperation>();
        let sequence = 10;
        for (const one of steps) {
          sequence += 1;
          const task = tasks.get(one.index)!;
          if (one.kind === 'state') {
            tasks.set(
              one.index,
              foldReport(task, report({ index: one.index, host: `host-${one.index}`, state: one.state, sequence })),
            );
          } else if (one.kind === 'host') hosts.set(`host-${one.index}`, one.state);
          else if (one.kind === 'end') live.delete(one.index);
          else if (!live.has(one.index)) {
            const wanted = operation({
              index: one.index,
              kind: one.operation,
              host: `host-${one.index}`,
              state: 'acked',
            });
            const out = outOf(tasks.values(), live.values(), states);
            const facts = {
              out,
              budget,
              parts: [],
              raisedTo: 0,
              task,
              hostStates: states,
              readyDeadlineMs: 1000,
              nowMs: 0,
            };
            const admission = admit(wanted, facts);
            // The model.
            const downNow = [0, 1, 2, 3, 4].filter(
              (index) =>
                tasks.get(index)!.current!.state !== 'serving' || states(`host-${index}`) !== 'up' || live.has(index),
            );
            const fits = new Set([...downNow, one.index]).size <= budget;
            const state = task.current!.state;
            const isDown = state === 'failed' || state === 'stopped' || state === 'crash-looping';
            const host = states(`host-${one.index}`);
            const startsNothing =
              one.operation === 'start' && (state === 'failed' || state === 'stopped' || host === 'lost');
            const isRepair = (one.operation === 'update' || one.operation === 'restart') && isDown && host === 'up';
            expect(admission.admitted).toBe(fits || startsNothing || isRepair);
            if (isRepair) expect(admission).toMatchObject({ stillOut: 1 });
            if (admission.admitted) live.set(one.index, { ...wanted, state: 'admitted' });
          }
        }
        expect([...live.values()].every((one) => isUnderWay(one.state))).toBe(true);
      }),
      { numRuns: 300 },
    );
  });
});
