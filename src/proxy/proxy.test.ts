import { once } from 'node:events';
import { Agent, createServer, get, type IncomingMessage, request, type Server } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import { afterEach, describe, expect, test } from 'vitest';
import type { Endpoints } from '../api/index.ts';
import { realChance } from '../io/chance.ts';
import { realClock } from '../io/clock.ts';
import { type ProxyAddresses, type ProxyOptions, runProxy } from './index.ts';

const job = 'guestbook@production';
const endings: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of endings.splice(0).reverse()) await end();
});

/** A real task: answers after a little work, slow bodies in pieces. */
async function startTask(name: string): Promise<{ name: string; port: number; server: Server; stop(): Promise<void> }> {
  const server = createServer((asked, answer) => {
    if (asked.url === '/echo') return void asked.pipe(answer);
    if (asked.url === '/stream') {
      answer.write('begin ');
      setTimeout(() => answer.end(`end ${name}`), 30);
      return;
    }
    setTimeout(() => answer.end(`${name} ${asked.headers['x-forwarded-for']}`), Math.random() * 10);
  });
  server.on('upgrade', (_asked, socket) => {
    socket.write('HTTP/1.1 101 Switching Protocols\r\nupgrade: echo\r\nconnection: upgrade\r\n\r\n');
    socket.pipe(socket);
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const stop = async (): Promise<void> => {
    if (!server.listening) return;
    const closed = once(server, 'close');
    server.close();
    server.closeAllConnections();
    await closed;
  };
  endings.push(stop);
  return { name, port: (server.address() as AddressInfo).port, server, stop };
}

/** Discovery as the server does it: answers at once when the revision differs, else at the next change. */
class Discovery {
  readonly tasks = new Map<number, number>();
  isDown = false;
  #changed = Promise.withResolvers<void>();
  #revision = 0;

  set(index: number, port: number | undefined): void {
    if (port === undefined) this.tasks.delete(index);
    else this.tasks.set(index, port);
    this.#revision += 1;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }

  readonly read: ProxyOptions['read'] = async (_job, revision, _waitMs, signal) => {
    if (this.isDown) throw new Error('the server is gone');
    while (revision === String(this.#revision)) {
      const aborted = once(signal, 'abort').then(() => Promise.reject(new Error('aborted')));
      await Promise.race([this.#changed.promise, aborted]);
      if (this.isDown) throw new Error('the server is gone');
    }
    const endpoints = [...this.tasks].map(([index, port]) => {
      return { index, host: 'h', address: '127.0.0.1', ports: { http: port }, version: 'v_0123456789abcdef' as const };
    });
    return { job, revision: String(this.#revision), endpoints } satisfies Endpoints;
  };

  fail(): void {
    this.isDown = true;
    this.#changed.resolve();
    this.#changed = Promise.withResolvers();
  }
}

async function startProxy(discovery: Discovery, over: Partial<ProxyOptions> = {}): Promise<ProxyAddresses> {
  const stopping = new AbortController();
  const ready = Promise.withResolvers<ProxyAddresses>();
  const running = runProxy(
    {
      routes: [{ job, host: '127.0.0.1', port: 0, portName: 'http' }],
      read: discovery.read,
      clock: realClock,
      chance: realChance,
      stats: { host: '127.0.0.1', port: 0 },
      onListening: ready.resolve,
      ...over,
    },
    stopping.signal,
  );
  running.catch(ready.reject);
  endings.push(async () => {
    stopping.abort();
    await running;
  });
  return ready.promise;
}

async function textOf(response: IncomingMessage): Promise<string> {
  let text = '';
  for await (const piece of response.setEncoding('utf8')) text += piece;
  return text;
}

async function fetchText(port: number, path = '/', agent?: Agent): Promise<{ status: number; text: string }> {
  const asked = get({ host: '127.0.0.1', port, path, ...(agent ? { agent } : {}) });
  const [response] = (await once(asked, 'response')) as [IncomingMessage];
  return { status: response.statusCode ?? 0, text: await textOf(response) };
}

interface Stats {
  jobs: {
    requests: number;
    served: number;
    broken: number;
    staleSinceMs: number | null;
    targets: { name: string; port: number; inFlight: number; served: number; isLeaving: boolean }[];
  }[];
}

async function statsOf(addresses: ProxyAddresses): Promise<Stats['jobs'][0]> {
  const { text } = await fetchText(addresses.stats?.port ?? 0);
  return (JSON.parse(text) as Stats).jobs[0] as Stats['jobs'][0];
}

async function until(condition: () => boolean | Promise<boolean>, what: string): Promise<void> {
  const deadline = Date.now() + 5000;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

/** Keep-alive clients that ask again and again and never retry. */
function startLoad(port: number, clients: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const seen = { answered: 0, failures: [] as string[] };
  let isOver = false;
  const client = async (n: number): Promise<void> => {
    while (!isOver) {
      const path = n % 3 === 0 ? '/stream' : '/';
      try {
        const { status, text } = await fetchText(port, path, agent);
        if (status !== 200 || (path === '/stream' && !/^begin end \d/.test(text)))
          seen.failures.push(`${status} ${text}`);
        else seen.answered += 1;
      } catch (error) {
        seen.failures.push(String(error));
      }
    }
  };
  const clientsRunning = Array.from({ length: clients }, (_, n) => client(n));
  return {
    seen,
    async stop(): Promise<void> {
      isOver = true;
      await Promise.all(clientsRunning);
      agent.destroy();
    },
  };
}

describe('a rolling restart under load', () => {
  test('C10 TWH-3 six tasks leave discovery, drain, stop, start elsewhere: no request fails', async () => {
    const discovery = new Discovery();
    const tasks = await Promise.all([0, 1, 2, 3, 4, 5].map((i) => startTask(String(i))));
    for (const [i, task] of tasks.entries()) discovery.set(i, task.port);
    const addresses = await startProxy(discovery);
    const port = addresses.routes[0]?.port ?? 0;
    const load = startLoad(port, 12);
    await until(() => load.seen.answered > 50, 'load');
    for (const [i, old] of tasks.entries()) {
      const before = load.seen.answered;
      discovery.set(i, undefined);
      await until(async () => (await statsOf(addresses)).targets.every((t) => t.port !== old.port), 'drained');
      await old.stop();
      await until(() => load.seen.answered > before + 30, 'load goes on without it');
      const fresh = await startTask(String(i));
      discovery.set(i, fresh.port);
      await until(
        async () => (await statsOf(addresses)).targets.some((t) => t.port === fresh.port && t.served > 0),
        'the new one gets requests',
      );
    }
    await load.stop();
    expect(load.seen.failures).toEqual([]);
    expect(load.seen.answered).toBeGreaterThan(200);
  });

  test('a request in flight to a leaving task finishes there, while new ones go elsewhere', async () => {
    const discovery = new Discovery();
    const gate = Promise.withResolvers<void>();
    const slow = createServer((_, answer) => void gate.promise.then(() => answer.end('slow')));
    slow.listen(0, '127.0.0.1');
    await once(slow, 'listening');
    endings.push(async () => slow.close());
    discovery.set(0, (slow.address() as AddressInfo).port);
    const addresses = await startProxy(discovery);
    const port = addresses.routes[0]?.port ?? 0;
    const pending = fetchText(port);
    await until(async () => (await statsOf(addresses)).targets[0]?.inFlight === 1, 'in flight');
    discovery.set(1, (await startTask('fast')).port);
    discovery.set(0, undefined);
    await until(async () => (await statsOf(addresses)).targets.some((t) => t.isLeaving), 'leaving');
    for (let i = 0; i < 5; i++) expect((await fetchText(port)).text).toMatch(/^fast/);
    gate.resolve();
    expect((await pending).text).toBe('slow');
    await until(async () => (await statsOf(addresses)).targets.length === 1, 'gone');
  });
});

describe('when things are not there', () => {
  test('TWD-8 the server is gone: the last list goes on being used', async () => {
    const discovery = new Discovery();
    discovery.set(0, (await startTask('0')).port);
    const addresses = await startProxy(discovery);
    const port = addresses.routes[0]?.port ?? 0;
    expect((await fetchText(port)).status).toBe(200);
    discovery.fail();
    await until(async () => (await statsOf(addresses)).staleSinceMs !== null, 'stale');
    for (let i = 0; i < 10; i++) expect((await fetchText(port)).status).toBe(200);
  });

  test('a task that refuses connections costs nobody a request', async () => {
    const discovery = new Discovery();
    const dead = await startTask('dead');
    await dead.stop();
    discovery.set(0, dead.port);
    discovery.set(1, (await startTask('alive')).port);
    const addresses = await startProxy(discovery);
    const port = addresses.routes[0]?.port ?? 0;
    await until(async () => (await statsOf(addresses)).targets.length === 2, 'both known');
    for (let i = 0; i < 20; i++) expect((await fetchText(port)).text).toMatch(/^alive/);
  });

  test('what was sent is not sent again: a task that breaks off is a 502, asked once', async () => {
    let asked = 0;
    const breaking = createServer((incoming) => {
      asked += 1;
      incoming.socket.destroy();
    });
    breaking.listen(0, '127.0.0.1');
    await once(breaking, 'listening');
    endings.push(async () => breaking.close());
    const discovery = new Discovery();
    discovery.set(0, (breaking.address() as AddressInfo).port);
    const addresses = await startProxy(discovery);
    expect((await fetchText(addresses.routes[0]?.port ?? 0)).status).toBe(502);
    expect(asked).toBe(1);
  });

  test('no task: a request waits for one, and gets 503 when none comes', async () => {
    const discovery = new Discovery();
    const patient = await startProxy(discovery);
    const waiting = fetchText(patient.routes[0]?.port ?? 0);
    await until(async () => (await statsOf(patient)).requests === 1, 'asked');
    discovery.set(0, (await startTask('late')).port);
    expect((await waiting).text).toMatch(/^late/);
    const impatient = await startProxy(new Discovery(), { waitForTargetMs: 20 });
    expect((await fetchText(impatient.routes[0]?.port ?? 0)).status).toBe(503);
  });

  test('a port that is taken is a problem that names it', async () => {
    const taken = await startTask('0');
    const routes = [{ job, host: '127.0.0.1', port: taken.port, portName: 'http' }];
    const failed = runProxy(
      { routes, read: new Discovery().read, clock: realClock, chance: realChance },
      new AbortController().signal,
    );
    await expect(failed).rejects.toThrow(new RegExp(`127.0.0.1:${taken.port} is taken`));
  });
});

describe('what is passed through', () => {
  async function oneTask(): Promise<number> {
    const discovery = new Discovery();
    discovery.set(0, (await startTask('0')).port);
    return (await startProxy(discovery)).routes[0]?.port ?? 0;
  }

  test('bodies of known and of unknown length, byte for byte', async () => {
    const port = await oneTask();
    const content = Buffer.alloc(300_000, 'abcdefg');
    for (const headers of [{ 'content-length': content.length }, { 'transfer-encoding': 'chunked' }]) {
      const asked = request({ host: '127.0.0.1', port, path: '/echo', method: 'POST', headers });
      asked.end(content);
      const [response] = (await once(asked, 'response')) as [IncomingMessage];
      expect((await textOf(response)) === content.toString()).toBe(true);
    }
  });

  test('an upgraded connection, both ways', async () => {
    const port = await oneTask();
    const socket = connect(port, '127.0.0.1');
    socket.write('GET /ws HTTP/1.1\r\nhost: x\r\nconnection: upgrade\r\nupgrade: echo\r\n\r\n');
    let text = '';
    socket.setEncoding('utf8').on('data', (piece: string) => {
      text += piece;
    });
    await until(() => text.includes('101 Switching'), 'upgraded');
    socket.write('hello through');
    await until(() => text.endsWith('hello through'), 'echo');
    const closed = once(socket, 'close');
    socket.end();
    await closed;
  });

  test('the caller’s address is told, a forged one is not believed', async () => {
    const port = await oneTask();
    const asked = get({ host: '127.0.0.1', port, headers: { 'x-forwarded-for': '6.6.6.6' } });
    const [response] = (await once(asked, 'response')) as [IncomingMessage];
    expect(await textOf(response)).toBe('0 127.0.0.1');
  });
});
