// Restart, move, resize and retire over real processes: each is shown as a plan, carried out through the ledger, audited.
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ProblemError } from '../../src/model/index.ts';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

const config = `name: shop
command: node server.js
ready: /healthz
tasks: 3
budget: 1
drain: 100ms
phases: [all]
bake: 100ms
pipeline: manual
`;
const server = `
const { createServer } = require('node:http');
createServer((request, response) => response.end(String(process.pid))).listen(process.env.PORT, process.env.HOST);
`;
const params = { job: 'shop@production' } as const;
const within = { timeout: 60_000, interval: 150 };

let fleet: LocalFleet;
let commit: string;
let folder: string;
let origin: ReturnType<typeof makeRepository>;
beforeAll(async () => {
  fleet = await openLocalFleet(3);
  origin = makeRepository(join(fleet.folder, 'shop'));
  commit = origin.commit({ 'rollway.yaml': config, 'server.js': server }, 'One');
  folder = origin.folder;
});
afterAll(() => fleet.close());

async function serving(): Promise<number[]> {
  const { items } = await fleet.client.listRollouts();
  if (items.some(({ endedAtMs }) => endedAtMs === null)) return [];
  const { tasks } = await fleet.client.getJob({ params }).catch(() => ({ tasks: [] }));
  return tasks.filter(({ state }) => state === 'serving').map(({ incarnation }) => incarnation);
}
const hostOf = async (index: number) => (await fleet.client.getJob({ params })).tasks[index]?.host;
const ended = (id: string | null) => async () =>
  (await fleet.client.getRollout({ params: { rollout: id as `ro_${string}` } })).state;
const codeOf = (error: unknown) => (error instanceof ProblemError ? error.problem.code : error);

test('first there is something that runs', async () => {
  await fleet.client.registerRepository({ body: { url: folder } });
  await expect.poll(async () => (await fleet.client.listServices()).items.length, within).toBe(1);
  await fleet.client.deploy({ params: { service: 'shop' }, body: { commit } });
  await expect.poll(serving, within).toHaveLength(3);
});

test('a restart is planned, needs a reason, and renews the tasks that were named, one at a time', async () => {
  const before = (await fleet.client.getJob({ params })).tasks.map(({ incarnation }) => incarnation);
  const wish = { do: 'restart' as const, tasks: [0, 2] };
  const plan = await fleet.client.planTasks({ params, body: wish });
  expect(plan.steps.map(({ name, tasks, servingAtLeast }) => [name, tasks, servingAtLeast])).toEqual([
    ['first', [0], 2],
    ['all', [2], 2],
  ]);
  const beyond = await fleet.client.planTasks({ params, body: { do: 'restart', tasks: [7] } });
  expect(beyond.notes).toContain('shop@production has no task 7: its 3 tasks begin with 0.');
  const stale = { params, body: { ...wish, reason: 'a leak', planHash: 'other' } };
  expect(codeOf(await fleet.client.changeTasks(stale).catch((error: unknown) => error))).toBe('rollout/stale-plan');
  const { rollout } = await fleet.client.changeTasks({
    params,
    body: { ...wish, reason: 'a leak', planHash: plan.hash },
  });
  await expect.poll(ended(rollout), within).toBe('succeeded');
  const after = (await fleet.client.getJob({ params })).tasks.map(({ incarnation }) => incarnation);
  expect(after).toEqual([before[0]! + 1, before[1], before[2]! + 1]);
  const { items } = await fleet.client.listEvents({ query: { stream: 'job/shop@production', limit: 200 } });
  expect(items.find(({ type }) => type === 'job.restart-asked')).toMatchObject({ data: { reason: 'a leak' } });
});

test('a move starts the task on another host, and stops it where it was', async () => {
  const was = await hostOf(1);
  const { rollout } = await fleet.client.changeTasks({ params, body: { do: 'move', tasks: [1], reason: 'noisy' } });
  await expect.poll(ended(rollout), within).toBe('succeeded');
  await expect.poll(serving, within).toHaveLength(3);
  expect(await hostOf(1)).not.toBe(was);
});

