import { mkdtemp, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { connect as connectTls } from 'node:tls';
import { gzipSync } from 'node:zlib';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { openArtifactStore } from '../../artifact/index.ts';
import { newTask } from '../../disruption/index.ts';
import { saveTask } from '../../disruption/rows.ts';
import type { ExecuteRequest, Observation } from '../../drivers/index.ts';
import { createEngine, type Engine } from '../../engine/index.ts';
import { listHostOverviews, readDiscovery } from '../../fleet/read.ts';
import { declareDead, fleetWatch, letLeave, letStay, removeHost } from '../../fleet/work.ts';
import { realChance } from '../../io/chance.ts';
import { realClock } from '../../io/clock.ts';
import { openBlobFiles } from '../../io/index.ts';
import { FindingBook } from '../../judge/index.ts';
import type { Clock } from '../../kit/index.ts';
import type { Sample } from '../../model/index.ts';
import { openStore, type Store } from '../../store/index.ts';
import { type AgentServer, createAgentServer } from './index.ts';
import { TestAgent } from './testing/test-agent.ts';

const job = 'guestbook@production';
const person = { kind: 'person', name: 'ada' } as const;

let dataDir: string;
let store: Store;
let engine: Engine;
let server: AgentServer;
let port: number;
let samples: Sample[];
let sourceFindings: FindingBook;
let skewMs: number;
const agents: TestAgent[] = [];
/** The real clock, moved forward when a test wants time to have passed. */
const clock: Clock = {
  nowMs: () => realClock.nowMs() + skewMs,
  sleepUntil: (atMs, signal) => realClock.sleepUntil(atMs - skewMs, signal),
};

beforeEach(async () => {
  skewMs = 0;
  samples = [];
  sourceFindings = new FindingBook();
  dataDir = await mkdtemp(join(tmpdir(), 'rollway-agents-'));
  store = await openStore({ kind: 'sqlite', path: ':memory:' });
  await start();
});

afterEach(async () => {
  for (const agent of agents.splice(0)) agent.close();
  await server.close();
  await store.close();
  await rm(dataDir, { recursive: true });
});

async function start(): Promise<void> {
  engine = createEngine({ store, clock, chance: realChance, processId: 'test' });
  engine.registerWork(fleetWatch());
  for (const kind of ['job/decide', 'pipeline/decide']) engine.registerWork({ kind, run: async () => undefined });
  server = await createAgentServer({
    ...{ store, engine, clock, chance: realChance, dataDir },
    artifactStore: openArtifactStore(openBlobFiles(join(dataDir, 'blobs')), clock),
    sampleStore: {
      append(more) {
        samples.push(...more);
        return { kept: more.length, late: 0, refused: 0 };
      },
    },
    sourceFindings,
    settings: { version: '0.1.0' },
  });
  port = await server.listen(0, '127.0.0.1');
}

function newAgent(name: string, version?: string): TestAgent {
  const agent = new TestAgent(name, port, server.fingerprint, version);
  agents.push(agent);
  return agent;
}

async function joined(name: string): Promise<TestAgent> {
  const agent = newAgent(name);
  const { file } = await server.createJoinToken(person);
  expect((await agent.join(file.secret)).status).toBe(200);
  expect((await agent.hello()).status).toBe(200);
  return agent;
}

async function until<T>(what: string, find: () => T | undefined | Promise<T | undefined>): Promise<T> {
  const deadline = Date.now() + 5000;
  for (;;) {
    const found = await find();
    if (found !== undefined && found !== false) return found;
    if (Date.now() > deadline) throw new Error(`waited in vain: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

const eventTypes = async (stream: string) => (await engine.readStream(stream, 0, 100)).map((event) => event.type);

describe('joining', () => {
  test('TWI-2 a new host joins with a token file and can be placed on after its hello', async () => {
    await joined('host-1');
    const [host] = await store.read(listHostOverviews);
    expect(host).toMatchObject({ id: 'host-1', state: 'up', labels: { rack: 'r1' }, capacity: { maxTasks: 10 } });
    expect(await eventTypes('host/host-1')).toEqual(['host.joined', 'host.described']);
  });

  test('a token works once, not after its hour, and not when it is made up', async () => {
    const { file } = await server.createJoinToken(person);
    expect((await newAgent('host-1').join(file.secret)).status).toBe(200);
    const again = await newAgent('host-2').join(file.secret);
    expect([again.status, again.json.code]).toEqual([401, 'auth/bad-token']);
    const late = await server.createJoinToken(person);
    skewMs = 3_600_001;
    expect((await newAgent('host-3').join(late.file.secret)).json.code).toBe('auth/bad-token');
    expect((await newAgent('host-4').join('x'.repeat(43))).json.code).toBe('auth/bad-token');
    expect((await store.read(listHostOverviews)).map(({ id }) => id)).toEqual(['host-1']);
  });

  test('an agent whose answer was lost may join again with the same token and key', async () => {
    const { file } = await server.createJoinToken(person);
    const agent = newAgent('host-1');
    await agent.join(file.secret);
    expect((await agent.join(file.secret)).status).toBe(200);
  });

  test('two at once with one token: one of them joins', async () => {
    const { file } = await server.createJoinToken(person);
    const answers = await Promise.all(['a', 'b', 'c', 'd'].map((name) => newAgent(name).join(file.secret)));
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1);
    expect(await store.read(listHostOverviews)).toHaveLength(1);
  });

  test('TWI-2 a second agent with a living host’s name is refused; after the host was declared dead it may join', async () => {
    await joined('host-1');
    const { file } = await server.createJoinToken(person);
    const clone = newAgent('host-1');
    expect((await clone.join(file.secret)).json.code).toBe('agent/already-joined');
    const tooSoon = await engine.commitAs(person, declareDead('host-1', person, 'burnt', clock.nowMs()));
    expect(tooSoon).toMatchObject({ ok: false, error: { code: 'host/alive' } });
    skewMs = 4000;
    await engine.commitAs(person, declareDead('host-1', person, 'burnt', clock.nowMs()));
    expect((await clone.join(file.secret)).status).toBe(200);
    expect((await clone.hello()).status).toBe(200);
  });

  test('a host that was let leave may stay after all; one without tasks is removed, and its key is worth nothing', async () => {
    const agent = await joined('host-1');
    const commit = (attempt: Parameters<typeof engine.commitAs>[1]) => engine.commitAs(person, attempt);
    const remove = () => commit(removeHost('host-1', person, 'sold'));
    expect(await remove()).toMatchObject({ ok: false, error: { code: 'api/conflict' } });
    await commit(letLeave('host-1', person, 'repair', clock.nowMs()));
    expect(await commit(letStay('host-1', person, 'repaired', clock.nowMs()))).toEqual({ ok: true, value: 'up' });
    expect(await commit(letStay('host-1', person, 'again', clock.nowMs()))).toMatchObject({ ok: true });
    await agent.reports({ tasks: [agent.task()] });
    await commit(letLeave('host-1', person, 'sold', clock.nowMs()));
    expect(await remove()).toMatchObject({ ok: false, error: { facts: { jobs: [job] } } });
    await agent.reports({ tasks: [agent.task({ state: 'stopped' })] });
    expect(await remove()).toMatchObject({ ok: true });
    server.forgetHost('host-1');
    expect(await store.read(listHostOverviews)).toEqual([]);
    expect((await agent.hello()).json.code).toBe('agent/bad-signature');
    expect(await eventTypes('host/host-1')).toEqual([
      ...['host.joined', 'host.described', 'host.leaving', 'host.up', 'host.leaving', 'host.removed'],
    ]);
    const { file } = await server.createJoinToken(person);
    expect((await newAgent('host-1').join(file.secret)).status).toBe(200);
  });

  test('an agent of another version is told so', async () => {
    const { file } = await server.createJoinToken(person);
    const old = await newAgent('host-1', '0.0.9').join(file.secret);
    expect([old.status, old.json.code]).toEqual([409, 'agent/version-mismatch']);
    const agent = await joined('host-2');
    expect((await agent.hello({ protocol: 99 })).json.code).toBe('agent/version-mismatch');
  });

  test('the token file names addresses that answer, and the identity is the same after a restart', async () => {
    const { file } = await server.createJoinToken(person);
    expect(file).toMatchObject({ format: 1, fingerprint: server.fingerprint });
    expect(file.addresses).toContain(`https://127.0.0.1:${port}`);
    expect((await stat(join(dataDir, 'agents', 'server-identity.json'))).mode & 0o777).toBe(0o600);
    const before = server.fingerprint;
    await server.close();
    await start();
    expect(server.fingerprint).toBe(before);
    expect((await newAgent('host-1').join(file.secret)).status).toBe(200);
  });
});

