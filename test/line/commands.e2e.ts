// What a person tells a running control plane, each command over the API and over real processes: upload, deploy,
// hold after a phase, resume, pause, revert, raise the budget, mark, override, clear, retry, cancel, leave.
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { ReleaseDetail, RolloutDetail } from '../../src/api/index.ts';
import { ProblemError } from '../../src/model/index.ts';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

const config = `name: shop
command: node server.js
ready: /healthz
tasks: 4
budget: 1
drain: 100ms
phases: [1, all]
bake: 500ms
pipeline: manual
`;
const serverOf = (greeting: string) => `
const { createServer } = require('node:http');
console.log('hello from ${greeting}');
createServer((request, response) => response.end('${greeting}')).listen(process.env.PORT, process.env.HOST);
`;
const service = { service: 'shop' };
const within = (timeoutMs: number) => ({ timeout: timeoutMs, interval: 150 });

let fleet: LocalFleet;
let origin: ReturnType<typeof makeRepository>;
let clone: ReturnType<typeof makeRepository>;

beforeAll(async () => {
  fleet = await openLocalFleet(3);
  origin = makeRepository(join(fleet.folder, 'shop'));
  origin.git('config', 'receive.denyCurrentBranch', 'ignore');
  origin.commit({ 'rollway.yaml': config, 'server.js': serverOf('one') }, 'One');
  await fleet.client.registerRepository({ body: { url: origin.folder } });
});
afterAll(() => fleet.close());

const release = (id: `rel_${string}`): Promise<ReleaseDetail> => fleet.client.getRelease({ params: { release: id } });
async function newest(): Promise<RolloutDetail> {
  const { items } = await fleet.client.listRollouts();
  return fleet.client.getRollout({ params: { rollout: items[0]!.id } });
}
const tell = (rollout: RolloutDetail, command: RolloutDetail['commands'][number]['command'], more: object = {}) =>
  fleet.client.commandRollout({
    params: { rollout: rollout.id },
    body: { command, reason: `because of ${command}`, ...more },
  });
async function answers(): Promise<string[]> {
  const { endpoints } = await fleet.client.listEndpoints({ params: { job: 'shop@production' } });
  return Promise.all(
    endpoints.map(async ({ address, ports }) => (await fetch(`http://${address}:${Object.values(ports)[0]}/`)).text()),
  );
}
const four = (greeting: string) => Array(4).fill(greeting);
const codeOf = (error: unknown) => (error instanceof ProblemError ? error.problem.code : error);

test('a manual pipeline releases nothing by itself; a deploy with the same key twice is one release', async () => {
  await expect.poll(async () => (await fleet.client.listServices()).items.length, within(30_000)).toBe(1);
  expect((await fleet.client.listReleases({ params: service })).items).toEqual([]);
  const commit = origin.git('rev-parse', 'HEAD');
  const options = { idempotencyKey: 'first-deploy' };
  const [first, again] = [
    await fleet.client.deploy({ params: service, body: { commit } }, options),
    await fleet.client.deploy({ params: service, body: { commit } }, options),
  ];
  expect(again).toEqual(first);
  const other = fleet.client.deploy({ params: service, body: { commit, reason: 'other' } }, options).catch(codeOf);
  expect(await other).toBe('api/conflict');
  await expect.poll(async () => (await release(first.id)).state, within(60_000)).toBe('succeeded');
  expect(await answers()).toEqual(four('one'));
  expect((await fleet.client.listReleases({ params: service })).items).toHaveLength(1);
});

