// Blue/green over real processes and a steady stream of requests: traffic is switched at once, nobody is turned away, a
// version that fails before the switch never answers, and going back after it starts nothing.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

const config = `name: shop
command: node server.js
ready: /healthz
tasks: 3
budget: 0
drain: 500ms
strategy: { blueGreen: { check: 700ms, keepOld: 3s } }
bake: 100ms
pipeline: manual
`;
const server = (word: string, diesAfterMs?: number): string => `
const { createServer } = require('node:http');
createServer((request, response) => response.end('${word}')).listen(process.env.PORT, process.env.HOST);
${diesAfterMs === undefined ? '' : `setTimeout(() => process.exit(3), ${diesAfterMs});`}
`;
const params = { job: 'shop@production' } as const;
const within = { timeout: 60_000, interval: 100 };

let fleet: LocalFleet;
let origin: ReturnType<typeof makeRepository>;
let stream: ReturnType<typeof openStream>;
let bad: string;
beforeAll(async () => {
  fleet = await openLocalFleet(3);
  origin = makeRepository(join(fleet.folder, 'shop'));
});
afterAll(async () => {
  await stream?.close();
  await fleet.close();
});

/** A client that asks who serves, asks one of them, and writes down what came. */
function openStream() {
  const answers: string[] = [];
  const failures: string[] = [];
  /** Versions that clients were told of together, as they changed. */
  const lists: string[] = [];
  let isOpen = true;
  let turn = 0;
  const run = async () => {
    while (isOpen) {
      const { endpoints } = await fleet.client.listEndpoints({ params });
      const list = [...new Set(endpoints.map(({ version }) => version))].join(' and ');
      if (lists.at(-1) !== list) lists.push(list);
      turn += 1;
      const one = endpoints[turn % endpoints.length];
      if (one === undefined) {
        failures.push('nobody serves');
        continue;
      }
      try {
        const answer = await fetch(`http://${one.address}:${Object.values(one.ports)[0]}/`);
        answers.push(await answer.text());
      } catch (error) {
        failures.push(`task ${one.index}: ${error}`);
      }
    }
  };
  const done = run();
  return {
    answers,
    failures,
    lists,
    async close(): Promise<void> {
      isOpen = false;
      await done;
    },
  };
}

async function deploy(commit: string): Promise<`ro_${string}`> {
  const { id } = await fleet.client.deploy({ params: { service: 'shop' }, body: { commit } });
  let found: string | null | undefined;
  const isMade = async () => {
    const { runs } = await fleet.client.getRelease({ params: { release: id } });
    found = runs.find((run) => run.rollout)?.rollout;
    return found;
  };
  await expect.poll(isMade, within).toBeTruthy();
  return found as `ro_${string}`;
}
const stateOf = (rollout: `ro_${string}`) => async () => (await fleet.client.getRollout({ params: { rollout } })).state;
const incarnations = async () =>
  (await fleet.client.getJob({ params })).tasks.filter(({ index }) => index < 3).map(({ incarnation }) => incarnation);
const extras = async () => (await fleet.client.getJob({ params })).tasks.filter(({ index }) => index >= 3).length;

test('first there is something that runs, without a second set', async () => {
  const commit = origin.commit({ 'rollway.yaml': config, 'server.js': server('one') }, 'One');
  await fleet.client.registerRepository({ body: { url: origin.folder } });
  await expect.poll(async () => (await fleet.client.listServices()).items.length, within).toBe(1);
  const rollout = await deploy(commit);
  await expect.poll(stateOf(rollout), within).toBe('succeeded');
  stream = openStream();
  await expect.poll(() => stream.answers.length, within).toBeGreaterThan(5);
});

test('D1 traffic is switched at once, and no request fails with a budget of 0', async () => {
  const rollout = await deploy(origin.commit({ 'server.js': server('two') }, 'Two'));
  await expect.poll(stateOf(rollout), within).toBe('succeeded');
  await expect.poll(extras, within).toBe(0);
  expect(stream.failures).toEqual([]);
  // One version, then the other: never both, never none.
  expect(stream.lists).toHaveLength(2);
  expect(stream.lists.join()).not.toContain(' and ');
  expect(stream.answers.lastIndexOf('one')).toBeLessThan(stream.answers.indexOf('two'));
});

test('H2 a version that fails its checks before the switch never answered anybody', async () => {
  const before = await incarnations();
  bad = origin.commit({ 'server.js': server('three', 300) }, 'Three');
  const rollout = await deploy(bad);
  await expect.poll(stateOf(rollout), within).toBe('reverted');
  await expect.poll(extras, within).toBe(0);
  expect(stream.answers).not.toContain('three');
  expect(stream.failures).toEqual([]);
  expect(stream.lists).toHaveLength(2);
  expect(await incarnations()).toEqual(before);
});

test('D6 going back after the switch is a switch: nothing of the first set is started again', async () => {
  const before = await incarnations();
  const long = config.replace('keepOld: 3s', 'keepOld: 5m');
  const fix = `Four\n\nRollway-Fixes: ${bad}`;
  const rollout = await deploy(origin.commit({ 'rollway.yaml': long, 'server.js': server('four') }, fix));
  await expect.poll(() => stream.answers.includes('four'), within).toBe(true);
  await fleet.client.commandRollout({ params: { rollout }, body: { command: 'revert', reason: 'on second thoughts' } });
  await expect.poll(() => stream.answers.at(-1), within).toBe('two');
  await expect.poll(stateOf(rollout), within).toBe('reverted');
  expect(await incarnations()).toEqual(before);
  expect(stream.failures).toEqual([]);
  expect(stream.lists).toHaveLength(4);
  expect(stream.lists.join()).not.toContain(' and ');
});