describe('who may say what', () => {
  test('unsigned, wrongly signed, altered, old: 401 each, as a problem document', async () => {
    const agent = await joined('host-1');
    const stranger = newAgent('host-9');
    const refused = [
      await stranger.hello(),
      await agent.ask('POST', '/agent/v1/hello', {}, { headers: { 'rollway-signature': 'AAAA' } }),
      await agent.ask('POST', '/agent/v1/reports', { a: 1 }, { signedBody: Buffer.from('{"a":2}') }),
      await agent.ask('POST', '/agent/v1/reports', {}, { timestamp: Date.now() - 120_000 }),
      await agent.ask('GET', '/agent/v1/orders', undefined, { as: '../host' }),
      await stranger.ask('POST', '/agent/v1/reports', {}, { as: 'host-1' }),
    ];
    expect(refused.map(({ status }) => status)).toEqual(refused.map(() => 401));
    for (const { json } of refused)
      expect(json).toMatchObject({ code: 'agent/bad-signature', remedy: expect.any(String) });
  });

  test('an agent that reports for another host gets 403, writes nothing, and leaves an event', async () => {
    const agent = await joined('host-1');
    const other = await joined('host-2');
    expect((await other.reports({ tasks: [other.task()] })).status).toBe(200);
    const foreign = [
      await agent.reports({ host: 'host-2' }),
      await agent.reports({ tasks: [agent.task({ host: 'host-2' })] }),
      await agent.hello({ host: 'host-2' }),
      await agent.ask('POST', '/agent/v1/orders/ack', { host: 'host-2', deliveries: [], cancels: [] }),
      await agent.ask('POST', '/agent/v1/samples', { host: 'host-1', batch: 1, samples: [sample()] }),
    ];
    expect(foreign.map(({ status }) => status)).toEqual(foreign.map(() => 403));
    expect((await eventTypes('host/host-1')).filter((type) => type === 'host.spoke-for-another')).toHaveLength(5);
    expect((await store.read((tx) => readDiscovery(tx, job))).entries.map(({ host }) => host)).toEqual(['host-2']);
    expect(samples).toEqual([]);
    for (let i = 0; i < 40; i++) expect((await agent.reports({ host: 'host-2' })).status).toBe(403);
    const told = (await eventTypes('host/host-1')).filter((type) => type === 'host.spoke-for-another');
    expect(told.length).toBeLessThanOrEqual(20);
  });
});

