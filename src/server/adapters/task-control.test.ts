import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import type { ControlCall, ServiceEndpoint } from '../../disruption/index.ts';
import type { TaskControlSpec } from '../../model/index.ts';
import { controllerCaller } from './task-control.ts';

const timing = { timeoutMs: 2000, intervalMs: 2000, alarmAfterMs: 60_000 };
const waiting = (index: number) => ({
  ...{ opId: `op_${index}`, kind: 'update' as const, index, incarnation: 1, from: 'v_0', to: 'v_1' },
  ...{ rollout: 'ro_1', phase: 0, reason: '', deadline: null },
});
const request = {
  ...{ jobHandle: 'shop@production', request: [0, 1, 2, 3].map(waiting), completed: [], inFlight: [] },
  ...{ advanceNotices: [], allUnhealthyTasks: [], sequenceNumber: 1, acknowledgedSequence: 0 },
};

let folder: string;
let service: Server;
let tasks: ServiceEndpoint[];
/** The last `Authorization` that the service saw. */
let authorization: string | undefined;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollway-control-'));
  mkdirSync(join(folder, 'secrets', 'shop'), { recursive: true });
  writeFileSync(join(folder, 'secrets', 'shop', 'token'), 'Bearer of-the-shop\n');
  const answers: Record<string, unknown> = {
    '/busy': { load: 0.9 },
    '/calm': { load: 0.1 },
    '/leader': { leader: 2 },
    '/shards': { shards: { a: [0, 1], b: [2, 3] } },
    '/wrong': { leader: 'ada' },
    '/ack': { ack: ['op_1'] },
  };
  service = createServer((asked, response) => {
    authorization = asked.headers.authorization;
    const body = answers[asked.url ?? ''];
    response.writeHead(body === undefined ? 404 : 200).end(JSON.stringify(body ?? {}));
  });
  await new Promise<void>((resolve) => {
    service.listen(0, '127.0.0.1', resolve);
  });
  const { port } = service.address() as AddressInfo;
  tasks = [0, 1, 2, 3].map((index) => ({ index, address: '127.0.0.1', port }));
});
afterAll(async () => {
  service.closeAllConnections();
  await new Promise((resolve) => service.close(resolve));
  rmSync(folder, { recursive: true, force: true });
});

function call(control: TaskControlSpec, endpoints: readonly ServiceEndpoint[] = tasks) {
  const one: ControlCall = { job: 'shop@production', control, request, endpoints };
  return controllerCaller(folder, (_, { metric }) => (metric === 'busy' ? [0.8, 1] : []))(
    one,
    new AbortController().signal,
  );
}
const load = (path: string): TaskControlSpec => ({
  ...{ kind: 'load-aware', path, port: 'http', low: 0.6, high: 0.85, floor: 1 },
  ...timing,
});
const byMetric = (metric: string): TaskControlSpec => ({
  ...{ kind: 'load-metric', metric, full: 100, low: 0.6, high: 0.85, floor: 1 },
  ...timing,
});
const http = (secret: string): TaskControlSpec => {
  const url = `http://127.0.0.1:${tasks[0]!.port}/ack`;
  return { kind: 'http', url, secretHeaders: { Authorization: secret }, ...timing };
};

describe('what built-in controllers read from the service', () => {
  it.each<[string, TaskControlSpec, readonly string[]]>([
    ['D10 at the peak of load one at a time', load('/busy'), ['op_0']],
    ['TWD-10 at the peak by a metric of the service one at a time', byMetric('busy'), ['op_0']],
    ['TWD-10 when no sample tells the load likewise', byMetric('unknown'), ['op_0']],
    ['D10 off-peak all', load('/calm'), ['op_0', 'op_1', 'op_2', 'op_3']],
    ['the leader waits', { kind: 'leader-last', path: '/leader', port: 'http', ...timing }, ['op_0', 'op_1', 'op_3']],
    [
      'one of each shard',
      { kind: 'shard-aware', path: '/shards', port: 'http', keep: null, ...timing },
      ['op_0', 'op_2'],
    ],
  ])('%s', async (_, control, expected) => {
    expect(await call(control)).toMatchObject({ ok: true, reply: { ack: expected } });
  });

  it.each<[string, TaskControlSpec, boolean, RegExp]>([
    ['a path that is not there', load('/nothing'), true, /none of 4 tasks told what is needed; task 0: .* status 404/],
    [
      'an answer of another shape',
      { kind: 'leader-last', path: '/wrong', port: 'http', ...timing },
      true,
      /\/wrong does not answer as expected/,
    ],
    ['no task that serves', load('/calm'), false, /no task serves on the port http/],
  ])('%s is no ack, and says why', async (_, control, areServing, message) => {
    expect(await call(control, areServing ? tasks : [])).toMatchObject({
      ok: false,
      failure: expect.stringMatching(message),
    });
  });

  it('a task that is gone does not keep the others from answering', async () => {
    const gone = { index: 9, address: '127.0.0.1', port: 1 };
    expect(await call(load('/busy'), [gone, ...tasks])).toMatchObject({ ok: true, reply: { ack: ['op_0'] } });
    const shards: TaskControlSpec = { kind: 'shard-aware', path: '/shards', port: 'http', keep: 0, ...timing };
    expect(await call(shards, [gone, ...tasks])).toMatchObject({ ok: true });
  });
});

describe('headers with secrets', () => {
  it('come from the folder of the service', async () => {
    expect(await call(http('token'))).toEqual({ ok: true, reply: { ack: ['op_1'] } });
    expect(authorization).toBe('Bearer of-the-shop');
  });

  it('one that is missing is named, and nothing is sent', async () => {
    authorization = 'untouched';
    expect(await call(http('missing'))).toEqual({
      ok: false,
      failure: 'the server cannot read the secret missing for Authorization',
    });
    expect(authorization).toBe('untouched');
  });
});