test('a resize and a retirement go through the ledger; the name is asked for, and releases are held', async () => {
  await fleet.client.changeTasks({ params, body: { do: 'resize', size: 4, reason: 'sale' } });
  await expect.poll(serving, within).toHaveLength(4);
  await fleet.client.changeTasks({ params, body: { do: 'resize', size: 2, reason: 'over' } });
  await expect.poll(serving, within).toHaveLength(2);
  const plan = await fleet.client.planTasks({ params, body: { do: 'retire' } });
  expect(plan.steps).toMatchObject([{ name: 'stop', tasks: [0, 1], atOnce: 1, servingAtLeast: 0 }]);
  const unnamed = fleet.client.changeTasks({ params, body: { do: 'retire', reason: 'gone' } });
  expect(codeOf(await unnamed.catch((error: unknown) => error))).toBe('api/bad-request');
  await fleet.client.changeTasks({ params, body: { do: 'retire', reason: 'gone', confirm: params.job } });
  await expect.poll(serving, within).toHaveLength(0);
  await expect.poll(async () => (await fleet.client.getJob({ params })).size, within).toBe(0);
});

test('surge with a budget of 0: an extra task serves before any of the job is touched, and goes at the end', async () => {
  await fleet.client.endHold({ params: { service: 'shop' }, body: { environment: 'production', reason: 'back' } });
  const surged = config.replace('budget: 1', 'budget: 0\nstrategy: { surge: 1 }');
  const next = origin.commit({ 'rollway.yaml': surged, 'server.js': `${server}// two` }, 'Two');
  await fleet.client.deploy({ params: { service: 'shop' }, body: { commit: next } });
  await expect.poll(serving, within).toHaveLength(3);
  const third = origin.commit({ 'server.js': `${server}// three` }, 'Three');
  const { id } = await fleet.client.deploy({ params: { service: 'shop' }, body: { commit: third } });
  const counts: number[] = [];
  let most = 0;
  const isThrough = async () => {
    const { endpoints } = await fleet.client.listEndpoints({ params });
    counts.push(endpoints.length);
    most = Math.max(most, ...endpoints.map(({ index }) => index));
    return (await fleet.client.getRelease({ params: { release: id } })).state;
  };
  await expect.poll(isThrough, within).toBe('succeeded');
  expect(Math.min(...counts)).toBeGreaterThanOrEqual(3);
  expect(most).toBeGreaterThanOrEqual(1_000_000);
  await expect.poll(serving, within).toHaveLength(3);
});

test('recreate: everybody stops before anybody starts; two versions are never there at once', async () => {
  const all = config.replace('budget: 1', "budget: '100%'\nstrategy: recreate").replace('phases: [all]\n', '');
  const next = origin.commit({ 'rollway.yaml': all, 'server.js': `${server}// four` }, 'Four');
  const { id } = await fleet.client.deploy({ params: { service: 'shop' }, body: { commit: next } });
  let least = Number.POSITIVE_INFINITY;
  const isThrough = async () => {
    const { endpoints } = await fleet.client.listEndpoints({ params });
    least = Math.min(least, endpoints.length);
    expect(new Set(endpoints.map(({ version }) => version)).size).toBeLessThan(2);
    return (await fleet.client.getRelease({ params: { release: id } })).state;
  };
  await expect.poll(isThrough, { ...within, interval: 20 }).toBe('succeeded');
  await expect.poll(serving, within).toHaveLength(3);
  const { items } = await fleet.client.listEvents({ query: { stream: 'job/shop@production', limit: 200 } });
  const release = await fleet.client.getRelease({ params: { release: id } });
  const rollout = release.runs.find((run) => run.rollout)?.rollout;
  const kinds = items
    .filter(({ type, data }) => type === 'operation.admitted' && data.rollout === rollout)
    .sort((a, b) => a.position - b.position)
    .map(({ data }) => data.kind);
  expect(kinds).toEqual(['stop', 'stop', 'stop', 'update', 'update', 'update']);
  expect(least).toBeLessThan(3);
});

test('the plan is tried on what was released here: every template, the slower the fewer exposed', async () => {
  const view = await fleet.client.backtestPlan({ params: { service: 'shop' }, body: {} });
  expect(view).toMatchObject({ job: 'shop@production', size: 3, bad: 0 });
  expect(view.good).toBeGreaterThan(0);
  expect(view.rows.map(({ plan }) => plan)).toEqual(['yours', 'careful', 'standard', 'fast', 'everyone-at-once']);
  const [careful, atOnce] = [view.rows[1]!, view.rows[4]!];
  expect(careful.doneMs).toBeGreaterThan(atOnce.doneMs);
  expect(careful.meanExposed).toBeLessThanOrEqual(atOnce.meanExposed);
});