function sample(): Record<string, unknown> {
  const task = { job, index: 0, incarnation: 1, version: 'v_0123456789abcdef', state: 'serving', labels: {} };
  return { ...task, metric: 'requests', fromMs: 0, toMs: 1000, value: { counterDelta: 1 } };
}

describe('reports', () => {
  test('a batch counts once; discovery follows what it says', async () => {
    const agent = await joined('host-1');
    const batch = { batch: 7, tasks: [agent.task()] };
    await agent.reports(batch);
    await agent.reports({ ...batch, tasks: [agent.task({ state: 'failed' })] });
    expect((await store.read((tx) => readDiscovery(tx, job))).entries).toMatchObject([
      { index: 0, ports: { http: 20_000 } },
    ]);
    await agent.reports({ batch: 8, tasks: [agent.task({ state: 'draining' })] });
    expect((await store.read((tx) => readDiscovery(tx, job))).entries).toEqual([]);
    const inbox = await store.read((tx) => tx.selectFrom('task_report').select('body').execute());
    expect(inbox.map(({ body }) => (JSON.parse(body) as { state: string }).state)).toEqual(['serving', 'draining']);
  });

  test('a task that a snapshot does not have any more is reported as lost', async () => {
    const agent = await joined('host-1');
    await agent.reports({ tasks: [agent.task(), agent.task({ index: 1 })] });
    await agent.reports({ snapshot: true, tasks: [agent.task({ index: 1 })] });
    expect((await store.read((tx) => readDiscovery(tx, job))).entries.map(({ index }) => index)).toEqual([1]);
    const bodies = await store.read((tx) => tx.selectFrom('task_report').select('body').execute());
    const last = bodies.map(({ body }) => JSON.parse(body) as { index: number; failure?: { reason: string } });
    expect(last.filter(({ failure }) => failure?.reason === 'lost').map(({ index }) => index)).toEqual([0]);
  });

  test('whoever observes gets a snapshot, deltas and heartbeats', async () => {
    const agent = await joined('host-1');
    const seen: Observation[] = [];
    const stopping = new AbortController();
    const watching = server.driver.observe(async (observation) => void seen.push(observation), stopping.signal);
    await agent.reports({ snapshot: true, tasks: [agent.task()] });
    await agent.reports({ tasks: [agent.task({ index: 1 })] });
    await agent.reports();
    stopping.abort();
    await watching;
    expect(seen.map(({ kind }) => kind)).toEqual(['snapshot', 'heartbeat', 'delta', 'heartbeat', 'heartbeat']);
  });

  test('a host that joins again begins its batches of samples anew', async () => {
    const first = await joined('host-1');
    await first.reports({ tasks: [first.task()] });
    const batch = (number: number) => ({ host: 'host-1', batch: number, samples: [sample()] });
    expect((await first.ask('POST', '/agent/v1/samples', batch(7))).json.kept).toBe(1);
    skewMs = 4000;
    await engine.commitAs(person, declareDead('host-1', person, 'burnt', clock.nowMs()));
    const again = newAgent('host-1');
    const { file } = await server.createJoinToken(person);
    expect((await again.join(file.secret)).status).toBe(200);
    const asked = { timestamp: clock.nowMs() };
    expect((await again.ask('POST', '/agent/v1/samples', batch(1), asked)).json.kept).toBe(1);
    expect((await again.ask('POST', '/agent/v1/samples', batch(1), asked)).json.kept).toBe(0);
  });

  test('samples are taken once per batch, unpacked within bounds, infinite bounds restored', async () => {
    const agent = await joined('host-1');
    await agent.reports({ tasks: [agent.task()] });
    const histogram = { ...sample(), value: { histogramDelta: { bounds: [1, null], counts: [2, 3], sum: 9 } } };
    const body = gzipSync(JSON.stringify({ host: 'host-1', batch: 1, samples: [histogram] }));
    const headers = { 'content-encoding': 'gzip' };
    for (let i = 0; i < 2; i++)
      expect((await agent.ask('POST', '/agent/v1/samples', body, { headers })).status).toBe(200);
    expect(samples.map(({ value }) => value)).toEqual([
      { histogramDelta: { bounds: [1, Number.POSITIVE_INFINITY], counts: [2, 3], sum: 9 } },
    ]);
    const findings = [0, 1].map((index) => ({ job, index, trouble: 'slow', what: 'no whole answer within 700 ms' }));
    expect(
      (await agent.ask('POST', '/agent/v1/samples', { host: 'host-1', batch: 2, samples: [sample()], findings }))
        .status,
    ).toBe(200);
    const told = sourceFindings.list(clock.nowMs()).map(({ subject, trouble }) => [subject, trouble]);
    expect(told, 'only of tasks whose samples came along').toEqual([[`${job}/0`, 'slow']]);
    const bomb = gzipSync(Buffer.alloc(64 * 1024 * 1024));
    expect((await agent.ask('POST', '/agent/v1/samples', bomb, { headers })).status).toBe(413);
  });
});

