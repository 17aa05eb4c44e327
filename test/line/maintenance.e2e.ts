// Work on a rack in the middle of a release, under load; and a deadline that forces.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { MaintenanceView } from '../../src/api/index.ts';
import { type Load, startLoad } from '../../src/cli/demo/load.ts';
import { ackEach, serveTaskControl, type TaskControlServer, withMaintenance } from '../../src/sdk/index.ts';
import { mostAtOnce, openWitness, type Witness, witnessServer } from '../kills/witness.ts';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

const within = { timeout: 90_000, interval: 150 };
const params = { job: 'witness@production' } as const;
const budget = 2;

// A second try would begin in the middle of the first.
const once = { retry: 0 };

let fleet: LocalFleet;
let witness: Witness;
let load: Load;
let controller: TaskControlServer;
let repository: ReturnType<typeof makeRepository>;
let rack: Set<string>;

beforeAll(async () => {
  fleet = await openLocalFleet(6);
  witness = await openWitness();
  repository = makeRepository(join(fleet.folder, 'witness'));
  const config = `name: witness
command: node server.js
ready: { http: /ready, within: 10s }
drain: 1s
tasks: 9
budget: ${budget}
phases: [1, 50%, all]
bake: 1s
env: { SINK: '${witness.url}' }
`;
  repository.commit({ 'rollway.yaml': config, 'server.js': witnessServer('first', 'good') }, 'first');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
});
afterAll(async () => {
  await load?.stop();
  await fleet?.close();
  await controller?.close();
  await witness?.close();
});

async function rolloutState(subject: string): Promise<string | undefined> {
  const { items } = await fleet.client.listRollouts({ query: { limit: 50 } });
  return items.find(({ to }) => to?.subject === subject)?.state;
}
const rolledOut = (subject: string) => expect.poll(() => rolloutState(subject), within).toBe('succeeded');
const show = (id: string) => fleet.client.getMaintenance({ params: { maintenance: id as `mnt_${string}` } });
const state = (id: string) => async (): Promise<MaintenanceView['state']> => (await show(id)).state;
async function dots(job: `${string}@${string}` = params.job) {
  return (await fleet.client.getJob({ params: { job } })).tasks;
}

test('first there is something that runs, and a load on it', async () => {
  await rolledOut('first');
  const { items } = await fleet.client.listHosts();
  rack = new Set(items.filter((host) => host.rack === 'r2').map(({ id }) => id));
  const signal = new AbortController().signal;
  load = startLoad({ client: fleet.client, job: params.job, requestsPerSecond: 60, discoveryMs: 250, signal });
});

test(
  'C1 C5 TWM-2 work on a rack during a release, under load: the rack is empty in time, within the budget, and nobody is failed',
  once,
  async () => {
    expect((await dots()).some(({ host }) => host !== null && rack.has(host))).toBe(true);
    repository.commit({ 'server.js': witnessServer('second', 'good') }, 'second');
    await expect.poll(() => rolloutState('second'), within).toBe('running');
    const wish = { domain: { label: 'rack', value: 'r2' }, leadMs: 120_000, forMs: 60_000 };
    const plan = await fleet.client.planMaintenance({ body: wish });
    expect(plan).toMatchObject({ scope: 'rack=r2', waitsFor: null, hosts: [...rack].sort() });
    expect(plan.jobs[0]!.tasks.every(({ goesTo }) => goesTo !== null && !rack.has(goesTo))).toBe(true);
    const opened = await fleet.client.openMaintenance({ body: { ...wish, reason: 'new power supplies' } });
    await expect.poll(state(opened.id), within).toBe('empty');
    await rolledOut('second');
    expect((await dots()).every(({ host }) => host !== null && !rack.has(host))).toBe(true);
    expect(await show(opened.id)).toMatchObject({ forced: 0, tasks: [] });
    expect(load.broken).toEqual([]);
    expect(mostAtOnce(witness.gaps())).toBeLessThanOrEqual(budget);
    expect([...load.byVersion.values()].reduce((sum, { sent }) => sum + sent, 0)).toBeGreaterThan(200);

    // While it is open nothing new goes there; afterwards it is a host like any other.
    const body = { reason: 'sale', do: 'resize' as const };
    await fleet.client.changeTasks({ params, body: { ...body, size: 12 } });
    const serving = async () => (await dots()).filter((one) => one.state === 'serving').length;
    await expect.poll(serving, within).toBe(12);
    expect((await dots()).some(({ host }) => host !== null && rack.has(host))).toBe(false);
    await fleet.client.endMaintenance({
      params: { maintenance: opened.id as `mnt_${string}` },
      body: { reason: 'done' },
    });
    await fleet.client.changeTasks({ params, body: { ...body, size: 14 } });
    await expect.poll(serving, within).toBe(14);
    expect((await dots()).slice(12).every(({ host }) => host !== null && rack.has(host))).toBe(true);
  },
);

