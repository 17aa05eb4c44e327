// The main job, end to end over real processes: a commit becomes a release, is built and tested, rolls in place,
// serves; a bad one goes back and is marked; what builds on it is blocked; the fix goes through.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { RolloutDetail } from '../../src/api/index.ts';
import { ProblemError } from '../../src/model/index.ts';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

const config = `name: tiny
command: node server.js
ready: /healthz
test: node --check server.js
tasks: 3
budget: 1
drain: 200ms
phases: [1, all]
bake: 1s
`;
const serverOf = (greeting: string, health = 200) => `
const { createServer } = require('node:http');
createServer((request, response) => {
  response.statusCode = request.url === '/healthz' ? ${health} : 200;
  response.end('${greeting}');
}).listen(process.env.PORT, process.env.HOST ?? process.env.ADDRESS);
`;

let fleet: LocalFleet;
let repository: ReturnType<typeof makeRepository>;

beforeAll(async () => {
  fleet = await openLocalFleet(3);
  repository = makeRepository(join(fleet.folder, 'tiny'));
});
afterAll(() => fleet.close());

const within = (timeoutMs: number) => ({ timeout: timeoutMs, interval: 200 });

async function rollouts(): Promise<RolloutDetail[]> {
  const { items } = await fleet.client.listRollouts();
  return Promise.all(items.map(({ id }) => fleet.client.getRollout({ params: { rollout: id } })));
}

/** What each serving task answers. */
async function answers(): Promise<string[]> {
  const { endpoints } = await fleet.client.listEndpoints({ params: { job: 'tiny@production' } });
  return Promise.all(
    endpoints.map(async ({ address, ports }) => (await fetch(`http://${address}:${Object.values(ports)[0]}/`)).text()),
  );
}

test('the first commit is built, tested, and serves on all tasks', async () => {
  const id = repository.commit({ 'rollway.yaml': config, 'server.js': serverOf('one') }, 'One');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
  await expect.poll(async () => (await rollouts())[0]?.state, within(90_000)).toBe('succeeded');
  expect(await answers()).toEqual(['one', 'one', 'one']);
  const release = (await fleet.client.listReleases({ params: { service: 'tiny' } })).items[0]!;
  const detail = await fleet.client.getRelease({ params: { release: release.id } });
  expect(detail).toMatchObject({ state: 'succeeded', commit: id, subject: 'One', author: 'Ada' });
  expect(detail.runs.map(({ action, state }) => [action, state])).toEqual([
    ['build', 'succeeded'],
    ['test', 'succeeded'],
    ['deploy-production', 'succeeded'],
  ]);
  expect(detail.artifacts[0]).toMatchObject({ kind: 'package', digest: expect.stringMatching(/^[0-9a-f]{64}$/) });
});

test('the second commit rolls in place, one task at a time, and the plan said so', async () => {
  repository.commit({ 'server.js': serverOf('two') }, 'Two');
  const plan = await fleet.client.planDeploy({
    params: { service: 'tiny' },
    body: { commit: repository.git('rev-parse', 'HEAD') },
  });
  await expect
    .poll(async () => (await rollouts()).map(({ state }) => state), within(60_000))
    .toEqual(['succeeded', 'succeeded']);
  expect(await answers()).toEqual(['two', 'two', 'two']);
  const [rollout] = await rollouts();
  expect(rollout!.phases.map(({ name, members }) => ({ name, members }))).toEqual(
    plan.phases.map(({ name, members }) => ({ name, members })),
  );
  expect(plan.phases.every(({ servingAtLeast, of }) => servingAtLeast === 2 && of === 3)).toBe(true);
});

let bad: string;

test('a commit that never becomes ready goes back by itself and is marked', async () => {
  bad = repository.commit(
    {
      'server.js': serverOf('three', 500),
      'rollway.yaml': config.replace('ready: /healthz', 'ready: { http: /healthz, within: 2s }'),
    },
    'Three',
  );
  await expect.poll(async () => (await rollouts())[0]?.state, within(90_000)).toBe('reverted');
  await expect.poll(answers, within(20_000)).toEqual(['two', 'two', 'two']);
  await expect.poll(async () => (await fleet.client.listMarks()).items.length, within(20_000)).toBe(1);
  const mark = (await fleet.client.listMarks()).items[0]!;
  expect(mark).toMatchObject({ isLive: true, targets: ['tiny'], candidates: [{ id: bad, subject: 'Three' }] });
});

test('what builds on it is blocked, and says why', async () => {
  const id = repository.commit({ 'README.md': 'more' }, 'Four');
  const blocked = async () =>
    (await fleet.client.listReleases({ params: { service: 'tiny' } })).items.find(({ commit }) => commit === id);
  await expect.poll(async () => (await blocked())?.state, within(60_000)).toBe('blocked');
  expect((await blocked())?.why).toMatch(/mark/);
  expect(await rollouts()).toHaveLength(3);
});

test('the fix goes through, and takes what was blocked with it', async () => {
  const mark = (await fleet.client.listMarks()).items[0]!;
  repository.commit({ 'server.js': serverOf('five') }, `Five\n\nRollway-Fixes: ${mark.id}`);
  await expect.poll(answers, within(90_000)).toEqual(['five', 'five', 'five']);
  await expect.poll(async () => (await rollouts())[0]?.state, within(30_000)).toBe('succeeded');
});

test('a person rolls back; the server may stop in between, tasks go on', async () => {
  const { client } = fleet;
  const told = await client.rollBack({
    params: { service: 'tiny' },
    body: { environment: 'production', reason: 'the old greeting was nicer' },
  });
  expect(told.outcome?.ok).toBe(true);
  await fleet.restartServer();
  await expect.poll(answers, within(60_000)).toEqual(['two', 'two', 'two']);
  await expect.poll(async () => (await rollouts())[0]?.state, within(30_000)).toBe('succeeded');
});

test('what cannot be done is refused with a reason', async () => {
  const code = (error: unknown) => (error instanceof ProblemError ? error.problem.code : error);
  const { client } = fleet;
  const ended = (await rollouts())[0]!;
  const refusals = [
    client.commandRollout({ params: { rollout: ended.id }, body: { command: 'pause', reason: 'late' } }),
    client.deploy({ params: { service: 'tiny' }, body: { commit: 'f'.repeat(40) } }),
    client.deploy({ params: { service: 'nothing' }, body: { commit: bad } }),
    client.deploy({ params: { service: 'tiny' }, body: { commit: bad, planHash: 'outdated' } }),
    client.registerRepository({ body: { url: '/nowhere/at/all' } }),
    client.registerRepository({ body: { url: '--upload-pack=touch /tmp/x' } }),
  ];
  expect(await Promise.all(refusals.map((refusal) => refusal.then(() => 'done', code)))).toEqual([
    'rollout/illegal-transition',
    'git/unknown-commit',
    'service/unknown',
    'rollout/stale-plan',
    'git/not-a-repository',
    'git/bad-source',
  ]);
});

test('everything that happened is in the events, without a gap, and every event has an actor', () => {
  const positions = fleet.events.map(({ position }) => position);
  expect(positions).toEqual(positions.map((_, at) => at + 1));
  expect(fleet.events.every(({ actor }) => actor.name !== '')).toBe(true);
});