test('a commit that no remote has is uploaded as a bundle, deployed, and held after the first phase', async () => {
  clone = makeRepository(join(fleet.folder, 'clone'));
  clone.git('pull', '--quiet', origin.folder, 'main');
  const base = clone.git('rev-parse', 'HEAD');
  const commit = clone.commit({ 'server.js': serverOf('two') }, 'Two');
  const repository = { repository: 'shop' };
  const unknown = await fleet.client.deploy({ params: service, body: { commit } }).catch(codeOf);
  expect(unknown).toBe('git/unknown-commit');
  const known = await fleet.client.listKnownCommits({ params: repository, body: { commits: [commit, base] } });
  expect(known.commits).toEqual([base]);
  clone.git('bundle', 'create', '--quiet', join(fleet.folder, 'two.bundle'), 'HEAD', `^${base}`);
  const bytes = readFileSync(join(fleet.folder, 'two.bundle'));
  const uploaded = await fleet.client.uploadBundle({ params: repository, query: { commit }, bytes });
  expect(uploaded).toMatchObject({ id: commit, subject: 'Two' });
  const garbage = fleet.client.uploadBundle({
    params: repository,
    query: { commit: 'a'.repeat(40) },
    bytes: Buffer.from('x'),
  });
  expect(await garbage.catch(codeOf)).toBe('git/bad-bundle');

  const { phases } = await fleet.client.planDeploy({ params: service, body: { commit } });
  await fleet.client.deploy({ params: service, body: { commit, holdAfter: phases[0]!.name } });
  await expect.poll(async () => (await newest()).state, within(60_000)).toBe('held');
  const held = await newest();
  expect(held.hold).toMatchObject({ by: 'hold-after' });
  expect((await answers()).toSorted()).toEqual(['one', 'one', 'one', 'two']);
  const why = await fleet.client.explain({ params: { kind: 'rollout', id: held.id } });
  expect(why.sentence).toMatch(/held/i);
  expect(why.reasons[0]!.unblocker).toMatch(/resume/);
});

test('a command that was meant for another moment is refused; resumed, it goes through', async () => {
  const held = await newest();
  const params = { rollout: held.id };
  const late = fleet.client.commandRollout(
    { params, body: { command: 'resume' } },
    { ifMatch: 'running.0.updating.0' },
  );
  expect(await late.catch(codeOf)).toBe('api/conflict');
  const now = await fleet.client.commandRollout({ params, body: { command: 'resume' } }, { ifMatch: held.etag });
  expect(now.outcome).toMatchObject({ ok: true });
  await expect.poll(answers, within(60_000)).toEqual(four('two'));
  await expect.poll(async () => (await newest()).state, within(30_000)).toBe('succeeded');
});

test('paused in the middle, given a larger budget, reverted: all tasks are back, and nothing is marked', async () => {
  const commit = clone.commit({ 'server.js': serverOf('three') }, 'Three');
  clone.git('push', '--quiet', origin.folder, 'HEAD:refs/heads/main');
  await fleet.client.deploy({ params: service, body: { commit } });
  await expect.poll(async () => (await newest()).to?.commit, within(60_000)).toBe(commit);
  await expect.poll(async () => (await newest()).updated, within(60_000)).toBeGreaterThan(0);
  await tell(await newest(), 'pause');
  expect(await newest()).toMatchObject({
    state: 'held',
    hold: { by: 'person', reason: expect.stringContaining('pause') },
  });
  // Whoever asks to hold after a phase when it rolls already is heard all the same.
  const { phases } = await newest();
  const holdAfter = phases.at(-1)!.name;
  await fleet.client.deploy({ params: service, body: { commit, holdAfter, reason: 'to look' } });
  expect(await newest()).toMatchObject({ state: 'held', holdAfter });
  const nowhere = fleet.client.deploy({ params: service, body: { commit, holdAfter: 'nowhere' } });
  expect(await nowhere.catch(codeOf)).toBe('pipeline/no-such-target');
  await tell(await newest(), 'raise-budget', { budget: 2 });
  expect((await newest()).budget.budget).toBe(2);
  await tell(await newest(), 'revert');
  await expect.poll(async () => (await newest()).state, within(60_000)).toBe('reverted');
  expect(await answers()).toEqual(four('two'));
  expect((await fleet.client.listMarks()).items).toEqual([]);
});

