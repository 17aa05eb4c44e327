import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { newTask, noLimits } from '../../disruption/index.ts';
import { listOutages, saveTask } from '../../disruption/rows.ts';
import type { Proposal, View } from '../../engine/index.ts';
import type { Result } from '../../model/index.ts';
import { ensureJob } from '../../rollout/rows.ts';
import { openStore, type Store } from '../../store/index.ts';
import type { OpenRequest } from '../maintenance.ts';
import * as rows from '../rows.ts';
import { end, extend, openMaintenance } from './maintenance.ts';

const job = 'shop@production';
const ada = { kind: 'person', name: 'ada' } as const;
const minute = 60_000;

let store: Store;
beforeEach(async () => {
  store = await openStore({ kind: 'sqlite', path: ':memory:' });
  await store.transaction(async (tx) => {
    for (const [at, rack] of ['a', 'a', 'b', 'b'].entries()) {
      await rows.insertHost(tx, `host-${at}`, `key ${at}`, '0.1.0', 0);
      const capacity = { cpuMillis: 1000, memoryMb: 1000, maxTasks: 9 };
      const facts = { address: '', labels: { rack }, capacity, abilities: [], agentVersion: '0.1.0' };
      await rows.updateHostFacts(tx, `host-${at}`, facts, 0);
    }
    const wish = { id: job, service: 'shop', environment: 'production', wantedSize: 4, budget: { count: 3 } } as const;
    const rest = { limits: noLimits, env: {}, hostLabels: {}, driver: 'fleet', onMaintenance: 'hold' } as const;
    await ensureJob(tx, { ...wish, ...rest }, 0);
    for (const index of [0, 1, 2, 3]) {
      const facts = { incarnation: 1, life: 0, host: `host-${index}`, version: 'v_1', state: 'serving' } as const;
      const known = { ports: {}, address: '', sequence: 1, reportedAtMs: 0, servingSinceMs: 0, failure: undefined };
      await saveTask(tx, job, { ...newTask(index), servedOnce: true, current: { ...facts, ...known } });
    }
  });
});
afterEach(() => store.close());

function request(id: `mnt_${string}`, rack: string, change: Partial<OpenRequest> = {}): OpenRequest {
  const times = { fromMs: undefined, leadMs: 10 * minute, forMs: 20 * minute, hostsStayUp: false, isFixed: false };
  return { id, scope: { label: 'rack', value: rack }, reason: `rack ${rack}`, actor: ada, ...times, ...change };
}

/** What the engine does with a proposal, but for guards and effects. */
async function commit<T>(attempt: (view: View) => Promise<Proposal<Result<T>>>) {
  return store.transaction(async (tx) => {
    const proposal = await attempt({ tx, guard: async () => 0 });
    await proposal.write?.(tx);
    const told = (proposal.events ?? []).map(({ type, stream }) => [type, stream]);
    const wakes = (proposal.work ?? []).map(({ key }) => key);
    return { result: proposal.result, told, wakes, bumps: proposal.bump ?? [] };
  });
}
const outages = async () => (await store.read((tx) => listOutages(tx, job))).map(({ id }) => id);

describe('TWM-6 UE-4 opening, extending and ending', () => {
  it('whose tasks would be out together break the budget wait for each other; ending one begins the next, with its own times', async () => {
    const first = await commit(openMaintenance(request('mnt_1', 'a'), 0));
    expect(first).toMatchObject({ result: { ok: true }, told: [['maintenance.opened', 'maintenance/mnt_1']] });
    expect(first.wakes).toContain(job);
    expect(first.bumps).toContainEqual({ kind: 'job', id: job });
    expect(await outages()).toEqual(['out_1_host-0', 'out_1_host-1']);
    const second = await commit(openMaintenance(request('mnt_2', 'b'), minute));
    expect(second.result).toMatchObject({
      ok: true,
      value: { maintenance: { waitsFor: { ids: ['mnt_1'], sentence: expect.stringContaining('its budget is 3') } } },
    });
    expect(await outages()).toEqual(['out_1_host-0', 'out_1_host-1']);
    const ended = await commit(end('mnt_1', 'ended', ada, 'done', 30 * minute));
    expect(ended.told).toEqual([
      ['maintenance.ended', 'maintenance/mnt_1'],
      ['maintenance.begun', 'maintenance/mnt_2'],
    ]);
    expect(await outages()).toEqual(['out_2_host-2', 'out_2_host-3']);
    const [begun] = await store.read(rows.listOpenMaintenances);
    expect(begun).toMatchObject({ leaveAtMs: 30 * minute, deadlineAtMs: 40 * minute, untilMs: 60 * minute });
  });

  it('a fixed one does not wait; one that is extended has its outages extended', async () => {
    await commit(openMaintenance(request('mnt_1', 'a'), 0));
    await commit(openMaintenance(request('mnt_2', 'b', { isFixed: true }), 0));
    expect(await outages()).toHaveLength(4);
    await commit(extend('mnt_1', { untilMs: 90 * minute, deadlineAtMs: undefined }, ada, 'it takes longer', minute));
    const works = (await store.read((tx) => listOutages(tx, job))).map(({ work }) => work?.untilMs);
    expect(works).toEqual([90 * minute, 90 * minute, 30 * minute, 30 * minute]);
  });

  it('what is not there, or over, is refused', async () => {
    const gone = await commit(end('mnt_9', 'ended', ada, 'done', 0));
    expect(gone.result).toMatchObject({ ok: false, error: { code: 'api/not-found' } });
    await commit(openMaintenance(request('mnt_1', 'a'), 0));
    await commit(end('mnt_1', 'cancelled', ada, 'not today', minute));
    expect(await outages()).toEqual([]);
    const again = await commit(end('mnt_1', 'ended', ada, 'done', minute));
    expect(again.result).toMatchObject({ ok: false, error: { code: 'api/conflict' } });
  });
});
