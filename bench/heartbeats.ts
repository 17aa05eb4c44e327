/**
 * TWD-3: what a storm of heartbeats costs the server: `node bench/heartbeats.ts [--agents 500] [--seconds 20] [--write]`.
 * Virtual agents in a process of their own join over real TLS and send a signed heartbeat each second; the figure is
 * the processor time of the server's process, as a share of one core.
 */
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { openArtifactStore } from '../src/artifact/index.ts';
import { createEngine } from '../src/engine/index.ts';
import { fleetWatch } from '../src/fleet/work.ts';
import { openBlobFiles, realChance, realClock } from '../src/io/index.ts';
import { createAgentServer } from '../src/server/agents/index.ts';
import { TestAgent } from '../src/server/agents/testing/test-agent.ts';
import { openStore } from '../src/store/index.ts';
import { writeResult } from './machine.ts';

interface Orders {
  readonly port: number;
  readonly fingerprint: string;
  readonly secrets: readonly string[];
}

if (process.send !== undefined) await runAgents();
else await measure();

async function measure(): Promise<void> {
  const options = { agents: { type: 'string' }, seconds: { type: 'string' }, write: { type: 'boolean' } } as const;
  const { values } = parseArgs({ options });
  const [agents, seconds] = [Number(values.agents ?? 500), Number(values.seconds ?? 20)];
  const folder = mkdtempSync(join(tmpdir(), 'rollway-heartbeats-'));
  const store = await openStore({ kind: 'sqlite', path: join(folder, 'rollway.db') });
  const engine = createEngine({ store, clock: realClock, chance: realChance, processId: 'bench' });
  engine.registerWork(fleetWatch());
  const server = await createAgentServer({
    ...{ store, engine, clock: realClock, chance: realChance, dataDir: folder },
    artifactStore: openArtifactStore(openBlobFiles(join(folder, 'blobs')), realClock),
    sampleStore: { append: (some) => ({ kept: some.length, late: 0, refused: 0 }) },
    settings: { version: '0.1.0' },
  });
  const stopping = new AbortController();
  const running = engine.run(stopping.signal);
  const port = await server.listen(0, '127.0.0.1');
  const secrets: string[] = [];
  for (let i = 0; i < agents; i++)
    secrets.push((await server.createJoinToken({ kind: 'person', name: 'bench' })).file.secret);

  const child = fork(import.meta.filename, { stdio: 'inherit' });
  child.send({ port, fingerprint: server.fingerprint, secrets } satisfies Orders);
  await once(child, 'message');
  const before = process.cpuUsage();
  const beganMs = performance.now();
  await sleep(seconds * 1000);
  const tookMs = performance.now() - beganMs;
  const used = process.cpuUsage(before);
  const counted = once(child, 'message');
  child.send('count');
  const [heartbeats] = (await counted) as [number];
  child.kill('SIGKILL');
  const figures = {
    agents,
    seconds,
    heartbeatsPerSecond: Math.round(heartbeats / (tookMs / 1000)),
    shareOfOneCore: Number(((used.user + used.system) / 1000 / tookMs).toFixed(3)),
  };
  console.log(figures);
  if (values.write) console.log(writeResult('heartbeats', figures));
  stopping.abort();
  await running;
  await server.close();
  await store.close();
  rmSync(folder, { recursive: true });
}

/** In the child: all agents join, then each sends a heartbeat a second. */
async function runAgents(): Promise<void> {
  const [{ port, fingerprint, secrets }] = (await once(process, 'message')) as [Orders];
  let count = 0;
  const beat = async (agent: TestAgent): Promise<never> => {
    for (;;) {
      const beganMs = performance.now();
      await agent.reports();
      count += 1;
      await sleep(Math.max(0, 1000 - (performance.now() - beganMs)));
    }
  };
  const agents = secrets.map((_, i) => new TestAgent(`host-${i}`, port, fingerprint));
  for (const [i, agent] of agents.entries()) {
    await agent.join(secrets[i] as string);
    await agent.hello();
    void beat(agent);
  }
  await sleep(2000);
  count = 0;
  process.on('message', () => process.send?.(count));
  process.send?.('ready');
}