test('marked by a person it is blocked; overridden by an admin it goes through; cleared it is free', async () => {
  const commit = origin.git('rev-parse', 'main');
  const marked = await fleet.client.createMark({
    body: { repository: 'shop', commits: [commit.slice(0, 10)], reason: 'leaks' },
  });
  expect(marked.outcome?.ok).toBe(true);
  const mark = (await fleet.client.listMarks()).items[0]!;
  expect(mark).toMatchObject({
    isLive: true,
    evidence: expect.stringContaining('leaks'),
    candidates: [{ id: commit }],
  });
  const params = { mark: mark.id };
  const { id } = await fleet.client.deploy({ params: service, body: { commit } });
  await expect.poll(async () => (await release(id)).state, within(60_000)).toBe('blocked');
  expect((await release(id)).why).toContain(mark.id);
  const { carriers } = await fleet.client.getMark({ params });
  expect(carriers.map(({ version }) => version.commit)).toEqual([commit]);
  await fleet.client.overrideMark({ params, body: { version: carriers[0]!.version.id, reason: 'only here' } });
  await expect.poll(answers, within(60_000)).toEqual(four('three'));
  const { items } = await fleet.client.listCarriers();
  expect(items[0]).toMatchObject({ mark: mark.id, override: { reason: 'only here', by: { name: 'admin' } } });
  expect(items[0]!.running.flatMap(({ indices }) => indices)).toHaveLength(4);
  await fleet.client.clearMark({ params, body: { reason: 'measured wrongly' } });
  expect(await fleet.client.listCarriers()).toEqual({ items: [] });
  expect((await fleet.client.clearMark({ params, body: { reason: 'again' } }).catch(codeOf)) as string).toMatch(/mark/);
});

test('a failing build stops the release, its log says why, a retry runs it again, a cancel ends it', async () => {
  const commit = clone.commit(
    { 'rollway.yaml': `${config}build: node fail.js\n`, 'fail.js': 'console.log("sorry"); process.exit(3);' },
    'Four',
  );
  clone.git('push', '--quiet', origin.folder, 'HEAD:refs/heads/main');
  const { id } = await fleet.client.deploy({ params: service, body: { commit } });
  const runs = async () => (await release(id)).runs.filter(({ action }) => action === 'build');
  await expect.poll(async () => (await runs()).map(({ state }) => state), within(60_000)).toEqual(['failed']);
  const [run] = await runs();
  const log = await fleet.client.readActionLog({ params: { run: run!.id }, query: { waitMs: 5000 } });
  expect(log.text).toContain('sorry');
  const told = await fleet.client.retryRelease({ params: { release: id }, body: {} });
  expect(told.outcome?.ok).toBe(true);
  await expect.poll(async () => (await runs()).length, within(30_000)).toBe(2);
  await fleet.client
    .cancelRelease({ params: { release: id }, body: { reason: 'it will not get better' } })
    .catch(codeOf);
  await expect.poll(async () => (await release(id)).state, within(30_000)).toMatch(/cancelled|failed/);
});

test('the output of a task is read from its host', async () => {
  const { tasks } = await fleet.client.getJob({ params: { job: 'shop@production' } });
  expect(tasks.map(({ dot }) => dot)).toEqual(Array(4).fill('old'));
  const log = await fleet.client.readTaskLog({ params: { job: 'shop@production', index: 0 } });
  expect(log.host).toBe(tasks[0]!.host);
  expect(log.lines.map(({ text }) => text).join('\n')).toContain('hello from three');
});

test('a host that leaves is emptied within the budget, and its tasks serve elsewhere', async () => {
  const on = async () =>
    (await fleet.client.getJob({ params: { job: 'shop@production' } })).tasks.map((task) => task.host!);
  const [host] = await on();
  await fleet.client.leaveHost({ params: { host: host! }, body: { reason: 'new disks' } });
  await expect.poll(async () => (await on()).includes(host!), within(60_000)).toBe(false);
  await expect.poll(answers, within(30_000)).toEqual(four('three'));
  // A task that moves goes on serving where it was until its replacement serves.
  const serving = async () =>
    (await fleet.client.listEndpoints({ params: { job: 'shop@production' } })).endpoints.map((entry) => entry.host);
  await expect.poll(async () => (await serving()).includes(host!), within(60_000)).toBe(false);
  expect(await answers()).toEqual(four('three'));
  expect((await fleet.client.getHost({ params: { host: host! } })).state).toBe('leaving');
});

test('nothing was set aside, and everything a person did is in the audit under a name', async () => {
  expect((await fleet.client.listParkedWork()).items).toEqual([]);
  const byPersons = fleet.events.filter(({ stream }) => stream === 'server/audit');
  expect(byPersons.length).toBeGreaterThan(10);
  expect(new Set(byPersons.map(({ actor }) => actor.name))).toEqual(new Set(['admin']));
});
