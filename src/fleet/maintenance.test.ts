import { describe, expect, it } from 'vitest';
import type { Maintenance } from '../model/index.ts';
import {
  beginNow,
  type ConcernedJob,
  endMaintenance,
  extendMaintenance,
  type Inventory,
  impactOf,
  maintenanceState,
  newMaintenance,
  type OpenRequest,
  outagesOf,
  waitsFor,
} from './index.ts';

const minute = 60_000;
const nowMs = 1_000_000;
const hosts = ['a', 'a', 'b', 'b', 'c'].map((rack, at) => ({ id: `host-${at}`, labels: { rack } }));

function request(change: Partial<OpenRequest> = {}): OpenRequest {
  const actor = { kind: 'person', name: 'ada' } as const;
  const times = { fromMs: undefined, leadMs: 15 * minute, forMs: 30 * minute };
  const scope = { label: 'rack', value: 'a' };
  return { id: 'mnt_1', scope, reason: 'disks', actor, ...times, hostsStayUp: false, isFixed: false, ...change };
}

function made(change: Partial<OpenRequest> = {}): Maintenance {
  const result = newMaintenance(request(change), hosts, nowMs);
  if (!result.ok) throw new Error(result.error.detail);
  return result.value;
}

describe('TWM-1 a maintenance', () => {
  it('of a domain means its hosts; tasks leave during the lead, the work begins at the deadline', () => {
    expect(made()).toMatchObject({
      ...{ hosts: ['host-0', 'host-1'], leaveAtMs: nowMs, deadlineAtMs: nowMs + 15 * minute },
      untilMs: nowMs + 45 * minute,
    });
    expect(made({ fromMs: nowMs + 60 * minute })).toMatchObject({ leaveAtMs: nowMs + 45 * minute });
    expect(made({ fromMs: nowMs + minute })).toMatchObject({ leaveAtMs: nowMs, deadlineAtMs: nowMs + minute });
    expect(outagesOf(made())).toMatchObject([
      { cause: 'maintenance', scope: { host: 'host-0' }, startsAtMs: nowMs, work: { scope: 'rack=a' } },
      { scope: { host: 'host-1' } },
    ]);
  });

  it.each([
    ['no such host', { scope: { host: 'host-9' } }, 'There is no host host-9.'],
    ['no such label', { scope: { label: 'rack', value: 'z' } }, 'No host has the label rack=z.'],
    ['in the past', { fromMs: nowMs - 1 }, 'The work would begin in the past.'],
  ] as const)('%s is refused', (_, change, detail) => {
    expect(newMaintenance(request(change), hosts, nowMs)).toMatchObject({ ok: false, error: { detail } });
  });

  it.each([
    ['announced', { fromMs: nowMs + 60 * minute }, 0, 3],
    ['leaving', {}, minute, 3],
    ['empty', {}, minute, 0],
    ['working', {}, 20 * minute, 0],
    ['overdue', {}, 50 * minute, 0],
  ] as const)('is %s', (state, change, afterMs, living) => {
    expect(maintenanceState(made(change), living, nowMs + afterMs)).toBe(state);
  });

  it('is put off before the work begins, and takes longer at any time, but never shorter than now', () => {
    const before = made();
    const later = extendMaintenance(before, { untilMs: undefined, deadlineAtMs: nowMs + 20 * minute }, nowMs);
    expect(later).toMatchObject({
      ok: true,
      value: { deadlineAtMs: nowMs + 20 * minute, untilMs: nowMs + 50 * minute },
    });
    const begun = nowMs + 16 * minute;
    expect(extendMaintenance(before, { untilMs: nowMs + 90 * minute, deadlineAtMs: undefined }, begun).ok).toBe(true);
    expect(extendMaintenance(before, { untilMs: undefined, deadlineAtMs: begun + minute }, begun).ok).toBe(false);
    expect(extendMaintenance(before, { untilMs: nowMs, deadlineAtMs: undefined }, begun).ok).toBe(false);
    expect(extendMaintenance(before, { untilMs: undefined, deadlineAtMs: nowMs + minute }, nowMs).ok).toBe(false);
  });

  it('that waits its turn has not begun, however late it is, and can be put off', () => {
    const waiting = { ...made(), waitsFor: { ids: ['mnt_9'] as const, sentence: 'because' } };
    const late = nowMs + 20 * minute;
    const wish = { untilMs: undefined, deadlineAtMs: nowMs + 60 * minute };
    expect(extendMaintenance(waiting, wish, late)).toMatchObject({
      ok: true,
      value: { deadlineAtMs: nowMs + 60 * minute, untilMs: nowMs + 90 * minute },
    });
    expect(extendMaintenance(made(), wish, late).ok).toBe(false);
  });

  it('is cancelled before the work begins, ended at any time, once', () => {
    expect(endMaintenance(made(), 'cancelled', nowMs + minute)).toMatchObject({
      ok: true,
      value: { end: 'cancelled' },
    });
    expect(endMaintenance(made(), 'cancelled', nowMs + 16 * minute).ok).toBe(false);
    const ended = endMaintenance(made(), 'ended', nowMs + 16 * minute);
    expect(ended.ok && outagesOf(ended.value).every((one) => one.endedAtMs === nowMs + 16 * minute)).toBe(true);
    expect(ended.ok && endMaintenance(ended.value, 'ended', nowMs).ok).toBe(false);
  });
});