const request: ExecuteRequest = {
  ...{ id: 'op_1', job, index: 0, kind: 'start', incarnation: 0, nextIncarnation: 1, host: 'host-1' },
  ...{ version: undefined, env: { A: 'b' }, epoch: 5, precondition: undefined },
};
const never = new AbortController().signal;

describe('orders', () => {
  test('an execute resolves when the agent has written it down, not before', async () => {
    const agent = await joined('host-1');
    const stream = await agent.orders();
    let isDone = false;
    const executing = server.driver.execute(request, never).then(() => {
      isDone = true;
    });
    const line = await until('order', () => stream.lines.find((l) => 'delivery' in l));
    expect(line).toMatchObject({ order: { type: 'execute', id: 'op_1', epoch: 5, version: null, stillOut: null } });
    expect(isDone).toBe(false);
    const delivery = 'delivery' in line ? line.delivery : 0;
    await agent.ask('POST', '/agent/v1/orders/ack', { host: 'host-1', deliveries: [delivery], cancels: [] });
    await executing;
  });

  test('an agent that is not connected: rejected at once, to be tried again', async () => {
    await joined('host-1');
    await expect(server.driver.execute(request, never)).rejects.toMatchObject({
      problem: { code: 'agent/unreachable' },
    });
  });

  test('a stream that opens anew begins with what was not acknowledged, and ends the older stream', async () => {
    const agent = await joined('host-1');
    const first = await agent.orders();
    const executing = server.driver.execute(request, never);
    await until('order', () => first.lines.find((l) => 'delivery' in l));
    const second = await agent.orders();
    const again = await until('redelivery', () => second.lines.find((l) => 'delivery' in l));
    await until('older stream ended', () => !first.isOpen());
    const delivery = 'delivery' in again ? again.delivery : 0;
    await agent.ask('POST', '/agent/v1/orders/ack', { host: 'host-1', deliveries: [delivery, 1], cancels: [] });
    await executing;
  });

  test('what could not be delivered is tried again as soon as the agent is back, not when its back-off ends', async () => {
    const agent = await joined('host-1');
    engine.registerEffect({
      kind: 'agent/execute',
      safeToRepeat: true,
      async run({ payload, signal }) {
        await server.driver.execute(payload as ExecuteRequest, signal);
        return {};
      },
    });
    const effect = {
      id: 'eff_1',
      kind: 'agent/execute',
      receiver: 'agent/host-1',
      orderKey: 'x',
      payload: request,
    } as const;
    await engine.append({ effects: [effect] });
    for (let tries = 0; tries < 6; tries++) {
      while (await engine.step());
      skewMs += 8000;
    }
    while (await engine.step());
    const stream = await agent.orders();
    const delivered = until('the order', () => stream.lines.find((line) => 'delivery' in line));
    const stepping = (async () => {
      while (!(await engine.step()));
    })();
    const line = await delivered;
    const deliveries = 'delivery' in line ? [line.delivery] : [];
    const ack = { host: 'host-1', deliveries, cancels: [] };
    await agent.ask('POST', '/agent/v1/orders/ack', ack, { timestamp: clock.nowMs() });
    await stepping;
  });

  test('a cancel answers with what the agent met', async () => {
    const agent = await joined('host-1');
    const stream = await agent.orders();
    const cancelling = server.driver.cancel('op_1', { host: 'host-1', job, index: 0 }, never);
    const line = await until('order', () => stream.lines.find((l) => 'delivery' in l));
    const deliveries = 'delivery' in line ? [line.delivery] : [];
    const cancels = [{ id: 'op_1', answer: 'begun' }];
    await agent.ask('POST', '/agent/v1/orders/ack', { host: 'host-1', deliveries, cancels });
    expect(await cancelling).toBe('begun');
  });

  test('the end of a task’s log is asked for and comes back; nobody else may answer', async () => {
    const agent = await joined('host-1');
    const other = await joined('host-2');
    const stream = await agent.orders();
    const tailing = server.tail('host-1', job, 0, 10, never);
    const line = await until('order', () => stream.lines.find((l) => 'delivery' in l));
    const id = 'delivery' in line && line.order.type === 'tail' ? line.order.request : '';
    const answer = { lines: [{ atMs: 1, stream: 'out', text: 'hello' }] };
    expect((await other.ask('POST', `/agent/v1/tails/${id}`, answer)).status).toBe(404);
    expect((await agent.ask('POST', `/agent/v1/tails/${id}`, answer)).status).toBe(200);
    expect(await tailing).toEqual(answer);
  });

  test('when the server stops, streams end and senders are told', async () => {
    const agent = await joined('host-1');
    const stream = await agent.orders();
    const executing = server.driver.execute(request, never);
    const refused = expect(executing).rejects.toMatchObject({ problem: { code: 'agent/unreachable' } });
    await until('order', () => stream.lines.find((l) => 'delivery' in l));
    await server.close();
    await refused;
    await until('stream ended', () => !stream.isOpen());
    await start();
  });
});

