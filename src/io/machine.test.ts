import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from 'node:fs';
import { createServer, request } from 'node:https';
import type { AddressInfo } from 'node:net';
import { createServer as createPlainServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { seededChance } from '../kit/index.ts';
import { fingerprintOf, makeCertificate } from '../server/agents/certificate.ts';
import { ensureFolder, freeDiskRatio, readJson, writeFileAtomic } from './files.ts';
import { pinnedAgent, WrongFingerprintError } from './pinned-tls.ts';
import { findFreePort, isPortFree } from './ports.ts';
import {
  bootId,
  findMarked,
  identifyProcess,
  isAlive,
  isGroupAlive,
  listProcesses,
  signalGroup,
  signalProcess,
} from './process.ts';
import { connectUnix, listenUnix, readJsonLines, writeJsonLine } from './sockets.ts';

let folder: string;
beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'rw-io-'));
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a file is written whole, private, and nothing is left beside it', async () => {
  const file = join(folder, 'files', 'a.json');
  await ensureFolder(join(folder, 'files'));
  expect(await readJson(file)).toBeUndefined();
  await writeFileAtomic(file, '{"a":1}');
  await writeFileAtomic(file, '{"a":2}', { isDurable: false });
  expect(await readJson(file)).toEqual({ a: 2 });
  expect(statSync(file).mode & 0o777).toBe(0o600);
  expect(statSync(join(folder, 'files')).mode & 0o777).toBe(0o700);
  await writeFileAtomic(file, 'not json');
  expect(await readJson(file)).toBeUndefined();
  mkdirSync(join(folder, 'files', 'taken'));
  await expect(writeFileAtomic(join(folder, 'files', 'taken'), 'x')).rejects.toThrow();
  expect(readdirSync(join(folder, 'files')).sort()).toEqual(['a.json', 'taken']);
  expect(await freeDiskRatio(folder)).toBeGreaterThan(0);
});

test('a process is known by pid and start; a zombie is dead; its group and what it marked are found', async () => {
  const own = identifyProcess(process.pid)!;
  expect(isAlive(own)).toBe(true);
  expect(isAlive({ ...own, startTicks: own.startTicks + 1 })).toBe(false);
  expect(signalProcess({ ...own, startTicks: own.startTicks + 1 }, 'SIGKILL')).toBe(false);
  expect(signalGroup(0, 'SIGKILL')).toBe(false);
  expect(signalGroup(1, 'SIGKILL')).toBe(false);
  expect(bootId()).toMatch(/^[0-9a-f-]{36}$/);

  const script = 'setsid sleep 1000 & sleep 1000';
  const mark = `RW_MARK=${own.startTicks}-${own.pid}`;
  const env = { PATH: process.env.PATH, RW_MARK: mark.slice('RW_MARK='.length) };
  const child = spawn('/bin/sh', ['-c', script], { detached: true, stdio: 'ignore', env });
  const pid = child.pid!;
  const deadline = Date.now() + 5000;
  // The third leaves the group only when `setsid` has become the command.
  await expect.poll(() => findMarked(mark).length, { timeout: 5000 }).toBe(3);
  const inGroup = () => listProcesses().filter(({ groupId }) => groupId === pid).length;
  await expect.poll(inGroup, { timeout: 5000 }).toBe(2);
  expect(findMarked(mark.slice(0, -1))).toEqual([]);
  const main = identifyProcess(pid)!;
  signalGroup(pid, 'SIGKILL');
  await new Promise((resolve) => child.once('exit', resolve));
  expect(isAlive(main)).toBe(false);
  while (isGroupAlive(pid) && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  const [stray] = findMarked(mark);
  expect(stray).toBeDefined();
  signalProcess(stray!, 'SIGKILL');
  while (findMarked(mark).length > 0 && Date.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 10));
  expect(isAlive(stray!)).toBe(false);
});

test('a port is free, or another one is found; promised ones are left alone', async () => {
  const server = createPlainServer().listen(0, '127.0.99.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  expect(await isPortFree('127.0.99.1', port)).toBe(false);
  expect(await isPortFree('127.0.99.2', port)).toBe(true);
  const chance = seededChance(1);
  const found = await findFreePort('127.0.99.1', new Set(), port, chance);
  expect(found).not.toBe(port);
  expect(await findFreePort('127.0.99.2', new Set(), found, chance)).toBe(found);
  expect(await findFreePort('127.0.99.2', new Set([found]), found, chance)).not.toBe(found);
  await new Promise((resolve) => server.close(resolve));
});

test('a socket works in a folder deeper than a socket’s path may be long', async () => {
  const deep = join(folder, 'd'.repeat(90), 'e'.repeat(90));
  mkdirSync(deep, { recursive: true });
  const seen: unknown[] = [];
  const server = await listenUnix(deep, 's', (socket) => readJsonLines(socket, 1000, (message) => seen.push(message)));
  const socket = await connectUnix(deep, 's');
  writeJsonLine(socket, { a: 1 });
  writeJsonLine(socket, { b: '\n' });
  await expect.poll(() => seen, { timeout: 5000 }).toEqual([{ a: 1 }, { b: '\n' }]);
  const closed = new Promise((resolve) => socket.once('close', resolve));
  socket.write(`${'x'.repeat(3000)}`);
  await closed;
  server.close();
});

test('a pinned connection reaches the right certificate and says not a word to another', async () => {
  const heard: string[] = [];
  const { key, certificate } = makeCertificate('rollway-server', Date.now());
  const server = createServer({ key, cert: certificate }, (incoming, response) => {
    heard.push(incoming.url ?? '');
    response.end('hello');
  }).listen(0, '127.0.0.1');
  await new Promise((resolve) => server.once('listening', resolve));
  const { port } = server.address() as AddressInfo;
  const ask = async (fingerprint: string): Promise<string> => {
    const agent = pinnedAgent(fingerprint);
    try {
      return await new Promise((resolve, reject) => {
        const outgoing = request({ host: '127.0.0.1', port, path: '/secret', agent }, (response) => {
          response.setEncoding('utf8').once('data', resolve);
        });
        outgoing.once('error', reject).end();
      });
    } finally {
      agent.destroy();
    }
  };
  expect(await ask(fingerprintOf(certificate))).toBe('hello');
  const stranger = makeCertificate('rollway-server', Date.now());
  await expect(ask(fingerprintOf(stranger.certificate))).rejects.toThrow(WrongFingerprintError);
  expect(heard).toEqual(['/secret']);
  server.close();
  server.closeAllConnections();
  expect(readFileSync('/proc/self/stat', 'utf8')).not.toBe('');
});