const inventory: Inventory = {
  hosts: hosts.map((host) => ({
    ...host,
    state: 'up',
    isSilent: false,
    capacity: { cpuMillis: 1000, memoryMb: 1000, maxTasks: 2 },
  })),
  placements: [],
  massSilence: false,
};

function job(answer: 'move' | 'hold', budget: number): ConcernedJob {
  const needs = { cpuMillis: 100, memoryMb: 100 };
  const tasks = [0, 1, 2, 3].map((index) => ({ index, host: `host-${index}`, answer, needs, isSingleton: false }));
  return { job: 'shop@production', size: 6, budget: { count: budget }, hostLabels: {}, tasks };
}

describe('TWM-6 UE-4 several at once', () => {
  const first = made();
  const second = made({ id: 'mnt_2', scope: { label: 'rack', value: 'b' } });
  const impacts = (answer: 'move' | 'hold', budget: number, others: readonly Maintenance[]) =>
    impactOf({ maintenance: second, others, jobs: [job(answer, budget)], inventory });

  it('whose tasks together break a budget follow one another; each alone does not wait', () => {
    const [impact] = impacts('hold', 3, [first]);
    expect(impact).toMatchObject({ budget: 3, staysOut: [2, 3], outElsewhere: [0, 1] });
    expect(waitsFor(second, [first], [impact!])).toEqual({
      ids: ['mnt_1'],
      sentence: 'mnt_1 and this one together would keep 4 tasks of shop@production out, and its budget is 3.',
    });
    expect(waitsFor(second, [first], impacts('hold', 4, [first]))).toBeUndefined();
    expect(waitsFor(second, [], impacts('hold', 1, []))).toBeUndefined();
    expect(waitsFor(second, [first], impacts('move', 1, [first]))).toBeUndefined();
    const later = made({ id: 'mnt_3', fromMs: nowMs + 120 * minute });
    expect(waitsFor(second, [later], impacts('hold', 3, [later]))).toBeUndefined();
  });

  it('never on one host', () => {
    const same = made({ id: 'mnt_4', scope: { host: 'host-1' } });
    expect(waitsFor(same, [first], [])?.sentence).toBe('mnt_1 works on host-1 (disks).');
  });

  it('tells who goes where, and who finds no room: two places are left outside of both racks', () => {
    const [impact] = impacts('move', 3, [first]);
    expect(impact?.tasks).toEqual([
      { index: 2, host: 'host-2', answer: 'move', goesTo: 'host-4' },
      { index: 3, host: 'host-3', answer: 'move', goesTo: 'host-4' },
    ]);
    const full = { ...inventory, hosts: inventory.hosts.slice(0, 4) };
    const [without] = impactOf({ maintenance: second, others: [first], jobs: [job('move', 3)], inventory: full });
    expect(without?.staysOut).toEqual([2, 3]);
  });

  it('keeps its lead and its length when its turn comes late', () => {
    const waiting = { ...second, waitsFor: { ids: ['mnt_1'] as const, sentence: 'because' } };
    expect(outagesOf(waiting)).toEqual([]);
    const begun = beginNow(waiting, nowMs + 60 * minute);
    expect(begun).toMatchObject({ leaveAtMs: nowMs + 60 * minute, deadlineAtMs: nowMs + 75 * minute });
    expect(begun.untilMs - begun.deadlineAtMs).toBe(30 * minute);
    expect(begun.waitsFor).toBeUndefined();
  });
});