describe('packages', () => {
  test('chunks and manifests go up and come down again; wrong content and holes are refused', async () => {
    const { sha256 } = await import('../../kit/index.ts');
    const agent = await joined('host-1');
    const chunk = Buffer.from('hello');
    const digest = sha256(chunk);
    const entries = [{ path: 'a', sizeBytes: 5, executable: false }];
    const { encodeManifest } = await import('../../artifact/index.ts');
    const manifest = Buffer.from(encodeManifest({ format: 1, entries, chunks: [{ digest, sizeBytes: 5 }] }));
    const name = sha256(manifest);
    expect((await agent.ask('POST', `/agent/v1/packages/${name}`, manifest)).json.code).toBe('artifact/missing');
    expect((await agent.ask('POST', '/agent/v1/chunks/missing', { digests: [digest] })).json).toEqual({
      digests: [digest],
    });
    expect((await agent.ask('POST', `/agent/v1/chunks/${name}`, chunk)).json.code).toBe('artifact/digest-mismatch');
    expect((await agent.ask('POST', `/agent/v1/chunks/${digest}`, chunk)).status).toBe(200);
    expect((await agent.ask('POST', `/agent/v1/packages/${name}`, manifest)).status).toBe(200);
    expect((await agent.ask('GET', `/agent/v1/chunks/${digest}`)).bytes).toEqual(chunk);
    expect((await agent.ask('GET', `/agent/v1/packages/${name}`)).bytes).toEqual(manifest);
    expect((await agent.ask('GET', `/agent/v1/chunks/${'0'.repeat(64)}`)).status).toBe(404);
    const large = await agent.ask('POST', `/agent/v1/chunks/${digest}`, Buffer.alloc(2_000_000));
    expect(large.status).toBe(413);
  });
});