const keeper = `
const { appendFileSync, readFileSync } = require('node:fs');
const file = process.env.ROLLWAY_DATA_DIR + '/lives';
appendFileSync(file, process.env.ROLLWAY_INCARNATION + ' ');
require('node:http').createServer((_, response) => response.end(readFileSync(file, 'utf8')))
  .listen(process.env.PORT, process.env.HOST);
`;

test(
  'C4 C5 TWC-6 R3 a controller has its tasks held: what the budget leaves is forced at the deadline, and all come back to their data',
  once,
  async () => {
    controller = await serveTaskControl({
      decide: withMaintenance(
        ackEach(() => true),
        () => 'hold',
      ),
    });
    const config = `name: keeper
command: node server.js
dataDir: true
drain: 0ms
tasks: 6
budget: 1
phases: [all]
bake: 100ms
taskControl: { url: '${controller.url}', interval: 300ms }
`;
    const origin = makeRepository(join(fleet.folder, 'keeper'));
    origin.commit({ 'rollway.yaml': config, 'server.js': keeper }, 'kept');
    await fleet.client.registerRepository({ body: { url: origin.folder } });
    await rolledOut('kept');
    const job = 'keeper@production' as const;
    const before = await dots(job);
    const there = before.filter(({ host }) => host !== null && rack.has(host));
    expect(there.length).toBeGreaterThan(1);
    const wish = { domain: { label: 'rack', value: 'r2' }, leadMs: 6000, forMs: 600_000, reason: 'a new switch' };
    const opened = await fleet.client.openMaintenance({ body: wish });
    const stopped = async () =>
      (await show(opened.id)).tasks.filter((one) => one.job === job && one.state === 'stopped');
    await expect.poll(async () => (await stopped()).length, within).toBe(there.length);
    expect((await show(opened.id)).forced).toBeGreaterThanOrEqual(there.length - 1);
    expect((await stopped())[0]?.sentence).toMatch(/It is to come back here.*rollway maintenance end/);
    expect(fleet.events.some(({ type }) => type === 'controller.on-maintenance')).toBe(true);
    expect(
      fleet.events.filter(({ type, stream }) => type === 'operation.forced' && stream === `job/${job}`).length,
    ).toBe(there.length - 1);
    await fleet.client.endMaintenance({
      params: { maintenance: opened.id as `mnt_${string}` },
      body: { reason: 'done' },
    });
    const isBack = async () => (await dots(job)).every((one) => one.state === 'serving');
    await expect.poll(isBack, within).toBe(true);
    const after = await dots(job);
    expect(after.map(({ host }) => host)).toEqual(before.map(({ host }) => host));
    for (const { index } of there) {
      expect(after[index]?.incarnation).toBe((before[index]?.incarnation ?? 0) + 1);
      const { endpoints } = await fleet.client.listEndpoints({ params: { job } });
      const one = endpoints.find((endpoint) => endpoint.index === index);
      const answer = await fetch(`http://${one?.address}:${one?.ports.http}/`);
      expect((await answer.text()).trim().split(' ')).toHaveLength(2);
    }
  },
);
