// A store whose shards move (examples/moving-shards): the two calls of a shard manager, moves under load with clients
// whose maps are old, an owner that dies in the middle, and a release that drains each task first. Real processes.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import { realChance } from '../../src/io/chance.ts';
import { findFreePort } from '../../src/io/ports.ts';
import { pickBelow, seededChance } from '../../src/kit/index.ts';
import { ackEach, serveTaskControl } from '../../src/sdk/index.ts';
import { makeRepository, openLocalFleet } from '../local-fleet.ts';

interface Manager {
  readonly routes: Map<number, number>;
  move(shard: number, to: number): Promise<boolean>;
  repair(index: number): Promise<void>;
  drainFirst(tasks: readonly number[]): Parameters<typeof serveTaskControl>[0]['decide'];
  of(index: number): number[];
}
const { openManager } = (await import(`${process.cwd()}/examples/moving-shards/manager.mjs`)) as {
  openManager(options: {
    shards: readonly number[];
    urlOf: (index: number) => string | undefined;
    settleMs?: number;
  }): Manager;
};

const children: ChildProcess[] = [];
const closers: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const close of closers.splice(0).reverse()) await close();
  const gone = children.splice(0).map((child) => {
    if (child.exitCode !== null || child.signalCode !== null) return undefined;
    const ended = new Promise((resolve) => child.once('exit', resolve));
    child.kill('SIGKILL');
    return ended;
  });
  await Promise.all(gone);
});

const within = (timeoutMs: number) => ({ timeout: timeoutMs, interval: 50 });
const answers = (url: string) =>
  fetch(`${url}/healthz`).then(
    ({ ok }) => ok,
    () => false,
  );

/** So many tasks of the store as plain processes. */
async function startTasks(count: number): Promise<{ urls: string[]; tasks: ChildProcess[] }> {
  const peers = mkdtempSync(join(tmpdir(), 'rollway-shards-'));
  closers.push(async () => rmSync(peers, { recursive: true, force: true }));
  const urls: string[] = [];
  const tasks: ChildProcess[] = [];
  const taken = new Set<number>();
  for (let index = 0; index < count; index += 1) {
    const port = await findFreePort('127.0.0.1', taken, undefined, realChance);
    taken.add(port);
    const env = { ...process.env, HOST: '127.0.0.1', PORT: String(port), PEERS: peers, ROLLWAY_INDEX: String(index) };
    tasks.push(spawn(process.execPath, ['examples/moving-shards/server.mjs'], { env, stdio: 'ignore' }));
    urls.push(`http://127.0.0.1:${port}`);
  }
  children.push(...tasks);
  for (const url of urls) await expect.poll(() => answers(url), within(20_000)).toBe(true);
  return { urls, tasks };
}

const heldBy = async (url: string): Promise<number[]> =>
  ((await (await fetch(`${url}/held`)).json()) as { shards: number[] }).shards;

/** A client whose map is as old as `staleMs`; it asks a second time, with the newest map, and then gives up. */
function openClient(manager: Manager, urlOf: (index: number) => string | undefined, staleMs: number) {
  const counts = { requests: 0, retries: 0, mostRetries: 0, failed: 0, lost: 0 };
  let known = new Map(manager.routes);
  const renewed = setInterval(() => {
    const now = new Map(manager.routes);
    setTimeout(() => (known = now), staleMs).unref();
  }, 50);
  const once = async (owner: number | undefined, path: string, init?: RequestInit) => {
    const url = owner === undefined ? undefined : urlOf(owner);
    if (url === undefined) return undefined;
    return await fetch(`${url}${path}`, { ...init, signal: AbortSignal.timeout(3000) }).then(
      (answer) => (answer.status === 421 || answer.status === 409 ? undefined : answer),
      () => undefined,
    );
  };
  async function request(shard: number, path: string, init?: RequestInit): Promise<Response | undefined> {
    counts.requests += 1;
    const first = await once(known.get(shard), path, init);
    if (first !== undefined) return first;
    counts.retries += 1;
    counts.mostRetries = 1;
    return await once(manager.routes.get(shard), path, init);
  }
  /** Writes, reads back; what was confirmed must be there. */
  async function touch(shard: number, n: number): Promise<void> {
    const path = `/kv/${shard}/key-${n}`;
    const value = `value ${n}`;
    const put = await request(shard, path, { method: 'PUT', body: value });
    if (put?.ok !== true) counts.failed += 1;
    const got = await request(shard, path);
    if (got === undefined) counts.failed += 1;
    else if (put?.ok === true && ((await got.json()) as { value: string }).value !== value) counts.lost += 1;
  }
  closers.push(async () => clearInterval(renewed));
  return { counts, touch };
}

/** About so many requests a second until told to stop; never more than 40 under way. */
function stream(perSecond: number, send: (n: number) => Promise<void>) {
  const open = new Set<Promise<void>>();
  let n = 0;
  const timer = setInterval(() => {
    for (let i = 0; i < perSecond / 50 && open.size < 40; i += 1) {
      const one: Promise<void> = send(n++).finally(() => open.delete(one));
      open.add(one);
    }
  }, 20);
  return async () => {
    clearInterval(timer);
    await Promise.all(open);
  };
}

test('SM-1 after 500 random moves of 60 shards on six tasks each shard is where the map says, and nowhere else', async () => {
  const { urls } = await startTasks(6);
  const shards = Array.from({ length: 60 }, (_, n) => n);
  const manager = openManager({ shards, urlOf: (index) => urls[index] });
  for (const shard of shards) expect(await manager.move(shard, shard % 6)).toBe(true);
  const chance = seededChance(1, 'moves');
  for (let n = 0; n < 50; n += 1) {
    const ten = Array.from({ length: 10 }, () => manager.move(pickBelow(chance, 60), pickBelow(chance, 6)));
    expect(await Promise.all(ten)).not.toContain(false);
  }
  for (const [index, url] of urls.entries()) expect(await heldBy(url)).toEqual(manager.of(index));
  expect([...manager.routes.keys()].length).toBe(60);
});

