// Strategies of one's own over the real command: tried, loaded at the start, planned and followed; a wrong one is refused
// at the start, and one that turns out wrong later holds its rollout.
import { mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import type { PlanView, RolloutDetail } from '../../src/api/index.ts';
import { makeRepository } from '../local-fleet.ts';
import { type Installation, openInstallation } from '../stories/installation.ts';

const template = fileURLToPath(new URL('../../examples/plugins/canary-by-label.ts', import.meta.url));
const server = (answer: string): string =>
  `require('node:http').createServer((q, a) => a.end('${answer}')).listen(process.env.PORT, process.env.HOST);\n`;
const config = (strategy: string): string => `name: shop
command: node server.js
ready: /
tasks: 4
budget: 2
drain: 100ms
phases: [1, all]
bake: 300ms
pipeline: manual
strategy: ${strategy}
`;
const canary = '{ plugin: canary-by-label, settings: { label: rack, value: host-2 } }';

let place: Installation;
let origin: ReturnType<typeof makeRepository>;
let plugins: string;
const job = { job: 'shop@production' } as const;
const within = { timeout: 60_000, interval: 200 };

beforeAll(async () => {
  // Behaves in every trial, and not in a phase of this name.
  const moody = join(tmpdir(), `rollway-moody-${process.pid}.mjs`);
  writeFileSync(
    moody,
    `export const strategies = [{
      name: 'moody',
      next: (_, { phase, members }) =>
        ({ next: phase === 'cursed' ? [7] : members.filter((one) => !one.isThere).map((one) => one.index) }),
    }];\n`,
  );
  place = await openInstallation({ hosts: ['host-1', 'host-2'], net: 41, server: ['--plugin', template, moody] });
  plugins = moody;
  const folder = join(place.folder, 'shop');
  mkdirSync(folder);
  origin = makeRepository(folder);
});
afterAll(async () => {
  await place?.close();
  rmSync(plugins, { force: true });
});

const serving = async (): Promise<number> =>
  (
    await place
      .client()
      .getJob({ params: job })
      .catch(() => ({ tasks: [] }))
  ).tasks.filter(({ state }) => state === 'serving').length;
const hostOf = async (index: number) => (await place.client().getJob({ params: job })).tasks[index]?.host;

async function rollout(commit: string): Promise<RolloutDetail> {
  const { id } = await place.client().deploy({ params: { service: 'shop' }, body: { commit } });
  let found: string | undefined;
  const isMade = async () => {
    found =
      (await place.client().getRelease({ params: { release: id } })).runs.find((run) => run.rollout)?.rollout ??
      undefined;
    return found;
  };
  await expect.poll(isMade, within).toBeDefined();
  const state = async () => (await place.client().getRollout({ params: { rollout: found as `ro_${string}` } })).state;
  await expect.poll(state, within).toMatch(/succeeded|held|reverted/);
  return place.client().getRollout({ params: { rollout: found as `ro_${string}` } });
}

test('the template keeps every rule; a wrong one is told which it breaks', async () => {
  const fine = await place.rollway(['plugin', 'test', template]);
  expect(fine.code, fine.out + fine.err).toBe(0);
  expect(fine.out).toMatch(/✓ a rollout by the engine has the phases of its plan/);
  const file = join(place.folder, 'wrong.mjs');
  writeFileSync(file, `export const strategies = [{ name: 'nobody', next: () => ({ next: [] }) }];\n`);
  const wrong = await place.rollway(['plugin', 'test', file]);
  expect(wrong.code).toBe(3);
  expect(wrong.out).toMatch(/✗ a phase comes to its end/);
});

test.each([
  [
    'breaks a rule',
    `export const strategies = [{ name: 'nobody', next: () => ({ next: [] }) }];`,
    /nobody breaks a rule/,
  ],
  ['has a misspelt part', `export const strategies = [{ name: 'typo', nexd() {} }];`, /`nexd`, which no strategy has/],
  ['takes a name of ours', `export const strategies = [{ name: 'surge' }];`, /There is a strategy surge already/],
  ['exports nothing', 'export const other = 1;', /no list called `strategies`/],
  ['is no module', 'this is no module', /cannot be loaded/],
])('a server does not start with a plug-in that %s', async (what, text, sentence) => {
  const file = join(place.folder, `${what.replaceAll(' ', '-')}.mjs`);
  writeFileSync(file, `${text}\n`);
  const words = ['server', '--data', join(place.folder, 'other'), '--port', '0', '--agent-port', '0', '--plugin', file];
  const { code, err } = await place.rollway(words);
  expect(code).not.toBe(0);
  expect(err).toMatch(sentence);
});

test('doctor names what was loaded, and from where', async () => {
  const { out } = await place.rollway(['doctor']);
  expect(out).toContain(`Strategies: canary-by-label (${template}); moody (${plugins}).`);
});

test('D2 a rollout goes by it: the plan says who is first, and that task is first', async () => {
  const first = origin.commit({ 'rollway.yaml': config(canary), 'server.js': server('one') }, 'One');
  await place.client().registerRepository({ body: { url: origin.folder } });
  await expect.poll(async () => (await place.client().listServices()).items.length, within).toBe(1);
  await place.client().deploy({ params: { service: 'shop' }, body: { commit: first } });
  await expect.poll(serving, within).toBe(4);
  const isThrough = async () =>
    (await place.client().listRollouts()).items.every(({ endedAtMs }) => endedAtMs !== null);
  await expect.poll(isThrough, within).toBe(true);

  const second = origin.commit({ 'server.js': server('two') }, 'Two');
  const plan = await place.json<PlanView>(['plan', second], { cwd: origin.folder });
  expect(plan.limits.join(' ')).toContain('The strategy canary-by-label');
  const [canaryTask] = plan.phases[0]!.members;
  expect(await hostOf(canaryTask!)).toBe('host-2');
  const done = await rollout(second);
  expect(done.state).toBe('succeeded');
  expect(done.phases.map(({ members }) => members)).toEqual(plan.phases.map(({ members }) => members));
});

test('one that turns out wrong in the middle holds its rollout, says why, and a person undoes it', async () => {
  const phases = 'phases: [1, { name: cursed, select: all }]';
  const text = config('{ plugin: moody }').replace('phases: [1, all]', phases);
  const third = origin.commit({ 'rollway.yaml': text, 'server.js': server('three') }, 'Three');
  const held = await rollout(third);
  expect(held.state).toBe('held');
  expect(held.hold?.reason).toBe('The strategy moody is not followed: it names task 7, which is not in cursed.');
  expect(await serving()).toBe(4);
  const { items } = await place.client().listEvents({ query: { stream: `rollout/${held.id}`, limit: 200 } });
  expect(items.map(({ type }) => type)).toContain('rollout.strategy-refused');
  expect((await place.rollway(['doctor'])).out).toContain('The strategy moody is not followed');
  const undone = await place.rollway(['revert', held.id, '--reason', 'moody'], { cwd: origin.folder });
  expect(undone.code, undone.out + undone.err).toBe(0);
  const state = async () => (await place.client().getRollout({ params: { rollout: held.id } })).state;
  await expect.poll(state, within).toBe('reverted');
});

test('a plan with a strategy that this server does not have is told beforehand', async () => {
  const fourth = origin.commit({ 'rollway.yaml': config('{ plugin: by-moon }') }, 'Four');
  const plan = await place.json<PlanView>(['plan', fourth], { cwd: origin.folder });
  const own = 'in-place, surge, recreate, blue-green';
  expect(plan.notes.join(' ')).toContain(`no strategy by-moon; it has ${own}, canary-by-label, moody`);
});