describe('packages on hosts', () => {
  const digests = (...letters: string[]) => letters.map((letter) => letter.repeat(64));

  test('what nobody needs any more is ordered deleted, once; a host that is away is told when it is back', async () => {
    const agent = await joined('host-1');
    const away = await joined('host-2');
    for (const one of [agent, away]) await one.hello({ packages: digests('a', 'b', 'c') });
    const keep = new Set(digests('b'));
    const tell = async (one: TestAgent): Promise<unknown> => {
      const stream = await one.orders();
      const telling = server.forgetPackages(keep, never);
      const line = await until('order', () => stream.lines.find((l) => 'delivery' in l));
      const deliveries = 'delivery' in line ? [line.delivery] : [];
      await one.ask('POST', '/agent/v1/orders/ack', { host: one.name, deliveries, cancels: [] });
      expect(await telling).toEqual(new Map([[one.name, 2]]));
      return 'order' in line && line.order;
    };
    const order = { type: 'forget-packages', digests: digests('a', 'c') };
    expect(await tell(agent)).toEqual(order);
    expect(await server.forgetPackages(keep, never)).toEqual(new Map());
    expect(await tell(away)).toEqual(order);
  });
});

describe('silence', () => {
  /** Lets a second pass and the watch look. */
  async function tick(heard: TestAgent[]): Promise<void> {
    skewMs += 1000;
    for (const agent of heard)
      await agent.ask('POST', '/agent/v1/reports', heartbeat(agent), { timestamp: clock.nowMs() });
    await server.flushHeartbeats();
    while (await engine.step());
  }
  function heartbeat(agent: TestAgent): Record<string, unknown> {
    const nothing = { tasks: [], actions: [], begun: [] };
    return { host: agent.name, batch: 0, snapshot: false, atMs: clock.nowMs(), freeDiskRatio: 1, ...nothing };
  }

  test('TWD-3 TWH-2 a silent host is suspected, leaves discovery, is lost, and comes back', async () => {
    const all = [await joined('host-1'), await joined('host-2'), await joined('host-3')];
    const [quiet, ...others] = all as [TestAgent, TestAgent, TestAgent];
    await quiet.reports({ tasks: [quiet.task()] });
    for (let i = 0; i < 3; i++) await tick(all);
    expect((await store.read((tx) => readDiscovery(tx, job))).entries).toHaveLength(1);
    for (let i = 0; i < 7; i++) await tick(others);
    expect((await store.read((tx) => readDiscovery(tx, job))).entries).toEqual([]);
    for (let i = 0; i < 26; i++) await tick(others);
    expect(await eventTypes('host/host-1')).toEqual(['host.joined', 'host.described', 'host.suspected', 'host.lost']);
    const unasked = await quiet.ask('POST', '/agent/v1/reports', heartbeat(quiet), { timestamp: clock.nowMs() });
    expect([unasked.status, unasked.json.code]).toEqual([409, 'agent/must-ask']);
    await tick(others);
    expect((await eventTypes('host/host-1')).at(-1)).toBe('host.lost');
    await quiet.hello({}, { timestamp: clock.nowMs() });
    await tick(all);
    expect((await store.read((tx) => readDiscovery(tx, job))).entries).toHaveLength(1);
    expect((await eventTypes('host/host-1')).at(-1)).toBe('host.up');
  });

  test('a host that was only suspected is back with its next heartbeat', async () => {
    const all = [await joined('host-1'), await joined('host-2'), await joined('host-3')];
    for (let i = 0; i < 9; i++) await tick(all.slice(1));
    expect((await eventTypes('host/host-1')).at(-1)).toBe('host.suspected');
    for (let i = 0; i < 2; i++) await tick(all);
    expect((await eventTypes('host/host-1')).at(-1)).toBe('host.up');
  });

  test('what a newer incarnation replaced meanwhile is named in the answer to the hello', async () => {
    const agent = await joined('host-1');
    await store.transaction((tx) => saveTask(tx, job, { ...newTask(0), highestIncarnation: 4 }));
    const tasks = [3, 4].map((incarnation) => ({ job, index: 0, incarnation, version: 'v_1', isAlive: true }));
    expect((await agent.hello({ tasks })).json.superseded).toEqual([{ job, index: 0, incarnation: 3 }]);
  });

  test('a heartbeat without news writes nothing by itself', async () => {
    const agent = await joined('host-1');
    const before = (await store.read(listHostOverviews))[0]?.lastSeenAtMs;
    const rows = () => store.read((tx) => tx.selectFrom('host_batch').selectAll().execute());
    await agent.reports();
    expect(await rows()).toEqual([]);
    skewMs = 10;
    await server.flushHeartbeats();
    expect((await store.read(listHostOverviews))[0]?.lastSeenAtMs).toBeGreaterThan(before ?? 0);
    expect((await store.read(listHostOverviews))[0]?.freeDiskRatio).toBe(0.5);
  });
});

