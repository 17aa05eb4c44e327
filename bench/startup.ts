/**
 * How long until one can work: `rollway --version`, and `npm start` from the command until the browser gets the UI
 * and six hosts are up – with an empty data folder, and again with the folder it left.
 * `node bench/startup.ts [--runs 5] [--versions 21]`. Linux.
 */
import { type ChildProcess, spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { describeMachine, median, writeResult } from './machine.ts';
import { cpuMsOf, cpuMsOfEndedChildren, findProcesses } from './processes.ts';

const { values } = parseArgs({ options: { runs: { type: 'string' }, versions: { type: 'string' } } });
const runs = Number(values.runs ?? 5);
const versions = Number(values.versions ?? 21);
const root = join(import.meta.dirname, '..');
const hosts = 6;
const machine = describeMachine();
const round = (value: number): number => Math.round(value * 10) / 10;

// The first time is not what is measured: it fetches and builds what is missing.
prepare();
const bare = timeCommand(['-e', '0']);
const fromCheckout = timeCommand(['bin/rollway.mjs', '--version']);
const fromPackage = timeCommand(['dist/cli/main.js', '--version']);
const starts: Record<'empty' | 'again', Start[]> = { empty: [], again: [] };
for (let run = 0; run < runs; run++) {
  const folder = mkdtempSync(join(tmpdir(), 'rollway-startup-'));
  try {
    starts.empty.push(await start(folder));
    starts.again.push(await start(folder));
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
const figures = {
  'bare node': bare,
  'rollway --version, checkout': { ...fromCheckout, timesBareNode: round(fromCheckout.medianMs / bare.medianMs) },
  'rollway --version, package': { ...fromPackage, timesBareNode: round(fromPackage.medianMs / bare.medianMs) },
  'npm start, empty data folder': summary(starts.empty),
  'npm start, again': summary(starts.again),
};
console.log(figures);
console.log(`written to ${writeResult('startup', { machine, versions, runs, hosts, unit: 'ms', figures })}`);

function prepare(): void {
  const built = spawnSync(process.execPath, ['bootstrap.mjs', 'build'], { cwd: root, stdio: 'inherit' });
  if (built.status !== 0) throw new Error('the checkout cannot be built');
}

/** A command run again and again; the first one fills the caches and is not counted. */
function timeCommand(args: readonly string[]) {
  const all: number[] = [];
  let cpuBefore = 0;
  for (let n = 0; n <= versions; n++) {
    if (n === 1) cpuBefore = cpuMsOfEndedChildren();
    const beganMs = performance.now();
    const { status, stderr } = spawnSync(process.execPath, args, { cwd: root, encoding: 'utf8' });
    if (status !== 0) throw new Error(`${args.join(' ')} failed: ${stderr}`);
    if (n > 0) all.push(performance.now() - beganMs);
  }
  const cpuMs = round((cpuMsOfEndedChildren() - cpuBefore) / versions);
  return { medianMs: round(median(all)), leastMs: round(Math.min(...all)), mostMs: round(Math.max(...all)), cpuMs };
}

interface Start {
  /** Until `/` answers with the built UI. */
  readonly uiMs: number;
  /** Until all hosts are up as well. */
  readonly readyMs: number;
  /** Processor time of everything that was started, until then. */
  readonly cpuMs: number;
  /** From SIGINT until the last process is gone. */
  readonly stopMs: number;
}

async function start(folder: string): Promise<Start> {
  const port = await freePort();
  const args = ['bootstrap.mjs', 'start', '--', '--no-tour', '--data', folder, '--port', String(port)];
  // A Ctrl-C is ours to send, and the command line's own contexts stay as they are.
  const env = { ...process.env, XDG_CONFIG_HOME: join(folder, 'config') };
  const beganMs = performance.now();
  const child = spawn(process.execPath, args, { cwd: root, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  child.stdout.on('data', (chunk) => (output += chunk));
  child.stderr.on('data', (chunk) => (output += chunk));
  try {
    const within = { child, output: () => output };
    await until(within, () => servesUi(port));
    const uiMs = performance.now() - beganMs;
    await until(within, () => hasHosts(folder, port));
    const readyMs = performance.now() - beganMs;
    const cpuMs = [child.pid!, ...findProcesses(folder)].reduce((sum, pid) => sum + cpuMsOf(pid), 0);
    return { uiMs, readyMs, cpuMs, stopMs: await stop(child, folder) };
  } catch (error) {
    await stop(child, folder).catch(() => {});
    throw error;
  }
}

async function stop(child: ChildProcess, folder: string): Promise<number> {
  const beganMs = performance.now();
  if (child.exitCode === null && child.signalCode === null) {
    const ended = once(child, 'exit');
    child.kill('SIGINT');
    const tooLate = setTimeout(() => child.kill('SIGKILL'), 60_000);
    await ended;
    clearTimeout(tooLate);
  }
  const tookMs = performance.now() - beganMs;
  const left = findProcesses(folder);
  for (const pid of left) process.kill(pid, 'SIGKILL');
  if (left.length > 0) throw new Error(`${left.length} processes were left after Ctrl-C`);
  return tookMs;
}

async function servesUi(port: number): Promise<boolean> {
  const headers = { accept: 'text/html' };
  const response = await fetch(`http://127.0.0.1:${port}/`, { headers }).catch(() => undefined);
  if (!response?.ok) return false;
  const script = /src="(\/assets\/[^"]+\.js)"/.exec(await response.text())?.[1];
  return script !== undefined && (await fetch(`http://127.0.0.1:${port}${script}`)).ok;
}

async function hasHosts(folder: string, port: number): Promise<boolean> {
  const token = readFileSync(join(folder, 'server', 'admin-token'), 'utf8').trim();
  const response = await fetch(`http://127.0.0.1:${port}/api/v1/hosts`, {
    headers: { authorization: `Bearer ${token}` },
  });
  if (!response.ok) throw new Error(`/api/v1/hosts answered ${response.status}`);
  const { items } = (await response.json()) as { items: { state: string }[] };
  return items.filter(({ state }) => state === 'up').length === hosts;
}

async function until(
  { child, output }: { child: ChildProcess; output: () => string },
  isSo: () => Promise<boolean>,
): Promise<void> {
  const deadlineMs = performance.now() + 60_000;
  while (!(await isSo())) {
    if (child.exitCode !== null || performance.now() > deadlineMs) throw new Error(`it did not start:\n${output()}`);
    await sleep(10);
  }
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as { port: number };
  server.close();
  await once(server, 'close');
  return port;
}

function summary(all: readonly Start[]) {
  const medianOf = (key: keyof Start): number => Math.round(median(all.map((one) => one[key])));
  return {
    readyMs: medianOf('readyMs'),
    uiMs: medianOf('uiMs'),
    cpuMs: medianOf('cpuMs'),
    stopMs: medianOf('stopMs'),
    all: all.map(({ readyMs }) => Math.round(readyMs)),
  };
}