test('SM-2 shards move under 300 requests a second while maps are 1.5 s old: none fails, none is asked twice again, nothing is lost', async () => {
  const { urls } = await startTasks(3);
  const shards = [0, 1, 2, 3, 4, 5];
  const urlOf = (index: number) => urls[index];
  const manager = openManager({ shards, urlOf, settleMs: 1000 });
  for (const shard of shards) await manager.move(shard, shard % 3);
  const client = openClient(manager, urlOf, 1500);
  // A write and a read each.
  const stop = stream(150, (n) => client.touch(n % shards.length, n));
  for (let round = 1; round <= 3; round += 1) {
    await Promise.all(shards.map((shard) => manager.move(shard, (shard + round) % 3)));
  }
  await sleep(1600);
  await stop();
  expect(client.counts).toMatchObject({ failed: 0, lost: 0 });
  expect(client.counts.requests).toBeGreaterThan(300);
  // The last owner dropped it while some still had the old map: they were told, and asked once more.
  expect(client.counts.retries).toBeGreaterThan(0);
});

test('SM-2 the next owner dies in the middle of a move: the last one goes on, with all that was written', async () => {
  const { urls, tasks } = await startTasks(2);
  const urlOf = (index: number) => urls[index];
  const manager = openManager({ shards: [7], urlOf });
  await manager.move(7, 0);
  const put = (value: string) => fetch(`${urls[0]}/kv/7/x`, { method: 'PUT', body: value });
  await put('before');
  // As far as the copy, and no further: clients have not been told.
  const added = await fetch(`${urls[1]}/shards/7/add?from=${encodeURIComponent(urls[0]!)}`, { method: 'POST' });
  expect(added.ok).toBe(true);
  await put('while both have it');
  expect(await (await fetch(`${urls[1]}/kv/7/x`)).json()).toEqual({ value: 'while both have it' });
  tasks[1]!.kill('SIGKILL');
  await expect.poll(() => answers(urls[1]!), within(5000)).toBe(false);
  expect(await (await fetch(`${urls[0]}/kv/7/x`)).json()).toEqual({ value: 'while both have it' });
  expect((await put('after')).status).toBe(200);
  expect(await (await fetch(`${urls[0]}/kv/7/x`)).json()).toEqual({ value: 'after' });
});

test('SM-4 a release that moves shards away before each restart fails no request; without, some fail', async () => {
  const fleet = await openLocalFleet(2);
  closers.push(() => fleet.close());
  const tasks = [0, 1, 2, 3];
  const shards = Array.from({ length: 12 }, (_, n) => n);
  const port = await findFreePort('127.0.0.1', new Set(), 18_950, realChance);
  const repository = makeRepository(join(fleet.folder, 'moving'));
  const config = `name: moving
command: node server.mjs
ready: /healthz
tasks: 4
budget: 1
drain: 100ms
phases: [all]
bake: 200ms
env: { PEERS: '${join(fleet.folder, 'peers')}' }
taskControl: { url: 'http://127.0.0.1:${port}/', timeout: 2s, interval: 300ms }
`;
  const server = readFileSync('examples/moving-shards/server.mjs', 'utf8');
  const states = async () => {
    const { items } = await fleet.client.listRollouts();
    return items.map(({ state }) => state);
  };
  let known = new Map<number, string>();
  const lookUp = async () => {
    const { endpoints } = await fleet.client.listEndpoints({ params: { job: 'moving@production' } });
    known = new Map(
      endpoints.map(({ index, address, ports }) => [index, `http://${address}:${Object.values(ports)[0]}`]),
    );
  };
  repository.commit({ 'rollway.yaml': config, 'server.mjs': server }, 'One');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
  await expect.poll(states, within(90_000)).toEqual(['succeeded']);
  await lookUp();
  const manager = openManager({ shards, urlOf: (index) => known.get(index), settleMs: 100 });
  for (const shard of shards) await manager.move(shard, shard % 4);

  async function releaseUnder(decide: Parameters<typeof serveTaskControl>[0]['decide'], subject: string) {
    const controller = await serveTaskControl({ port, decide });
    const looking = setInterval(() => void lookUp().catch(() => undefined), 100);
    const client = openClient(manager, (index) => known.get(index), 50);
    const stop = stream(60, (n) => client.touch(n % shards.length, n));
    const before = (await states()).length;
    repository.commit({ 'server.mjs': `${server}\n// ${subject}\n` }, subject);
    await expect.poll(async () => (await states()).length, within(60_000)).toBe(before + 1);
    await expect.poll(async () => (await states()).every((state) => state === 'succeeded'), within(120_000)).toBe(true);
    await stop();
    clearInterval(looking);
    await controller.close();
    await lookUp();
    return client.counts;
  }

  const drained = await releaseUnder(manager.drainFirst(tasks), 'Two');
  expect(drained).toMatchObject({ failed: 0, lost: 0 });
  // Somebody was last, and has nothing: shards go back before the other way is tried.
  for (const shard of shards) await manager.move(shard, shard % 4);
  const repairing = setInterval(() => tasks.forEach((index) => void manager.repair(index)), 200);
  closers.push(async () => clearInterval(repairing));
  const plain = await releaseUnder(
    ackEach((_, out) => out.size === 0 || 'one at a time'),
    'Three',
  );
  expect(plain.failed).toBeGreaterThan(0);
});
