import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import type { GroupBudget, HostState, TaskState } from '../model/index.ts';
import { admit } from './admit.ts';
import { type LedgerOperation, newTask, type TaskFacts } from './facts.ts';
import { outOf } from './out.ts';
import { type BudgetPart, budgetParts, fullPart } from './parts.ts';

const size = 8;
const racks = ['a', 'b', 'c'];
const labelsOf = (host: string): Record<string, string> => ({ rack: host.slice(-1) });

function task(index: number, state: TaskState, rack: string): TaskFacts {
  const current = { incarnation: 1, life: 0, host: `host-${rack}`, version: 'v_1', state, ports: {}, address: '' };
  const rest = { sequence: 1, reportedAtMs: 0, servingSinceMs: 0, failure: undefined } as const;
  return { ...newTask(index), servedOnce: true, highestIncarnation: 1, current: { ...current, ...rest } as never };
}

const operationOn = (index: number): LedgerOperation =>
  ({ id: `op_${index}`, index, kind: 'update', incarnation: 1, host: 'x', state: 'admitted' }) as never;

const names = (parts: readonly BudgetPart[]) => parts.map(({ name, members, max }) => [name, [...members], max]);

describe('budgets of parts', () => {
  it('are of the tasks on hosts with the same label, and of groups of indices', () => {
    const tasks = [0, 1, 2, 3, 4].map((index) => task(index, 'serving', racks[index % 2]!));
    const facts = { size: 5, tasks, labelsOf, budgetPerGroup: null };
    expect(names(budgetParts({ ...facts, budgetPerDomain: { rack: { percent: 50 } } }))).toEqual([
      ['rack a', [0, 2, 4], 1],
      ['rack b', [1, 3], 1],
    ]);
    const groups = { ...facts, budgetPerDomain: {}, budgetPerGroup: { groups: 2, max: 1 } };
    expect(names(budgetParts(groups))).toEqual([
      ['group 0–1', [0, 1], 1],
      ['group 2–3', [2, 3], 1],
      ['group 4–4', [4], 1],
    ]);
    expect(names(budgetParts({ ...groups, budgetPerGroup: { groups: [[0, 4]], max: 1 } }))).toEqual([
      ['group 0, 4', [0, 4], 1],
    ]);
  });

  it('a person who raises the budget raises that of every part', () => {
    const parts = [{ name: 'rack a', members: new Set([0, 1, 2]), max: 1 }];
    expect(fullPart(parts, 1, new Set([0]), 0)?.name).toBe('rack a');
    expect(fullPart(parts, 1, new Set([0]), 2)).toBeUndefined();
    expect(fullPart(parts, 7, new Set([0, 1, 2]), 0)).toBeUndefined();
  });

  /** Failures, moves, updates and their ends in any order, against the rule said once more over plain lists. */
  it('C1 random schedules: an update is admitted if, and only if, job, rack and group all have room for it', () => {
    const step = fc.oneof(
      fc.record({ kind: fc.constant('fail' as const), index: fc.nat({ max: size - 1 }) }),
      fc.record({ kind: fc.constant('serve' as const), index: fc.nat({ max: size - 1 }) }),
      fc.record({ kind: fc.constant('silent' as const), index: fc.nat({ max: 2 }) }),
      fc.record({ kind: fc.constant('update' as const), index: fc.nat({ max: size - 1 }) }),
      fc.record({ kind: fc.constant('update' as const), index: fc.nat({ max: size - 1 }) }),
      fc.record({ kind: fc.constant('end' as const), index: fc.nat({ max: size - 1 }) }),
    );
    const group = fc.constantFrom<GroupBudget | null>(
      { groups: 3, max: 1 },
      {
        groups: [
          [0, 7],
          [1, 2, 3],
        ],
        max: 2,
      },
      null,
    );
    fc.assert(
      fc.property(
        fc.array(step, { maxLength: 60 }),
        fc.integer({ min: 1, max: 5 }),
        fc.integer({ min: 1, max: 2 }),
        group,
        (steps, budget, perRack, budgetPerGroup) => {
          const rackOf = (index: number): string => racks[index % 3]!;
          const states = new Map<number, TaskState>();
          const busy = new Set<number>();
          const silent = new Set<string>();
          const stateOf = (index: number): TaskState => states.get(index) ?? 'serving';
          const hostStates = (host: string): HostState => (silent.has(host.slice(-1)) ? 'suspected' : 'up');
          for (const { kind, index } of steps) {
            if (kind === 'fail') states.set(index, 'starting');
            else if (kind === 'serve') states.delete(index);
            else if (kind === 'end') busy.delete(index);
            else if (kind === 'silent') {
              const rack = racks[index]!;
              if (!silent.delete(rack)) silent.add(rack);
            } else if (!busy.has(index)) {
              const tasks = Array.from({ length: size }, (_, at) => task(at, stateOf(at), rackOf(at)));
              const parts = budgetParts({
                budgetPerDomain: { rack: { count: perRack } },
                budgetPerGroup,
                size,
                tasks,
                labelsOf,
              });
              const out = outOf(tasks, [...busy].map(operationOn), hostStates);
              const facts = { out, budget, parts, raisedTo: 0, task: tasks[index], hostStates };
              const { admitted } = admit(operationOn(index), { ...facts, readyDeadlineMs: 1e9, nowMs: 0 });
              // The model.
              const would = [...Array(size).keys()].filter(
                (at) => at === index || busy.has(at) || stateOf(at) !== 'serving' || silent.has(rackOf(at)),
              );
              const groupOf = (at: number): number | undefined => {
                const groups = budgetPerGroup?.groups;
                if (groups === undefined) return undefined;
                return typeof groups === 'number'
                  ? Math.floor(at / groups)
                  : groups.findIndex((one) => one.includes(at));
              };
              const own = groupOf(index);
              const mates = would.filter((at) => own !== undefined && own >= 0 && groupOf(at) === own);
              const fits =
                would.length <= budget &&
                would.filter((at) => rackOf(at) === rackOf(index)).length <= perRack &&
                mates.length <= (budgetPerGroup?.max ?? size);
              expect(admitted).toBe(fits);
              if (admitted) busy.add(index);
            }
          }
        },
      ),
      { numRuns: 300 },
    );
  });
});