describe('whatever is sent', () => {
  test('bytes that are no TLS, and TLS that is no HTTP, leave the server as it was', async () => {
    const agent = await joined('host-1');
    const plain = connect(port, '127.0.0.1');
    plain.on('error', () => undefined);
    plain.end('GET / HTTP/1.1\r\n\r\n');
    const secure = connectTls({ port, host: '127.0.0.1', rejectUnauthorized: false });
    secure.on('error', () => undefined);
    secure.on('secureConnect', () => secure.end(Buffer.alloc(50_000, 0xff)));
    await Promise.all(
      [plain, secure].map((socket) => new Promise((resolve) => socket.once('close', resolve).resume())),
    );
    expect((await agent.reports()).status).toBe(200);
  });

  test('malformed bodies and unknown routes are answered by a problem document, never by a 500', async () => {
    const agent = await joined('host-1');
    const paths = [
      'join',
      'hello',
      'orders/ack',
      'reports',
      'samples',
      'logs/run_1',
      'tails/x',
      'chunks/missing',
      'nope',
      '%ff',
      'chunks/zz',
    ];
    const anyBody = fc.oneof(
      fc.json().map((text) => Buffer.from(text)),
      fc.uint8Array({ maxLength: 200 }).map((bytes) => Buffer.from(bytes)),
      fc
        .record({ host: fc.constantFrom('host-1', 'host-2', 7), batch: fc.anything(), tasks: fc.array(fc.anything()) })
        .map((value) => {
          try {
            return Buffer.from(JSON.stringify(value));
          } catch {
            return Buffer.from('{');
          }
        }),
    );
    await fc.assert(
      fc.asyncProperty(
        fc.constantFrom('POST', 'GET', 'PUT'),
        fc.constantFrom(...paths),
        anyBody,
        async (method, path, body) => {
          const answer = await agent.ask(method, `/agent/v1/${path}`, method === 'GET' ? undefined : body);
          expect(answer.status).toBeGreaterThanOrEqual(400);
          expect(answer.status).toBeLessThan(500);
          expect(answer.json).toMatchObject({ code: expect.any(String), title: expect.any(String) });
          expect(answer.bytes.toString()).not.toMatch(/\.ts:\d|node_modules/);
        },
      ),
      { numRuns: 150 },
    );
    expect((await agent.reports()).status).toBe(200);
  });
});
