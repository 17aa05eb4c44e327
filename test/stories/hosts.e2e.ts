// `rollway server` and `rollway agent` as the real thing: tasks go on without them, and are adopted; a host that
// nobody here started joins by the printed line and gets tasks.
import { type ChildProcess, spawn } from 'node:child_process';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { makeRepository } from '../local-fleet.ts';
import { canMakeNamespaces, type NetworkNamespace, openNamespace } from '../network-namespace.ts';
import { needsThat } from '../skip.ts';
import { type Installation, main, openInstallation, until } from './installation.ts';

const hosts = ['host-1', 'host-2'];
const job = 'steady@production';

const config = (tasks: number) => `name: steady
command: node server.js
ready: /
drain: 200ms
bake: 1s
phases: [all]
tasks: ${tasks}
budget: 2
`;
const server = `require('node:http').createServer((request, response) => response.end(String(process.pid)))
  .listen(process.env.PORT, process.env.HOST);`;

const isThere = needsThat(canMakeNamespaces(), 'network namespaces', 'a host joins from a network of its own');

let place: Installation;
let repository: ReturnType<typeof makeRepository>;
let network: NetworkNamespace | undefined;
let seventh: ChildProcess | undefined;

beforeAll(async () => {
  place = await openInstallation({ hosts, net: 35 });
  repository = makeRepository(join(place.folder, 'steady'));
  repository.commit({ 'rollway.yaml': config(4), 'server.js': server }, 'Steady');
  const told = await place.rollway(['deploy'], { cwd: repository.folder, timeoutMs: 120_000 });
  expect(told, told.out + told.err).toMatchObject({ code: 0 });
});
afterAll(async () => {
  if (seventh !== undefined) await place.stop(seventh);
  await place?.close();
  network?.close();
});

/** Process ids by index, asked of the tasks themselves at the addresses given. */
async function pidsAt(urls: readonly string[]): Promise<string[]> {
  return Promise.all(urls.map(async (url) => (await fetch(url, { signal: AbortSignal.timeout(5000) })).text()));
}
async function urlsNow(): Promise<string[]> {
  const { endpoints } = await place.client().listEndpoints({ params: { job } });
  return endpoints.map(({ address, ports }) => `http://${address}:${ports.http}/`);
}
async function facts() {
  const { tasks } = await place.client().getJob({ params: { job } });
  return tasks.map(({ index, state, host, incarnation, life }) => ({ index, state, host, incarnation, life }));
}

describe('stopping what manages them', { retry: 0 }, () => {
  test('tasks go on without server and agents, and are adopted without a restart', async () => {
    const urls = await urlsNow();
    const [pids, before] = [await pidsAt(urls), await facts()];
    expect(new Set(pids).size).toBe(4);

    await place.stop(place.server());
    expect(await pidsAt(urls)).toEqual(pids);
    await Promise.all(hosts.map((host) => place.stop(place.agent(host))));
    expect(await pidsAt(urls)).toEqual(pids);

    await place.startServer();
    await Promise.all(hosts.map((host) => place.startAgent(host)));
    await until(async () => (await facts()).every(({ state }) => state === 'serving'), 'all tasks are known to serve');
    expect(await facts()).toEqual(before);
    expect(await urlsNow()).toEqual(urls);
    expect(await pidsAt(urls)).toEqual(pids);
    const doctor = await place.rollway(['doctor']);
    expect(doctor, doctor.out).toMatchObject({ code: 0 });
  });

  test('an agent that is restarted while the server is away keeps its tasks', async () => {
    const urls = await urlsNow();
    const pids = await pidsAt(urls);
    await place.stop(place.server());
    await place.stop(place.agent('host-1'), 'SIGKILL');
    await Promise.all([place.startServer().then(() => place.startAgent('host-1'))]);
    await until(async () => (await facts()).every(({ state }) => state === 'serving'), 'all tasks are known to serve');
    expect(await pidsAt(urls)).toEqual(pids);
  });
});

describe.skipIf(!isThere)('a host in another network', { retry: 0 }, () => {
  test('joins with the printed line and gets tasks of the next rollout', async () => {
    network = openNamespace({ name: 'rws', net: 78 });
    const { theirs } = network;
    const file = join(place.folder, 'seventh.join');
    const token = await place.rollway(['agent', 'token', '--out', file]);
    const printed = /next: rollway (agent --join \S+)/.exec(token.out)?.[1];
    expect(printed, token.out + token.err).toBe(`agent --join ${file}`);
    const where = ['--data', join(place.folder, 'seventh'), '--name', 'seventh'];
    const [command, ...words] = [...network.prefix, process.execPath, main, ...printed!.split(' '), ...where];
    seventh = spawn(command!, words, { stdio: 'ignore' });
    const hostNow = async () => (await place.client().listHosts()).items.find(({ id }) => id === 'seventh');
    await until(async () => (await hostNow())?.address === theirs, 'the seventh host has said where it is');
    expect((await hostNow())?.state).toBe('up');

    repository.commit({ 'rollway.yaml': config(6) }, 'More of them');
    const told = await place.rollway(['deploy'], { cwd: repository.folder, timeoutMs: 120_000 });
    expect(told, told.out + told.err).toMatchObject({ code: 0 });
    const there = (await facts()).filter(({ host }) => host === 'seventh');
    expect(there.length).toBeGreaterThan(0);
    const urls = (await urlsNow()).filter((url) => url.includes(theirs));
    expect(urls).toHaveLength(there.length);
    expect((await pidsAt(urls)).every((pid) => Number(pid) > 0)).toBe(true);
  });
});
