import { mkdirSync, mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { connect, createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { createClient } from '../api/index.ts';
import { ProblemError } from '../model/index.ts';
import { type RunningServer, type StartOptions, startServer } from './index.ts';
import { silentLog } from './log.ts';

let folder: string;
let running: RunningServer[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollway-start-'));
  running = [];
});
afterEach(async () => {
  for (const server of running) await server.close();
  rmSync(folder, { recursive: true, force: true });
});

const options = (): StartOptions => ({
  dataFolder: join(folder, 'data'),
  port: 0,
  agentPort: 0,
  agentHost: '127.0.0.1',
  contextFile: join(folder, 'config', 'contexts.json'),
  log: silentLog,
});

async function start(override: Partial<StartOptions> = {}): Promise<RunningServer> {
  const server = await startServer({ ...options(), ...override });
  running.push(server);
  return server;
}

async function codeOf(starting: Promise<unknown>): Promise<string> {
  const error = await starting.catch((thrown: unknown) => thrown);
  if (!(error instanceof ProblemError)) throw error;
  return error.problem.code;
}

const readContextsFile = () => JSON.parse(readFileSync(join(folder, 'config', 'contexts.json'), 'utf8'));

test('a server takes the current place only from one that does not answer any more; a demo never does', async () => {
  const demo = await start({ contextName: 'demo' });
  expect(readContextsFile().current).toBe('demo');
  const other = { dataFolder: join(folder, 'other') };
  const first = await start(other);
  const contexts = {
    demo: { url: demo.url, tokenFile: demo.tokenFile },
    local: { url: first.url, tokenFile: first.tokenFile },
  };
  expect(readContextsFile()).toEqual({ current: 'demo', contexts });
  await Promise.all([demo.close(), first.close()]);
  const second = await start(other);
  expect(readContextsFile().current).toBe('local');
  await second.close();
  const again = await start({ contextName: 'demo' });
  expect(readContextsFile()).toMatchObject({ current: 'local', contexts: { demo: { url: again.url } } });
});

test('the first start writes an admin token (0600) and the context that points at it; the next start keeps both', async () => {
  const first = await start();
  expect(statSync(first.tokenFile).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'data')).mode & 0o777).toBe(0o700);
  const token = readFileSync(first.tokenFile, 'utf8').trim();
  expect(await createClient({ baseUrl: first.url, token, fetch }).getMe()).toMatchObject({
    name: 'admin',
    role: 'admin',
  });
  const contexts = JSON.parse(readFileSync(join(folder, 'config', 'contexts.json'), 'utf8'));
  expect(contexts).toEqual({ current: 'local', contexts: { local: { url: first.url, tokenFile: first.tokenFile } } });
  await first.close();
  const second = await start();
  expect(readFileSync(second.tokenFile, 'utf8').trim()).toBe(token);
  expect(await createClient({ baseUrl: second.url, token, fetch }).getMe()).toMatchObject({ role: 'admin' });
});

test('a sign-in link works once, in a browser, without its code ever being in an address that is sent', async () => {
  const server = await start();
  const link = new URL(await server.signInUrl());
  expect(link.search).toBe('');
  expect((await fetch(link)).status).toBe(200);
  const code = new URLSearchParams(link.hash.slice(1)).get('code');
  const post = () =>
    fetch(`${server.url}/api/v1/session`, {
      method: 'POST',
      headers: { 'content-type': 'application/json' },
      body: JSON.stringify({ code }),
    });
  expect((await post()).status).toBe(201);
  expect((await post()).status).toBe(401);
});

test('one server per data folder; the lock ends with its server', async () => {
  const first = await start();
  expect(await codeOf(startServer(options()))).toBe('server/data-folder');
  await first.close();
  await start();
});

test('a data folder that is a file, or lies in one, is a clear problem', async () => {
  writeFileSync(join(folder, 'file'), '');
  expect(await codeOf(startServer({ ...options(), dataFolder: join(folder, 'file') }))).toBe('server/data-folder');
  expect(await codeOf(startServer({ ...options(), dataFolder: join(folder, 'file', 'below') }))).toBe(
    'server/data-folder',
  );
});

test('a damaged database is a problem that names the folder, and nothing is left open', async () => {
  mkdirSync(join(folder, 'data'), { recursive: true });
  writeFileSync(join(folder, 'data', 'rollway.db'), 'this is not a database, and never was one'.repeat(200));
  expect(await codeOf(startServer(options()))).toBe('server/data-folder');
  rmSync(join(folder, 'data', 'rollway.db'));
  await start();
});

test('a taken port gives way to the next free one, unless it was asked for', async () => {
  const taken = createServer().listen(0, '127.0.0.1');
  await new Promise((resolve) => taken.once('listening', resolve));
  const { port } = taken.address() as { port: number };
  const server = await start({ port, isPortFixed: false });
  expect(Number(new URL(server.url).port)).toBeGreaterThan(port);
  await server.close();
  expect(await codeOf(startServer({ ...options(), port, isPortFixed: true }))).toBe('server/port-in-use');
  taken.close();
});

test('stopping ends open streams at once', async () => {
  const server = await start();
  const token = readFileSync(server.tokenFile, 'utf8').trim();
  const response = await fetch(`${server.url}/api/v1/live?topics=hosts,events`, {
    headers: { authorization: `Bearer ${token}` },
  });
  const reader = response.body!.getReader();
  await reader.read();
  const drained = (async () => {
    while (!(await reader.read()).done);
  })();
  await server.close();
  await drained;
}, 8000);

test('what is not HTTP, or names a strange host, does not bring it down', async () => {
  const server = await start();
  const { port } = new URL(server.url);
  for (const text of [
    '\x00\x01\x02\r\n\r\n',
    'GET / HTTP/1.1\r\nHost: [::::\r\n\r\n',
    'GET /%%% HTTP/1.1\r\nHost: a b\r\n\r\n',
    'POST /api/v1/tokens HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Length: -5\r\n\r\n',
  ]) {
    const answer = await new Promise<string>((resolve) => {
      let seen = '';
      const socket = connect(Number(port), '127.0.0.1', () => socket.end(text));
      socket.on('data', (data) => (seen += data));
      socket.on('close', () => resolve(seen));
      socket.on('error', () => resolve(seen));
    });
    expect(answer).not.toMatch(/HTTP\/1\.1 (2|5)\d\d/);
  }
  expect((await fetch(`${server.url}/healthz`)).status).toBe(200);
});

test('with no agent at all every screen has something to show', async () => {
  const server = await start();
  const client = createClient({ baseUrl: server.url, token: readFileSync(server.tokenFile, 'utf8').trim(), fetch });
  expect(await client.listServices()).toEqual({ items: [] });
  expect(await client.listHosts()).toEqual({ items: [] });
  expect((await client.getDoctor()).checks.map((check) => [check.name, check.state])).toContainEqual([
    'hosts',
    'warning',
  ]);
  const metrics = await fetch(`${server.url}/metrics`, {
    headers: { authorization: `Bearer ${readFileSync(server.tokenFile, 'utf8').trim()}` },
  });
  expect(await metrics.text()).toMatch(/^rollway_events_position \d+$/m);
  expect((await fetch(`${server.url}/metrics`)).status).toBe(401);
});
