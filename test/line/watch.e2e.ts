// H10 H11 over real processes: a version whose phases all pass, and that leaks only afterwards, is found by the watch,
// marked and taken back; what builds on it is blocked.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RolloutDetail } from '../../src/api/index.ts';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

const config = `name: leaky
command: node server.js
ready: /healthz
metrics: /metrics
tasks: 3
budget: 1
drain: 200ms
phases: [1, all]
bake: { min: 1s, max: 4s }
onUndecided: proceed
watch: 60s
judge: { bin: 1s, warmup: 1s }
checks:
  errors: false
  latency: false
  heap: { gauge: heap_bytes }
`;
/** `leak`: the heap grows for as long as this file is there. */
const serverOf = (greeting: string, leak?: string) => `
const { createServer } = require('node:http');
const { existsSync } = require('node:fs');
const leak = ${JSON.stringify(leak ?? '')};
let since;
const heap = () => {
  if (leak === '' || !existsSync(leak)) return 1e6;
  since ??= Date.now();
  return 1e6 * (1 + (Date.now() - since) / 2000);
};
createServer((request, response) => {
  const noise = 1 + 0.01 * Math.sin(Date.now() / 700);
  if (request.url === '/metrics') response.end('# TYPE heap_bytes gauge\\nheap_bytes ' + Math.round(heap() * noise) + '\\n');
  else response.end('${greeting}');
}).listen(process.env.PORT, process.env.HOST ?? process.env.ADDRESS);
`;

let fleet: LocalFleet;
let repository: ReturnType<typeof makeRepository>;

beforeAll(async () => {
  fleet = await openLocalFleet(3);
  repository = makeRepository(join(fleet.folder, 'leaky'));
});
afterAll(() => fleet.close());

const within = (timeoutMs: number) => ({ timeout: timeoutMs, interval: 200 });

async function newest(): Promise<RolloutDetail | undefined> {
  const [first] = (await fleet.client.listRollouts()).items;
  return first && fleet.client.getRollout({ params: { rollout: first.id } });
}

async function answers(): Promise<string[]> {
  const { endpoints } = await fleet.client.listEndpoints({ params: { job: 'leaky@production' } });
  return Promise.all(
    endpoints.map(async ({ address, ports }) => (await fetch(`http://${address}:${Object.values(ports)[0]}/`)).text()),
  );
}

/** Steps of the job's past since the newest rollout ended. */
async function quietSteps(): Promise<number> {
  return Math.floor((Date.now() - ((await newest())?.endedAtMs ?? Date.now())) / 5000);
}

test('H10 H11 a leak that begins after the last phase is found, tied to its commit, and taken back', async () => {
  const leak = join(fleet.folder, 'leak');
  repository.commit({ 'rollway.yaml': config, 'server.js': serverOf('one') }, 'One');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
  await expect.poll(async () => (await newest())?.state, within(120_000)).toBe('succeeded');
  expect((await newest())?.watch).toBeNull();
  // A first deployment is not watched, but from it on there is a past.
  await expect.poll(quietSteps, within(60_000)).toBeGreaterThanOrEqual(6);

  const bad = repository.commit({ 'server.js': serverOf('two', leak) }, 'Two');
  await expect
    .poll(async () => [(await newest())?.state, await answers()], within(120_000))
    .toEqual(['succeeded', ['two', 'two', 'two']]);
  const watched = (await newest())!;
  expect(watched.watch).toMatchObject({ state: 'watching', named: [] });
  expect(watched.headline).toContain('watched for another');
  writeFileSync(leak, '');

  await expect.poll(async () => (await newest())?.state, within(120_000)).toBe('reverted');
  await expect.poll(answers, within(20_000)).toEqual(['one', 'one', 'one']);
  const back = (await newest())!;
  expect(back.id).toBe(watched.id);
  expect(back.watch).toMatchObject({ state: 'failed', named: [watched.id] });
  expect(back.failure).toMatch(/^heap_bytes is .* higher than before the release \(/);
  await expect.poll(async () => (await fleet.client.listMarks()).items.length, within(20_000)).toBe(1);
  expect((await fleet.client.listMarks()).items[0]).toMatchObject({ isLive: true, candidates: [{ id: bad }] });
  // The stream of events comes a moment after what it tells of.
  const types = () => fleet.events.filter(({ stream }) => stream === `rollout/${watched.id}`).map(({ type }) => type);
  for (const type of ['watch.started', 'watch.failed', 'rollout.reverting', 'rollout.reverted']) {
    await expect.poll(types, within(20_000)).toContain(type);
  }

  const later = repository.commit({ 'README.md': 'more' }, 'Three');
  const blocked = async () =>
    (await fleet.client.listReleases({ params: { service: 'leaky' } })).items.find(({ commit }) => commit === later);
  await expect.poll(async () => (await blocked())?.state, within(60_000)).toBe('blocked');
}, 480_000);
