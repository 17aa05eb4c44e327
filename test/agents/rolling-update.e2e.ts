// The whole path of the data: real tasks under real agents, discovery from the server's rows, the proxy, real clients.
import { once } from 'node:events';
import { Agent, get, type IncomingMessage } from 'node:http';
import { setTimeout as sleep } from 'node:timers/promises';
import { afterEach, expect, test } from 'vitest';
import type { ExecuteOrder } from '../../src/api/index.ts';
import { readDiscovery } from '../../src/fleet/read.ts';
import { realChance } from '../../src/io/chance.ts';
import { realClock } from '../../src/io/clock.ts';
import { type ProxyAddresses, runProxy } from '../../src/proxy/index.ts';
import { openRig, order, outcomeOf, packApp, type Rig, until } from './rig.ts';

const size = 4;
const drainMs = 600;
let rig: Rig | undefined;
afterEach(async () => {
  await rig?.close();
});

test('C10 TWH-3 a rolling update of every task under load: clients that never retry see no failure', async () => {
  rig = await openRig();
  const hosts = ['host-1', 'host-2'];
  for (const host of hosts) await rig.start(host);
  const [one, two] = [await packApp(rig, 'one'), await packApp(rig, 'two')];
  const change = (digest: string, index: number, before: number): ExecuteOrder => {
    const kind = before === 0 ? 'start' : 'update';
    const step = { kind, index, incarnation: before, nextIncarnation: before + 1, epoch: before + 1 } as const;
    return order(digest, { ...step, task: { drainMs, dataDir: false } });
  };
  const run = async (digest: string, index: number, before: number): Promise<void> => {
    const wanted = change(digest, index, before);
    await rig?.send(hosts[index % hosts.length] as string, wanted);
    expect(await outcomeOf(rig as Rig, wanted.id, 15_000)).toMatchObject({ state: 'serving' });
  };
  await Promise.all(Array.from({ length: size }, (_, index) => run(one, index, 0)));

  const ended = new AbortController();
  const { addresses, running } = await startProxy(rig, ended.signal);
  const port = addresses.routes[0]?.port ?? 0;
  const load = startLoad(() => ({ host: '127.0.0.1', port }), 6);
  const direct = startLoad(await followDirectly(rig, ended.signal), 6);
  try {
    await until(() => Math.min(load.answered(), direct.answered()) > 100, 'load');
    for (let index = 0; index < size; index++) await run(two, index, 1);
    await until(
      () => load.versions().size === 1 && load.versions().has(`v_${two.slice(0, 16)}`),
      'only the new version',
    );
  } finally {
    await Promise.all([load.stop(), direct.stop()]);
    ended.abort();
    await running;
  }
  expect(load.failures).toEqual([]);
  expect(direct.failures).toEqual([]);
  expect(load.answered()).toBeGreaterThan(500);
});

async function startProxy(
  { store }: Rig,
  signal: AbortSignal,
): Promise<{ addresses: ProxyAddresses; running: Promise<void> }> {
  const ready = Promise.withResolvers<ProxyAddresses>();
  const running = runProxy(
    {
      routes: [{ job: 'web@test', host: '127.0.0.1', port: 0, portName: 'http' }],
      async read(_job, revision, waitMs, whileOpen) {
        const untilMs = Date.now() + waitMs;
        for (;;) {
          const list = await store.read((tx) => readDiscovery(tx, 'web@test'));
          const endpoints = list.entries.map((entry) => ({ ...entry, ports: { ...entry.ports } }));
          const isNews = list.revision !== revision || Date.now() > untilMs;
          if (isNews) return { job: list.job, revision: list.revision, endpoints };
          await sleep(50, undefined, { signal: whileOpen });
        }
      },
      clock: realClock,
      chance: realChance,
      onListening: ready.resolve,
    },
    signal,
  );
  running.catch(ready.reject);
  return { addresses: await ready.promise, running };
}

interface Where {
  readonly host: string;
  readonly port: number;
}

/** A client without a proxy: it reads discovery anew each half drain time, and asks any task of its last list. */
async function followDirectly({ store }: Rig, signal: AbortSignal): Promise<() => Where> {
  const read = async (): Promise<Where[]> => {
    const { entries } = await store.read((tx) => readDiscovery(tx, 'web@test'));
    return entries.map(({ address, ports }) => ({ host: address, port: ports.http ?? 0 }));
  };
  let list = await read();
  void (async () => {
    while (!signal.aborted) {
      await sleep(300, undefined, { signal }).catch(() => undefined);
      if (!signal.aborted) list = await read();
    }
  })();
  return () => list[Math.floor(Math.random() * list.length)] as Where;
}

/** Clients that keep their connection and ask again and again; `versions` = what the last hundred answers came from. */
function startLoad(where: () => Where, clients: number) {
  const agent = new Agent({ keepAlive: true, maxSockets: clients });
  const failures: string[] = [];
  const recent: string[] = [];
  let answered = 0;
  let isOver = false;
  const ask = async (): Promise<void> => {
    const [response] = (await once(get({ ...where(), agent }), 'response')) as [IncomingMessage];
    let text = '';
    for await (const piece of response.setEncoding('utf8')) text += piece;
    if (response.statusCode !== 200) return void failures.push(`${response.statusCode} ${text}`);
    answered += 1;
    recent.push((JSON.parse(text) as { version: string }).version);
    if (recent.length > 100) recent.shift();
  };
  const client = async (): Promise<void> => {
    while (!isOver) {
      await ask().catch((error: unknown) => failures.push(String(error)));
      await sleep(5);
    }
  };
  const running = Array.from({ length: clients }, client);
  return {
    failures,
    answered: () => answered,
    versions: () => new Set(recent),
    async stop(): Promise<void> {
      isOver = true;
      await Promise.all(running);
      agent.destroy();
    },
  };
}
