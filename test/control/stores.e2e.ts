// Two stores with opinions, for real: the leader goes last, and no shard ever has two replicas down by our acts.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

let fleet: LocalFleet;
beforeEach(async () => {
  fleet = await openLocalFleet(3);
});
afterEach(() => fleet.close());

const within = (timeoutMs: number) => ({ timeout: timeoutMs, interval: 150 });
const serverOf = (example: string, version: string) =>
  `${readFileSync(`examples/${example}/server.js`, 'utf8')}\n// ${version}\n`;
const linesOf = (file: string): string[] => readFileSync(file, 'utf8').trim().split('\n');

async function states(service: string): Promise<string[]> {
  const { items } = await fleet.client.listRollouts({ query: { service } });
  return items.map(({ state }) => state);
}

async function urlsOf(job: `${string}@${string}`): Promise<Map<number, string>> {
  const { endpoints } = await fleet.client.listEndpoints({ params: { job } });
  return new Map(endpoints.map(({ index, address, ports }) => [index, `http://${address}:${Object.values(ports)[0]}`]));
}

async function json(url: string): Promise<Record<string, unknown>> {
  return (await (await fetch(url)).json()) as Record<string, unknown>;
}

/** A store of the examples that serves its first version, with how to release the next one. */
async function openStoreOf(example: string, more: string) {
  const peers = join(fleet.folder, `peers-${example}`);
  const repository = makeRepository(join(fleet.folder, example));
  const config = `name: ${example}
command: node server.js
ready: /healthz
drain: 100ms
bake: 200ms
${more.replace('PEERS', `PEERS: '${peers}'`)}
`;
  repository.commit({ 'rollway.yaml': config, 'server.js': serverOf(example, 'one') }, 'One');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
  await expect.poll(() => states(example), within(90_000)).toEqual(['succeeded']);
  return {
    peers,
    async release(): Promise<void> {
      repository.commit({ 'server.js': serverOf(example, 'two') }, 'Two');
      await expect.poll(() => states(example), within(120_000)).toEqual(['succeeded', 'succeeded']);
    },
  };
}

test('C6 TWC-2 leader-last on a replicated store: a release in phases costs exactly one election, and no write is lost', async () => {
  const { peers, release } = await openStoreOf(
    'toy-kv',
    `tasks: 5
budget: 2
phases: [1, 60%, all]
taskControl: { leaderLast: /leader, interval: 300ms }
env: { PEERS, MEMBERS: '5' }`,
  );
  const leaders = async (): Promise<unknown[]> => {
    const urls = [...(await urlsOf('toy-kv@production')).values()];
    const said = await Promise.all(urls.map((url) => json(`${url}/leader`).catch(() => ({ leader: null }))));
    return [...new Set(said.map(({ leader }) => leader))];
  };
  const elected = async (): Promise<boolean> => {
    const [leader, ...others] = await leaders();
    return typeof leader === 'number' && others.length === 0;
  };
  await expect.poll(elected, within(60_000)).toBe(true);
  const before = linesOf(join(peers, 'elections.log')).length;
  const [first] = (await leaders()) as [number];
  const urls = await urlsOf('toy-kv@production');
  for (const key of ['a', 'b', 'c']) {
    expect((await fetch(`${urls.get(first)}/kv/${key}`, { method: 'PUT', body: `of ${key}` })).status).toBe(200);
  }

  await release();
  await expect.poll(elected, within(60_000)).toBe(true);
  expect(linesOf(join(peers, 'elections.log')).length - before).toBe(1);
  const updated = fleet.events.flatMap(({ type, data }) => {
    const { kind, index, state } = data as { kind?: string; index?: number; state?: string };
    return type === 'operation.ended' && kind === 'update' && state === 'done' ? [index] : [];
  });
  expect(updated).toHaveLength(5);
  expect(updated.at(-1)).toBe(first);
  const [second] = (await leaders()) as [number];
  expect(second).not.toBe(first);
  const after = (await urlsOf('toy-kv@production')).get(second);
  for (const key of ['a', 'b', 'c']) expect(await json(`${after}/kv/${key}`)).toEqual({ value: `of ${key}` });
});

test('C7 SM-3 shard-aware on a sharded store: two at once where they share nothing, never two replicas of a shard', async () => {
  const { peers, release } = await openStoreOf(
    'toy-shards',
    `tasks: 6
budget: 3
phases: [all]
taskControl: { shardAware: /shards, interval: 300ms }
env: { PEERS, TASKS: '6' }`,
  );
  const urls = await urlsOf('toy-shards@production');
  for (let shard = 0; shard < 12; shard++) {
    const written = await fetch(`${urls.get(0)}/kv/${shard}/x`, { method: 'PUT', body: `of ${shard}` });
    expect(written.status).toBe(200);
  }
  const before = linesOf(join(peers, 'life.log')).length;

  await release();
  const { shards } = (await json(`${(await urlsOf('toy-shards@production')).get(0)}/shards`)) as {
    shards: Record<string, number[]>;
  };
  // The tasks' own word, in the order in which it was written down.
  const down = new Set<number>();
  let most = 0;
  const twice: string[] = [];
  for (const line of linesOf(join(peers, 'life.log')).slice(before)) {
    const [index, word] = line.split(' ') as [string, 'up' | 'down'];
    if (word === 'down') down.add(Number(index));
    else down.delete(Number(index));
    most = Math.max(most, down.size);
    for (const [shard, held] of Object.entries(shards)) {
      if (held.filter((one) => down.has(one)).length > 1) twice.push(`${shard} after ${line}`);
    }
  }
  expect(twice).toEqual([]);
  expect(down.size).toBe(0);
  expect(most).toBe(2);
  // A replica that came back has what the others had.
  const after = await urlsOf('toy-shards@production');
  for (let shard = 0; shard < 12; shard++) {
    const replica = after.get((shard + 2) % 6);
    expect(await json(`${replica}/kv/${shard}/x`)).toEqual({ value: `of ${shard}` });
  }
});
