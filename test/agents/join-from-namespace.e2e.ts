// A host that nobody here started: another network namespace, reached only over a pair of virtual cables.
import { type ChildProcess, execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { needsThat } from '../skip.ts';
import { openRig, order, outcomeOf, packApp, type Rig, until } from './rig.ts';

const namespace = `rw-${process.pid}`;
const cable = `rw${process.pid % 100_000}`;
const [ours, theirs] = ['10.213.77.1', '10.213.77.2'];

const ip = (...words: string[]): void => void execFileSync('ip', words, { stdio: 'pipe' });
const inside = (...words: string[]): void => ip('netns', 'exec', namespace, 'ip', ...words);

const isThere = needsThat(canMakeNamespaces(), 'network namespaces', 'a host joins from a network of its own');

let rig: Rig | undefined;
let agent: ChildProcess | undefined;
afterEach(async () => {
  if (agent?.exitCode === null) {
    agent.kill('SIGTERM');
    await once(agent, 'exit');
  }
  await rig?.close();
  if (isThere) removeNamespace();
});

describe.skipIf(!isThere)('TWI-2 a host in another network', () => {
  test('joins with a token file whose addresses it tries in turn, and gets a task that answers there', async () => {
    rig = await openRig('0.0.0.0');
    ip('netns', 'add', namespace);
    ip('link', 'add', `${cable}a`, 'type', 'veth', 'peer', 'name', `${cable}b`, 'netns', namespace);
    ip('addr', 'add', `${ours}/30`, 'dev', `${cable}a`);
    ip('link', 'set', `${cable}a`, 'up');
    inside('addr', 'add', `${theirs}/30`, 'dev', `${cable}b`);
    inside('link', 'set', `${cable}b`, 'up');
    inside('link', 'set', 'lo', 'up');

    const options = await rig.options('host-7', { address: theirs, labels: { rack: 'elsewhere' } });
    const file = join(rig.folder, 'host-7.options');
    writeFileSync(file, JSON.stringify(options));
    const spawned = join(import.meta.dirname, 'spawned.ts');
    agent = spawn('ip', ['netns', 'exec', namespace, process.execPath, spawned, file], { stdio: 'inherit' });
    const { server } = rig;
    await until(() => server.isConnected('host-7'), 'host-7 joins', 15_000);

    const start = order(await packApp(rig, 'one'), { kind: 'start' });
    await rig.send('host-7', start);
    const serving = await outcomeOf(rig, start.id, 15_000);
    expect(serving).toMatchObject({ host: 'host-7', state: 'serving', address: theirs });
    expect(await statusOf(theirs, serving.ports.http ?? 0)).toBe(200);
    const stop = order(null, { incarnation: 1, nextIncarnation: 1, epoch: 2 });
    await rig.send('host-7', stop);
    expect(await outcomeOf(rig, stop.id, 15_000)).toMatchObject({ state: 'stopped' });
  });
});

async function statusOf(host: string, port: number): Promise<number | undefined> {
  const [response] = (await once(get({ host, port, path: '/ready', agent: false }), 'response')) as [
    import('node:http').IncomingMessage,
  ];
  response.resume();
  return response.statusCode;
}

function canMakeNamespaces(): boolean {
  if (process.platform !== 'linux' || process.getuid?.() !== 0) return false;
  try {
    ip('netns', 'add', `${namespace}-try`);
    ip('netns', 'del', `${namespace}-try`);
    return true;
  } catch {
    return false;
  }
}

function removeNamespace(): void {
  try {
    ip('netns', 'del', namespace);
  } catch {
    // never made
  }
}
