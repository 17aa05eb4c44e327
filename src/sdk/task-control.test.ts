import { request as httpRequest } from 'node:http';
import { afterEach, describe, expect, it } from 'vitest';
import { testTaskController } from '../api/index.ts';
import { callTaskController, sendText } from '../io/index.ts';
import { taskControlMaxBytes } from '../model/index.ts';
import { ackEach, type DecideAcks, serveTaskControl, type TaskControlServer, withMaintenance } from './index.ts';

const open: TaskControlServer[] = [];
afterEach(async () => {
  for (const server of open.splice(0)) await server.close();
});

async function serve(decide: DecideAcks, token?: string): Promise<TaskControlServer> {
  const server = await serveTaskControl({ decide, ...(token === undefined ? {} : { token }) });
  open.push(server);
  return server;
}

const { signal } = new AbortController();
const targetOf = (url: string, headers: Record<string, string> = {}) => ({ url, timeoutMs: 5000, headers });

async function rehearse(decide: DecideAcks, maxOut?: number): Promise<string[]> {
  const { url } = await serve(decide);
  const results = await testTaskController(
    {
      call: (request) => callTaskController(targetOf(url), request, signal),
      send: (body) => sendText(targetOf(url), body, signal),
      pause: async () => {},
    },
    { job: 'shop@test', tasks: 5, maxOut, firstSequence: 1000 },
  );
  return results.flatMap(({ rule, failure }) => (failure === undefined ? [] : [`${rule}: ${failure}`]));
}

const oneAtATime = ackEach((_, out) => out.size === 0 || 'one at a time');

describe('C3 the conformance test of controllers over HTTP', () => {
  it.each<[string, DecideAcks, number | undefined]>([
    ['one at a time', oneAtATime, 1],
    ['two at a time', ackEach((_, out) => out.size < 2), 2],
    ['all at once', ackEach(() => true), undefined],
    [
      'one that answers maintenance',
      withMaintenance(oneAtATime, ({ tasks }) => (tasks[0] === 0 ? 'hold' : undefined)),
      1,
    ],
    ['the highest index first', ({ waiting, out }) => ({ ack: out.size === 0 ? waiting.slice(-1) : [] }), 1],
  ])('%s keeps all rules', async (_, decide, maxOut) => {
    expect(await rehearse(decide, maxOut)).toEqual([]);
  });

  it.each<[string, DecideAcks, RegExp]>([
    ['never acks', () => ({ ack: [] }), /never acked, and nothing is out/],
    ['forgets what is in flight', ({ waiting }) => ({ ack: waiting.slice(0, 1) }), /2 tasks are out by its acks/],
    ['fails', () => Promise.reject(new Error('no')), /status 500/],
    [
      'answers a notice that was not given',
      async (view) => ({ ...(await oneAtATime(view)), maintenance: [{ notice: 'out_other', answer: 'hold' }] }),
      /answered the notice out_other/,
    ],
  ])('one that %s is found out', async (_, decide, message) => {
    expect((await rehearse(decide, 1)).join('\n')).toMatch(message);
  });

  it('one that remembers acks that got lost is found out', async () => {
    const given = new Set<string>();
    const decide: DecideAcks = ({ waiting, out }) => {
      const ack = waiting.filter(({ opId }) => out.size === 0 && !given.has(opId)).slice(0, 1);
      for (const { opId } of ack) given.add(opId);
      return { ack };
    };
    expect((await rehearse(decide)).join('\n')).toMatch(/got lost.*never acked/);
  });
});

describe('the server of the SDK at its edge', () => {
  it('takes a POST of a request with the right token, and nothing else', async () => {
    const { url } = await serve(oneAtATime, 'secret');
    const body = '{}';
    expect(await sendText(targetOf(url), body, signal)).toBe(401);
    expect(await sendText(targetOf(url, { Authorization: 'Bearer wrong!' }), body, signal)).toBe(401);
    expect(await sendText(targetOf(url, { Authorization: 'Bearer secret' }), body, signal)).toBe(400);
    expect((await fetch(url)).status).toBe(405);
  });

  it('stops reading what is too large', async () => {
    const { url } = await serve(oneAtATime);
    const status = await new Promise<number | string>((resolve) => {
      const request = httpRequest(url, { method: 'POST' }, (response) => resolve(response.statusCode ?? 0));
      request.on('error', (error) => resolve(error.message));
      request.write('x'.repeat(taskControlMaxBytes + 1));
      request.end();
    });
    expect([413, 'write EPIPE', 'read ECONNRESET']).toContain(status);
  });
});

describe('a call', () => {
  it.each<[string, (url: string) => Promise<unknown>, RegExp]>([
    [
      'nobody there',
      async () => callTaskController(targetOf('http://127.0.0.1:1/'), request, signal),
      /refused|reached/,
    ],
    ['an address that redirects', (url) => callTaskController(targetOf(`${url}?redirect`), request, signal), /reached/],
  ])('%s is a failure in words', async (_, call, message) => {
    const { createServer } = await import('node:http');
    const server = createServer((_, response) => response.writeHead(302, { location: '/elsewhere' }).end());
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as { port: number };
    const answer = await call(`http://127.0.0.1:${port}/`);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(answer).toMatchObject({ ok: false, failure: expect.stringMatching(message) });
  });

  it.each([
    ['no JSON', 'hello', /not JSON/],
    ['another shape', '{"ack": "all"}', /not as the protocol has it: ack/],
    ['more than it may be', ' '.repeat(taskControlMaxBytes + 10), /larger than/],
  ])('an answer with %s is a failure in words', async (_, body, message) => {
    const { createServer } = await import('node:http');
    const server = createServer((_, response) => response.end(body));
    await new Promise<void>((resolve) => {
      server.listen(0, '127.0.0.1', resolve);
    });
    const { port } = server.address() as { port: number };
    const answer = await callTaskController(targetOf(`http://127.0.0.1:${port}/`), request, signal);
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
    expect(answer).toMatchObject({ ok: false, failure: expect.stringMatching(message) });
  });

  it('that takes too long is a failure in words', async () => {
    const { url } = await serve(() => new Promise(() => {}));
    const answer = await callTaskController({ ...targetOf(url), timeoutMs: 50 }, request, signal);
    expect(answer).toEqual({ ok: false, failure: 'it did not answer within 50 ms' });
  });
});

const request = {
  ...{ jobHandle: 'shop@test', request: [], completed: [], inFlight: [], advanceNotices: [], allUnhealthyTasks: [] },
  ...{ sequenceNumber: 1, acknowledgedSequence: 0 },
};
