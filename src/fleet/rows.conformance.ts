import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { listOutages, saveOutage } from '../disruption/rows.ts';
import { seededChance } from '../kit/index.ts';
import type { JobId, Maintenance } from '../model/index.ts';
import type { Store } from '../store/index.ts';
import { type Placement, usageByHost } from './inventory.ts';
import { newMaintenance, outagesOf } from './maintenance.ts';
import { listHostOverviews, readDiscovery } from './read.ts';
import * as rows from './rows.ts';
import { emptyWatchMemory } from './silence.ts';

const job = 'guestbook@production';
const needs = { cpuMillis: 100, memoryMb: 50 };

/** What the rows of `fleet/` keep, on any store. */
export function fleetRowsConformance(name: string, open: () => Promise<Store>): void {
  describe(`rows of the fleet on ${name}`, () => {
    let store: Store;
    beforeEach(async () => {
      store = await open();
    });
    afterEach(async () => {
      await store.close();
    });

    const addHost = (id: string) =>
      store.transaction(async (tx) => {
        await rows.insertHost(tx, id, 'KEY', '0.1.0', 1000);
        const capacity = { cpuMillis: 1000, memoryMb: 1000, maxTasks: 4 };
        const labels = { rack: 'r1' };
        await rows.updateHostFacts(
          tx,
          id,
          { address: 'a', labels, capacity, abilities: ['cgroup'], agentVersion: '1' },
          1001,
        );
      });
    const endpoint = {
      job,
      index: 0,
      incarnation: 1,
      host: 'a',
      version: 'v_1',
      state: 'serving',
      address: 'x',
    } as const;

    test('a host comes back as it was described, large times included', async () => {
      await addHost('a');
      const atMs = 1_795_253_400_123;
      await store.transaction((tx) => rows.updateLastSeen(tx, ['a', 'nobody'], atMs));
      await store.transaction((tx) => rows.updateLastSeen(tx, ['a'], 5));
      expect(await store.read((tx) => rows.findHost(tx, 'a'))).toMatchObject({
        ...{
          id: 'a',
          state: 'up',
          labels: { rack: 'r1' },
          abilities: ['cgroup'],
          lastSeenAtMs: atMs,
          joinedAtMs: 1000,
        },
        capacity: { cpuMillis: 1000, memoryMb: 1000, maxTasks: 4 },
      });
    });

    test('a batch number is taken once, and never an older one', async () => {
      const take = (batch: number) => store.transaction((tx) => rows.takeBatch(tx, 'a', batch));
      const answers: boolean[] = [];
      for (const batch of [3, 3, 2, 4, 9_007_199_254_740_991]) answers.push(await take(batch));
      expect(answers).toEqual([true, false, false, true, true]);
    });

    test('a token is spent by one of many at once', async () => {
      const token = { id: 'tok_1', secretHash: 'h', createdBy: 'ada', createdAtMs: 0, expiresAtMs: 100 };
      await store.transaction((tx) => rows.insertJoinToken(tx, token));
      expect(await store.transaction((tx) => rows.spendJoinToken(tx, 'h', 'late', 100))).toBe(false);
      const spend = (host: string) => store.transaction((tx) => rows.spendJoinToken(tx, 'h', host, 50));
      const spent = await Promise.all(['a', 'b', 'c'].map(spend));
      expect(spent.filter((isSpent) => isSpent)).toHaveLength(1);
      const usedBy = ['a', 'b', 'c'][spent.indexOf(true)];
      expect(await store.read((tx) => rows.findJoinToken(tx, 'h'))).toEqual({ id: 'tok_1', expiresAtMs: 100, usedBy });
    });

    test('claims make up the inventory: claiming again changes the claim, releasing frees the room', async () => {
      await addHost('a');
      const claim = { job, index: 0, incarnation: 1, host: 'a', ...needs } as const;
      await store.transaction((tx) => rows.insertPlacement(tx, claim));
      await store.transaction((tx) => rows.insertPlacement(tx, { ...claim, memoryMb: 70 }));
      const claimsOf = (id: JobId) => store.read((tx) => rows.listPlacementsOfJob(tx, id));
      expect(await claimsOf(job)).toEqual([{ ...claim, memoryMb: 70 }]);
      expect(await claimsOf('other@test')).toEqual([]);
      expect((await store.read(listHostOverviews))[0]?.used).toEqual({ cpuMillis: 100, memoryMb: 70, tasks: 1 });
      expect(await store.read((tx) => rows.listJobsOnHost(tx, 'a'))).toEqual([job]);
      await store.transaction((tx) => rows.deletePlacement(tx, job, 0, 1));
      expect(await claimsOf(job)).toEqual([]);
    });

    test('what other jobs take: of the incarnations of one index on a host the largest, and nothing of the job itself', async () => {
      for (const host of ['a', 'b']) await addHost(host);
      const claims: Placement[] = [
        { job, index: 0, incarnation: 1, host: 'a', ...needs },
        { job: 'other@test', index: 0, incarnation: 1, host: 'a', cpuMillis: 100, memoryMb: 10 },
        { job: 'other@test', index: 0, incarnation: 2, host: 'a', cpuMillis: 50, memoryMb: 30 },
        { job: 'other@test', index: 1, incarnation: 1, host: 'a', cpuMillis: 1, memoryMb: 1 },
        { job: 'third@test', index: 0, incarnation: 1, host: 'b', cpuMillis: 7, memoryMb: 7 },
      ];
      for (const claim of claims) await store.transaction((tx) => rows.insertPlacement(tx, claim));
      const used = await store.read((tx) => rows.loadUsageOfOthers(tx, job));
      // The same as counting the claims themselves.
      expect(used).toEqual(usageByHost(claims.filter((claim) => claim.job !== job)));
      expect(used.get('a')).toEqual({ cpuMillis: 101, memoryMb: 31, tasks: 2 });
      expect([...(await store.read(rows.countPlacements))].sort()).toEqual([
        ['a', 4],
        ['b', 1],
      ]);
    });

    test('what hosts give is kept as claims come, move and go: the same as counting all claims', async () => {
      const chance = seededChance(7);
      const pick = <T>(all: readonly T[]): T => all[Math.floor(chance.next() * all.length)]!;
      const next = (): Placement => ({
        ...{ job: pick<JobId>([job, 'other@test']), index: pick([0, 1]), incarnation: pick([1, 2]) },
        ...{ host: pick(['a', 'b', 'c']), cpuMillis: pick([0, 10, 100]), memoryMb: pick([5, 50]) },
      });
      for (let turn = 0; turn < 60; turn++) {
        const claimed = [next(), next()];
        const released = turn % 2 === 0 ? [next()] : [];
        await store.transaction((tx) => rows.changePlacements(tx, claimed, released));
        const claims = await store.read(rows.listPlacements);
        for (const own of [job, 'other@test'] as const) {
          const others = usageByHost(claims.filter((claim) => claim.job !== own));
          expect(await store.read((tx) => rows.loadUsageOfOthers(tx, own))).toEqual(others);
        }
        const counted = Map.groupBy(claims, ({ host }) => host);
        const counts = [...(await store.read(rows.countPlacements))].sort();
        expect(counts).toEqual([...counted].map(([host, of]) => [host, of.length]).sort());
      }
    });

    test('a maintenance comes back as it was saved, with its outages, until it is over and forgotten', async () => {
      const made = newMaintenance(
        {
          ...{ id: 'mnt_1', scope: { label: 'rack', value: 'r1' }, reason: 'disks', fromMs: undefined, isFixed: false },
          ...{ actor: { kind: 'person', name: 'ada' }, leadMs: 1_795_253_400_123, forMs: 60_000, hostsStayUp: true },
        },
        [{ id: 'a', labels: { rack: 'r1' } }],
        1000,
      );
      if (!made.ok) throw new Error(made.error.detail);
      const save = (maintenance: Maintenance) =>
        store.transaction(async (tx) => {
          await rows.saveMaintenance(tx, maintenance);
          for (const outage of outagesOf(maintenance)) await saveOutage(tx, outage);
        });
      await save(made.value);
      expect(await store.read(rows.listOpenMaintenances)).toEqual([JSON.parse(JSON.stringify(made.value))]);
      expect(await store.read((tx) => listOutages(tx, job))).toEqual(outagesOf(made.value));
      await save({ ...made.value, endedAtMs: 5000, end: 'ended' });
      expect(await store.read(rows.listOpenMaintenances)).toEqual([]);
      expect(await store.read((tx) => listOutages(tx, job))).toEqual([]);
      expect(await store.read((tx) => rows.listEndedMaintenances(tx, 5))).toMatchObject([{ end: 'ended' }]);
      expect(await store.transaction((tx) => rows.deleteEndedMaintenances(tx, 5000))).toBe(0);
      expect(await store.transaction((tx) => rows.deleteEndedMaintenances(tx, 5001))).toBe(1);
      expect(await store.read((tx) => rows.findMaintenance(tx, 'mnt_1'))).toBeUndefined();
    });

    test('the inventory knows who is silent', async () => {
      await addHost('a');
      await addHost('b');
      const memory = { ...emptyWatchMemory, silentMs: { a: 3000, b: 1 }, massSilence: true };
      for (let i = 0; i < 2; i++) await store.transaction((tx) => rows.saveWatchMemory(tx, memory));
      const inventory = await store.read(rows.loadHosts);
      expect(inventory.hosts.map(({ id, isSilent }) => [id, isSilent])).toEqual([
        ['a', true],
        ['b', false],
      ]);
      expect(inventory.massSilence).toBe(true);
    });

    test('an endpoint is its newest report; an older one that comes late changes nothing', async () => {
      await addHost('a');
      const save = (port: number, sequence: number) =>
        store.transaction((tx) => rows.saveEndpoint(tx, { ...endpoint, ports: { http: port }, sequence }));
      await save(1, 5);
      await save(2, 7);
      await save(3, 6);
      const list = await store.read((tx) => readDiscovery(tx, job));
      expect(list.entries.map(({ ports }) => ports)).toEqual([{ http: 2 }]);
      await store.transaction((tx) => rows.deleteEndpoint(tx, job, 0, 1));
      expect((await store.read((tx) => readDiscovery(tx, job))).entries).toEqual([]);
    });

    test('listeners: renewed, forgotten when they stop without a word', async () => {
      for (const [id, atMs] of [
        ['a', 1],
        ['b', 2],
        ['a', 9],
      ] as const) {
        await store.transaction((tx) => rows.saveListener(tx, id, atMs));
      }
      await store.transaction((tx) => rows.deleteListenersBefore(tx, 5));
      expect(await store.read(rows.listListeners)).toEqual([{ id: 'a', beatAtMs: 9 }]);
      await store.transaction((tx) => rows.deleteListener(tx, 'a'));
      expect(await store.read(rows.listListeners)).toEqual([]);
    });
  });
}
