// Services that expose no metrics at all, on real processes: what the fleet sees by itself catches a version that burns
// CPU and one that leaks memory, and lets a harmless one through.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RolloutDetail } from '../../src/api/index.ts';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

const configOf = (name: string) => `name: ${name}
command: node server.js
ready: /healthz
tasks: 4
memory: 600MB
budget: 2
drain: 200ms
phases: [2, all]
bake: 25s
judge: { bin: 1s, warmup: 3s }
`;
const serverOf = (greeting: string, fault = '') => `
const { createServer } = require('node:http');
createServer((request, response) => response.end('${greeting}')).listen(process.env.PORT, process.env.HOST ?? process.env.ADDRESS);
${fault}
`;
/** Half of the time of a core, in slices short enough for its readiness to answer. */
const burns = 'setInterval(() => { const end = Date.now() + 25; while (Date.now() < end); }, 50);';
const leaks = 'const kept = []; setInterval(() => kept.push(Buffer.alloc(1024 * 1024, 1)), 200);';

let fleet: LocalFleet;
beforeAll(async () => {
  fleet = await openLocalFleet(3);
});
afterAll(() => fleet.close());

const within = (timeoutMs: number) => ({ timeout: timeoutMs, interval: 250 });

async function rolloutsOf(service: string): Promise<RolloutDetail[]> {
  const { items } = await fleet.client.listRollouts();
  const all = await Promise.all(items.map(({ id }) => fleet.client.getRollout({ params: { rollout: id } })));
  return all.filter((one) => one.service === service);
}

let tries = 0;
/** Deployed under a name of its own: a test that is tried again begins anew. */
async function firstVersion(kind: string) {
  const service = `${kind}-${++tries}`;
  const repository = makeRepository(join(fleet.folder, service));
  repository.commit({ 'rollway.yaml': configOf(service), 'server.js': serverOf('one') }, 'One');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
  await expect.poll(async () => (await rolloutsOf(service))[0]?.state, within(120_000)).toBe('succeeded');
  return { service, repository };
}

test('TWH-4 CPU: a harmless version passes and says what was looked at, one that burns CPU is undone', async () => {
  const { service, repository } = await firstVersion('thinker');
  repository.commit({ 'server.js': serverOf('two') }, 'Two');
  await expect
    .poll(async () => (await rolloutsOf(service)).map(({ state }) => state), within(150_000))
    .toEqual(['succeeded', 'succeeded']);
  const [good] = await rolloutsOf(service);
  expect(good!.phases[0]!.passedBy!.note).toMatch(/^basic checks only: 2 tasks, .*; no harm seen in .*cpu.*memory/);

  repository.commit({ 'server.js': serverOf('three', burns) }, 'Three thinks hard');
  await expect.poll(async () => (await rolloutsOf(service))[0]?.state, within(150_000)).toBe('reverted');
  const [bad] = await rolloutsOf(service);
  expect(bad!.failure).toMatch(/^CPU use of the new tasks is .* higher than /);
  expect(bad!.marks).toHaveLength(1);
}, 400_000);

test('TWH-4 memory: a version that leaks is undone', async () => {
  const { service, repository } = await firstVersion('hoarder');
  repository.commit({ 'server.js': serverOf('two', leaks) }, 'Two keeps everything');
  await expect.poll(async () => (await rolloutsOf(service))[0]?.state, within(150_000)).toBe('reverted');
  const [bad] = await rolloutsOf(service);
  expect(bad!.failure).toMatch(/^memory of the new tasks (grows|is) /);
}, 400_000);
