// A service's own controller over HTTP, and a release that asks it: silent, killed and replaced, over a restart of the
// server, and overridden by two persons. Real server, agents and tasks.
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createClient, type RolloutDetail } from '../../src/api/index.ts';
import { realChance } from '../../src/io/chance.ts';
import { findFreePort } from '../../src/io/ports.ts';
import type { TaskControlRequest } from '../../src/model/index.ts';
import { ackEach, serveTaskControl, type TaskControlServer } from '../../src/sdk/index.ts';
import { type LocalFleet, makeRepository, openLocalFleet } from '../local-fleet.ts';

const token = 'only-for-this-test';
const serverOf = (greeting: string) => `
const { createServer } = require('node:http');
createServer((request, response) => response.end('${greeting}')).listen(process.env.PORT, process.env.HOST);
`;

let fleet: LocalFleet;
let repository: ReturnType<typeof makeRepository>;
let port: number;
let controller: TaskControlServer | undefined;
/** Every request that reached a controller, in order, and what was acked. */
const calls: { readonly request: TaskControlRequest; readonly acked: readonly number[] }[] = [];

async function startController(): Promise<void> {
  const oneAtATime = ackEach((_, out) => out.size === 0 || 'one at a time');
  controller = await serveTaskControl({
    port,
    token,
    async decide(view) {
      const answer = await oneAtATime(view);
      calls.push({ request: view.request, acked: answer.ack.map(({ index }) => index) });
      return answer;
    },
  });
}

async function stopController(): Promise<void> {
  await controller?.close();
  controller = undefined;
}

beforeAll(async () => {
  fleet = await openLocalFleet(2);
  port = await findFreePort('127.0.0.1', new Set(), 18_900, realChance);
  repository = makeRepository(join(fleet.folder, 'asked'));
  const secrets = join(fleet.folder, 'server', 'secrets', 'asked');
  mkdirSync(secrets, { recursive: true, mode: 0o700 });
  writeFileSync(join(secrets, 'token'), `Bearer ${token}\n`, { mode: 0o600 });
});
afterAll(async () => {
  await stopController();
  await fleet.close();
});

const config = () => `name: asked
command: node server.js
ready: { tcp: http }
tasks: 4
budget: 4
drain: 100ms
phases: [all]
bake: 200ms
taskControl:
  url: http://127.0.0.1:${port}/
  secretHeaders: { Authorization: token }
  timeout: 2s
  interval: 300ms
  alarmAfter: 1s
`;
const within = (timeoutMs: number) => ({ timeout: timeoutMs, interval: 100 });

async function newest(): Promise<RolloutDetail> {
  const { items } = await fleet.client.listRollouts();
  return fleet.client.getRollout({ params: { rollout: items[0]!.id } });
}
const rolledOut = (n: number) => async () => {
  const { items } = await fleet.client.listRollouts();
  return items.length >= n && items[0]!.state;
};
const updatesOf = (rollout: string) =>
  fleet.events.flatMap(({ type, stream, data }) => {
    const { kind, index, state } = data as { kind?: string; index?: number; state?: string };
    return type === 'operation.ended' && stream === `rollout/${rollout}` && kind === 'update' ? [[index, state]] : [];
  });

test('a first deployment disturbs nothing alive: it goes on without the controller', async () => {
  repository.commit({ 'rollway.yaml': config(), 'server.js': serverOf('one') }, 'One');
  await fleet.client.registerRepository({ body: { url: repository.folder } });
  await expect.poll(rolledOut(1), within(90_000)).toBe('succeeded');
});

test('C9 R14 TWC-4 while it is silent the release waits, a finding says so, and explain names it', async () => {
  repository.commit({ 'server.js': serverOf('two') }, 'Two');
  await expect
    .poll(async () => (await fleet.client.listFindings()).items, within(60_000))
    .toContainEqual(
      expect.objectContaining({
        kind: 'alarm',
        subject: 'job/asked@production',
        sentence:
          'The TaskController of asked@production does not answer: the connection was refused. Its releases wait.',
      }),
    );
  const rollout = await newest();
  expect(rollout).toMatchObject({ state: 'running', updated: 0 });
  const why = await fleet.client.explain({ params: { kind: 'rollout', id: rollout.id } });
  expect(JSON.stringify(why)).toContain(`The controller at http://127.0.0.1:${port}/ has not answered since`);
});

test('C3 TWC-8 TWC-9 it is killed and replaced, the server starts anew: each task is updated once, one at a time', async () => {
  await startController();
  await expect.poll(() => calls.some(({ acked }) => acked.length > 0), within(30_000)).toBe(true);
  await stopController();
  await fleet.restartServer();
  await startController();
  await expect.poll(async () => (await newest()).updated, within(30_000)).toBeGreaterThan(1);
  await stopController();
  await startController();
  await expect.poll(rolledOut(2), within(60_000)).toBe('succeeded');
  const rollout = await newest();
  await expect.poll(() => updatesOf(rollout.id).sort(), within(10_000)).toEqual([0, 1, 2, 3].map((n) => [n, 'done']));
  const sequences = calls.map(({ request }) => request.sequenceNumber);
  expect(sequences.every((one, at) => at === 0 || one >= sequences[at - 1]!)).toBe(true);
  for (const { request } of calls) expect(request.inFlight.length).toBeLessThanOrEqual(1);
  expect((await fleet.client.listFindings()).items.filter(({ kind }) => kind === 'alarm')).toEqual([]);
});

test('R14 two persons let one release go on without it', async () => {
  await stopController();
  repository.commit({ 'server.js': serverOf('three') }, 'Three');
  await expect.poll(rolledOut(3), within(60_000)).toBe('running');
  await expect.poll(async () => (await newest()).why, within(30_000)).toContain('has not answered since');
  const rollout = await newest();
  const params = { rollout: rollout.id };
  const asked = await fleet.client.commandRollout({
    params,
    body: { command: 'override-controller', reason: 'it burned down' },
  });
  expect(asked.outcome?.ok).toBe(true);
  const confirm = { params, body: { command: 'confirm-override' as const } };
  await expect(fleet.client.commandRollout(confirm)).rejects.toThrow('somebody else has to confirm');
  expect((await newest()).updated).toBe(0);
  const { secret } = await fleet.client.createToken({ body: { name: 'bob', role: 'operator' } });
  const bob = createClient({ baseUrl: fleet.server().url, token: secret, fetch });
  expect((await bob.commandRollout(confirm)).outcome?.ok).toBe(true);
  await expect.poll(rolledOut(3), within(60_000)).toBe('succeeded');
  const audit = fleet.events.filter(({ type, stream }) => type === 'rollout.commanded' && stream.endsWith(rollout.id));
  expect(audit.map(({ data, actor }) => [(data as { command: string }).command, actor.kind])).toEqual([
    ['override-controller', 'person'],
    ['confirm-override', 'person'],
  ]);
});
