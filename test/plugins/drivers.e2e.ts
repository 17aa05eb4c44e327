// A driver of one's own over the real command and real processes: the template runs a service without an agent. It is
// planned, rolled out in phases, reverted; the server is killed in the middle; the driver throws and hangs; the job gets
// another driver.
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath, pathToFileURL } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlanView, RolloutDetail } from '../../src/api/index.ts';
import { makeRepository } from '../local-fleet.ts';
import { type Installation, openInstallation } from '../stories/installation.ts';

const template = fileURLToPath(new URL('../../examples/plugins/processes.ts', import.meta.url));
const server = (answer: string): string =>
  `require('node:http').createServer((q, a) => a.end('${answer}')).listen(process.env.PORT, process.env.HOST);\n`;
const moody = '{ plugin: moody, settings: { address: 127.0.43.9 } }';
const config = (driver: string, name = 'shop', tasks = 3): string => `name: ${name}
command: node server.js
ready: { http: /, within: 5s }
tasks: ${tasks}
budget: 2
drain: 100ms
phases: [1, all]
bake: 300ms
pipeline: manual
driver: ${driver}
`;

/** What the driver does wrong for a while: `throw`, `hang`, or nothing. */
const moodFile = join(tmpdir(), `rollway-mood-${process.pid}`);
const setMood = (mood: string): void => writeFileSync(moodFile, mood);
const moodyText = `
import { readFileSync } from 'node:fs';
import { drivers as right } from '${pathToFileURL(template).href}';
`;
let firstCommit: string;
let badCommit: string;

let place: Installation;
let origin: ReturnType<typeof makeRepository>;
let calm: ReturnType<typeof makeRepository>;
const params = { job: 'shop@production' } as const;
const within = { timeout: 90_000, interval: 200 };
const host = 'here.moody.shop.production';

beforeAll(async () => {
  setMood('');
  const file = join(tmpdir(), `rollway-moody-driver-${process.pid}.mjs`);
  writeFileSync(
    file,
    `${moodyText}
const misbehave = async () => {
  const mood = readFileSync('${moodFile}', 'utf8');
  if (mood === 'throw') throw new Error('it is out of order');
  if (mood === 'hang') await new Promise(() => {});
};
export const drivers = [{
  ...right[0],
  name: 'moody',
  open(context) {
    const open = right[0].open(context);
    return {
      ...open,
      execute: async (...all) => { await misbehave(); return open.execute(...all); },
      observe: (deliver, signal) => open.observe(async (one) => { await misbehave(); return deliver(one); }, signal),
    };
  },
}];
`,
  );
  place = await openInstallation({ hosts: ['host-1'], net: 43, server: ['--plugin', template, file] });
  for (const name of ['shop', 'calm']) mkdirSync(join(place.folder, name));
  origin = makeRepository(join(place.folder, 'shop'));
  calm = makeRepository(join(place.folder, 'calm'));
});
afterAll(async () => {
  await place?.close();
});

const tasks = async () => (await place.client().getJob({ params })).tasks;
/** What the tasks themselves say, asked where discovery says they are. */
async function answers(): Promise<string[]> {
  const { endpoints } = await place.client().listEndpoints({ params });
  const asked = endpoints.map(async ({ address, ports }) => {
    const answer = await fetch(`http://${address}:${ports.http}/`).catch(() => undefined);
    return (await answer?.text()) ?? 'nothing';
  });
  return (await Promise.all(asked)).sort();
}
const everybody = (word: string) => [word, word, word];

async function begin(commit: string, service = 'shop'): Promise<`ro_${string}`> {
  const { id } = await place.client().deploy({ params: { service }, body: { commit } });
  let found: string | undefined;
  const isMade = async () => {
    const { runs } = await place.client().getRelease({ params: { release: id } });
    found = runs.find((run) => run.rollout)?.rollout ?? undefined;
    return found;
  };
  await expect.poll(isMade, within).toBeDefined();
  return found as `ro_${string}`;
}
const rolloutOf = (rollout: `ro_${string}`): Promise<RolloutDetail> =>
  place.client().getRollout({ params: { rollout } });
async function ended(rollout: `ro_${string}`): Promise<RolloutDetail> {
  await expect.poll(async () => (await rolloutOf(rollout)).state, within).toMatch(/succeeded|held|reverted/);
  return rolloutOf(rollout);
}

test('D2 the plan and explain name the driver, and doctor its module', async () => {
  firstCommit = origin.commit({ 'rollway.yaml': config(moody), 'server.js': server('one') }, 'One');
  await place.client().registerRepository({ body: { url: origin.folder } });
  await expect.poll(async () => (await place.client().listServices()).items.length, within).toBe(1);
  const plan = await place.json<PlanView>(['plan', firstCommit], { cwd: origin.folder });
  expect(plan.limits).toContain(
    'The driver moody ({"address":"127.0.43.9"}) runs the tasks; it is a plug-in of this server.',
  );
  const said = await place.rollway(['explain', 'config'], { cwd: origin.folder });
  expect(said.out).toMatch(/environments\.production\.driver.*moody.*service/);
  expect((await place.rollway(['doctor'])).out).toContain(`Drivers: processes (${template}); moody (`);
});

test('D2 a good version rolls out in phases over processes that no agent runs', async () => {
  expect((await ended(await begin(firstCommit))).state).toBe('succeeded');
  expect(await answers()).toEqual(everybody('one'));
  expect((await tasks()).map((task) => task.host)).toEqual([host, host, host]);
  const second = origin.commit({ 'server.js': server('two') }, 'Two');
  const plan = await place.json<PlanView>(['plan', second], { cwd: origin.folder });
  const done = await ended(await begin(second));
  expect(done.state).toBe('succeeded');
  expect(done.phases.map(({ members }) => members)).toEqual(plan.phases.map(({ members }) => members));
  expect(await answers()).toEqual(everybody('two'));
});

