// A host that nobody here started: another network namespace, reached only over a pair of virtual cables.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { get } from 'node:http';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { canMakeNamespaces, type NetworkNamespace, openNamespace } from '../network-namespace.ts';
import { needsThat } from '../skip.ts';
import { openRig, order, outcomeOf, packApp, type Rig, until } from './rig.ts';

const isThere = needsThat(canMakeNamespaces(), 'network namespaces', 'a host joins from a network of its own');

let network: NetworkNamespace | undefined;
let rig: Rig | undefined;
let agent: ChildProcess | undefined;
afterEach(async () => {
  if (agent?.exitCode === null) {
    agent.kill('SIGTERM');
    await once(agent, 'exit');
  }
  await rig?.close();
  network?.close();
});

describe.skipIf(!isThere)('TWI-2 a host in another network', () => {
  test('joins with a token file whose addresses it tries in turn, and gets a task that answers there', async () => {
    rig = await openRig('0.0.0.0');
    network = openNamespace({ name: 'rw', net: 77 });
    const { theirs } = network;
    const options = await rig.options('host-7', { address: theirs, labels: { rack: 'elsewhere' } });
    const file = join(rig.folder, 'host-7.options');
    writeFileSync(file, JSON.stringify(options));
    const spawned = join(import.meta.dirname, 'spawned.ts');
    const [command, ...words] = [...network.prefix, process.execPath, spawned, file];
    agent = spawn(command!, words, { stdio: 'inherit' });
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