test('D2 a bad one is reverted after one task, and marked', async () => {
  badCommit = origin.commit({ 'server.js': `process.exit(3);\n` }, 'Three: it never runs');
  const undone = await ended(await begin(badCommit));
  expect(undone.state).toBe('reverted');
  await expect.poll(answers, within).toEqual(everybody('two'));
  const marks = async () =>
    (await place.client().listMarks()).items.map(({ candidates }) => candidates.map(({ id }) => id));
  await expect.poll(marks, within).toEqual([[badCommit]]);
  const { items } = await place.client().listEvents({ query: { stream: `rollout/${undone.id}`, limit: 200 } });
  expect(items.map(({ type }) => type).filter((type) => type === 'phase.started')).toHaveLength(1);
});

test('S1 the server is killed in the middle: the processes go on, and so does the rollout', async () => {
  const fourth = origin.commit({ 'server.js': server('four') }, `Four\n\nRollway-Fixes: ${badCommit}`);
  const before = (await tasks()).map((task) => task.incarnation);
  const rollout = await begin(fourth);
  await expect.poll(async () => (await answers()).filter((word) => word === 'four').length, within).toBeGreaterThan(0);
  const { endpoints } = await place.client().listEndpoints({ params });
  await place.stop(place.server(), 'SIGKILL');
  const still = await Promise.all(
    endpoints.map(async ({ address, ports }) => (await fetch(`http://${address}:${ports.http}/`)).ok),
  );
  expect(still).not.toContain(false);
  await place.startServer();
  expect((await ended(rollout)).state).toBe('succeeded');
  expect(await answers()).toEqual(everybody('four'));
  // Each was begun once: nothing was begun anew because of the kill.
  const incarnations = async () => (await tasks()).map((task) => task.incarnation);
  expect(Math.max(...(await incarnations()).map((now, at) => now - before[at]!))).toBe(1);
});

test('a task that ends by itself is started again', async () => {
  const [first] = await tasks();
  const folder = join(place.folder, 'server', 'drivers', 'moody-shop@production', 'task-0');
  process.kill(Number(readFileSync(join(folder, `pid-${first!.incarnation}`), 'utf8').split(' ')[0]), 'SIGKILL');
  await expect.poll(async () => (await tasks())[0]!.incarnation, within).toBeGreaterThan(first!.incarnation);
  await expect.poll(answers, within).toEqual(everybody('four'));
});

test.each(['throw', 'hang'])(
  'while the driver does nothing but %s nothing is gone, nothing moves, others go on, and it is said',
  async (mood) => {
    const before = (await place.client().listEndpoints({ params })).endpoints;
    setMood(mood);
    const says = async () => (await place.rollway(['doctor'])).out;
    await expect.poll(says, within).toMatch(/The driver moody of shop@production does not answer: /);
    const commit = origin.commit({ 'server.js': server(mood) }, `Under ${mood}`);
    const rollout = await begin(commit);
    const explained = async () => (await place.rollway(['explain', rollout], { cwd: origin.folder })).out;
    await expect.poll(explained, within).toMatch(/The driver moody does not answer since \d{4}-/);
    // A job of the fleet is not touched by that.
    if (mood === 'throw') {
      const quiet = calm.commit({ 'rollway.yaml': config('fleet', 'calm', 1), 'server.js': server('calm') }, 'Calm');
      await place.client().registerRepository({ body: { url: calm.folder } });
      await expect.poll(async () => (await place.client().listServices()).items.length, within).toBe(2);
      expect((await ended(await begin(quiet, 'calm'))).state).toBe('succeeded');
    }
    expect((await place.client().listEndpoints({ params })).endpoints).toEqual(before);
    const { items } = await place.client().listHosts();
    expect(items.map(({ id, state }) => [id, state])).toEqual([
      [host, 'up'],
      ['host-1', 'up'],
    ]);
    expect((await rolloutOf(rollout)).state).toBe('running');
    setMood('');
    expect((await ended(rollout)).state).toBe('succeeded');
    expect(await answers()).toEqual(everybody(mood));
    await expect.poll(says, within).not.toMatch(/does not answer/);
  },
);

test('a driver that this server does not have holds the rollout, as the plan says', async () => {
  const commit = origin.commit({ 'rollway.yaml': config('{ plugin: by-moon }'), 'server.js': server('six') }, 'Six');
  const plan = await place.json<PlanView>(['plan', commit], { cwd: origin.folder });
  expect(plan.notes.join(' ')).toContain('This server has no driver by-moon; it has processes, moody.');
  const held = await ended(await begin(commit));
  expect(held.hold?.reason).toMatch(/^This server has no driver by-moon: start it with that plug-in/);
  expect(await answers()).toEqual(everybody('hang'));
});

test('a job that gets another driver moves to its hosts within the budget, and the one before is forgotten', async () => {
  const commit = origin.commit({ 'rollway.yaml': config('fleet'), 'server.js': server('seven') }, 'Seven');
  expect((await ended(await begin(commit))).state).toBe('succeeded');
  await expect.poll(answers, within).toEqual(everybody('seven'));
  expect((await tasks()).map((task) => task.host)).toEqual(['host-1', 'host-1', 'host-1']);
  const hosts = async () => (await place.client().listHosts()).items.map(({ id }) => id);
  await expect.poll(hosts, within).toEqual(['host-1']);
});
