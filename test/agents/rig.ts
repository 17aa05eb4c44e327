// A real server half, real agents, real tasks, for tests of the agent. Nothing here is a stand-in.
import { type ChildProcess, spawn } from 'node:child_process';
import { mkdtempSync, readFileSync, readlinkSync, rmSync, writeFileSync } from 'node:fs';
import { mkdir, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { groupNameOf } from '../../src/agent/confinement.ts';
import type { AgentOptions } from '../../src/agent/index.ts';
import { runAgent } from '../../src/agent/index.ts';
import type { ActionOrder, ExecuteOrder, Order, Reports } from '../../src/api/index.ts';
import { openArtifactStore, packTree } from '../../src/artifact/index.ts';
import { createEngine, type Engine } from '../../src/engine/index.ts';
import { openBlobFiles } from '../../src/io/blob-files.ts';
import { closeCgroups, probeCgroups } from '../../src/io/cgroup.ts';
import { realChance } from '../../src/io/chance.ts';
import { realClock } from '../../src/io/clock.ts';
import { findMarked, listProcesses } from '../../src/io/process.ts';
import { openTreeReader } from '../../src/io/tree-files.ts';
import type { Sample, TaskReport, TaskSpec } from '../../src/model/index.ts';
import { type AgentServer, createAgentServer } from '../../src/server/agents/index.ts';
import { openStore, type Store } from '../../src/store/index.ts';

export interface Rig {
  readonly folder: string;
  readonly server: AgentServer;
  readonly store: Store;
  readonly engine: Engine;
  readonly reports: TaskReport[];
  readonly samples: Sample[];
  /** Packs a folder with these files into the server's store. */
  pack(files: Readonly<Record<string, string>>): Promise<string>;
  options(name: string, more?: Partial<AgentOptions>): Promise<AgentOptions>;
  /** Runs an agent in this process. */
  start(name: string, more?: Partial<AgentOptions>): Promise<RunningAgent>;
  /** Runs an agent in a process of its own, which can be killed. */
  spawn(name: string, more?: Partial<AgentOptions>): Promise<ChildProcess>;
  /** The same, for an agent that cannot reach the server: all it knows is an address where nobody listens. */
  spawnAlone(name: string, more?: Partial<AgentOptions>): Promise<ChildProcess>;
  send(host: string, order: Order): Promise<void>;
  /** Sends an action of a run that the server knows. */
  run(host: string, order: ActionOrder): Promise<void>;
  /** The end of an action as the server wrote it down. */
  endOf(run: string, ms?: number): Promise<ActionReport>;
  close(): Promise<void>;
}

export interface RunningAgent {
  stop(): Promise<void>;
}

type ActionReport = Reports['actions'][number];
export const version = '0.0.0-test';
let nextAddress = 10;
// Two files run at once, and may not take each other's ports.
const worker = Number(process.env.VITEST_POOL_ID ?? 0);

/**
 * `listenOn`: where agents reach the server half; by default only from this machine. `govern` registers what decides;
 * without it nothing is decided, and tests send orders themselves.
 */
export async function openRig(
  listenOn = '127.0.0.1',
  govern?: (engine: Engine, server: AgentServer) => void,
): Promise<Rig> {
  const folder = mkdtempSync(join(tmpdir(), 'rw-'));
  const store = await openStore({ kind: 'sqlite', path: ':memory:' });
  const engine = createEngine({ store, clock: realClock, chance: realChance, processId: 'test' });
  const artifactStore = openArtifactStore(openBlobFiles(join(folder, 'artifacts')), realClock);
  const samples: Sample[] = [];
  const server = await createAgentServer({
    ...{ store, engine, clock: realClock, chance: realChance, artifactStore },
    sampleStore: {
      append: (some) => {
        samples.push(...some);
        return { kept: some.length, late: 0, refused: 0 } as never;
      },
    },
    dataDir: join(folder, 'server'),
    settings: { version, heartbeatMs: 300, binMs: 1000 },
  });
  await server.listen(0, listenOn);
  const governing = new AbortController();
  govern?.(engine, server);
  const governed = govern === undefined ? undefined : engine.run(governing.signal);
  const reports: TaskReport[] = [];
  const ended = new AbortController();
  const observing = server.driver.observe(async (seen) => {
    if (seen.kind !== 'heartbeat') reports.push(...seen.tasks);
  }, ended.signal);
  const agents: RunningAgent[] = [];
  const children: ChildProcess[] = [];
  const addresses = new Map<string, string>();
  const identities = new Map<string, string>();

  const spawnAgent = async (name: string, more?: Partial<AgentOptions>): Promise<ChildProcess> => {
    const file = join(folder, `${name}.options`);
    writeFileSync(file, JSON.stringify(await rig.options(name, more)));
    const child = spawn(process.execPath, [join(import.meta.dirname, 'spawned.ts'), file], { stdio: 'inherit' });
    children.push(child);
    return child;
  };

  const rig: Rig = {
    ...{ folder, server, store, engine, reports, samples },
    async pack(files) {
      const tree = mkdtempSync(join(folder, 'tree-'));
      for (const [path, text] of Object.entries(files)) {
        await mkdir(join(tree, path, '..'), { recursive: true });
        await writeFile(join(tree, path), text, { mode: path.endsWith('.sh') ? 0o755 : 0o644 });
      }
      const packed = await packTree(openTreeReader(tree), artifactStore);
      if (!packed.ok) throw new Error(packed.error.detail);
      return packed.value.digest;
    },
    async options(name, more = {}) {
      const joinFile = join(folder, `${name}.token`);
      const { file } = await server.createJoinToken({ kind: 'person', name: 'test' });
      writeFileSync(joinFile, JSON.stringify(file), { mode: 0o600 });
      if (!addresses.has(name)) addresses.set(name, `127.0.${77 + worker}.${nextAddress++}`);
      return {
        ...{ dataDir: join(folder, name), joinFile, host: name, version, labels: { rack: 'r1' } },
        address: addresses.get(name) ?? '127.0.0.1',
        capacity: { cpuMillis: 2000, memoryMb: 1000, maxTasks: 20 },
        ...more,
      };
    },
    async start(name, more) {
      const ended = new AbortController();
      const running = runAgent(await rig.options(name, more), ended.signal);
      running.catch(() => {});
      const agent = {
        async stop() {
          ended.abort();
          await running;
        },
      };
      agents.push(agent);
      await Promise.race([running, until(() => server.isConnected(name), `${name} connects`, 20_000)]);
      return agent;
    },
    async spawn(name, more) {
      const identity = identities.get(name);
      if (identity !== undefined) writeFileSync(join(folder, name, 'identity.json'), identity);
      const child = await spawnAgent(name, more);
      await until(() => server.isConnected(name), `${name} connects`, 20_000);
      return child;
    },
    async spawnAlone(name, more) {
      const file = join(folder, name, 'identity.json');
      const text = readFileSync(file, 'utf8');
      const identity = JSON.parse(text) as { joined: object };
      identities.set(name, text);
      writeFileSync(
        file,
        JSON.stringify({ ...identity, joined: { ...identity.joined, addresses: ['https://127.0.0.1:1'] } }),
      );
      return await spawnAgent(name, more);
    },
    async send(host, order) {
      await server.sendOrder(host, order, AbortSignal.timeout(5000));
    },
    async run(host, order) {
      const none = { outputs: '{}', inputs: '{}', is_machine_fault: 0, created_at_ms: 1 };
      const row = {
        id: order.id,
        release: 'rel_1',
        service: 'web',
        action: 'build',
        kind: 'action',
        attempt: 1,
      } as const;
      await engine.append({
        write: async (tx) => {
          await tx
            .insertInto('action_run')
            .values({ ...none, ...row, state: 'running', host })
            .onConflict((on) => on.doNothing())
            .execute();
        },
      });
      await rig.send(host, order);
    },
    async endOf(run, ms = 15_000) {
      const find = async (): Promise<ActionReport | undefined> => {
        const rows = await store.read((tx) =>
          tx.selectFrom('action_report').selectAll().where('run', '=', run).where('state', '!=', 'running').execute(),
        );
        return rows[0] && (JSON.parse(rows[0].payload) as ActionReport);
      };
      await until(async () => (await find()) !== undefined, `${run} ends`, ms);
      return (await find())!;
    },
    async close() {
      for (const child of children) child.kill('SIGKILL');
      await Promise.all(agents.map((agent) => agent.stop().catch(() => {})));
      ended.abort();
      await observing;
      governing.abort();
      await governed;
      await server.close();
      await store.close();
      killKeepersBelow(folder);
      await until(() => keepersBelow(folder).length === 0, 'the keepers are gone');
      await until(() => tasksBelow(folder).length === 0, 'their tasks are gone');
      for (const name of addresses.keys()) {
        const cgroups = probeCgroups(groupNameOf(join(folder, name)));
        if (cgroups) closeCgroups(cgroups);
      }
      rmSync(folder, { recursive: true, force: true });
    },
  };
  return rig;
}

/** Keepers (and guards’ parents) whose folder lies below this one: their last argument. */
export function keepersBelow(folder: string): number[] {
  return listProcesses()
    .filter(({ pid }) => commandLine(pid).some((word) => word.startsWith(`${folder}/`) && word.includes('/keepers/')))
    .map(({ pid }) => pid);
}

function killKeepersBelow(folder: string): void {
  for (const pid of keepersBelow(folder)) process.kill(pid, 'SIGKILL');
}

export function commandLine(pid: number): string[] {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0');
  } catch {
    return [];
  }
}

/** Every process that a keeper of this rig started. */
function tasksBelow(folder: string): number[] {
  return listProcesses()
    .filter(({ pid }) => pid !== process.pid && workingFolder(pid).startsWith(`${folder}/`))
    .map(({ pid }) => pid);
}

/** Processes that run a task of this job, by what the agent puts into their environment. */
export function processesOf(rig: Rig, job: string): number[] {
  return findMarked(`ROLLWAY_JOB=${job}`)
    .map(({ pid }) => pid)
    .filter((pid) => workingFolder(pid).startsWith(rig.folder));
}

/**
 * The main process of each running task of a job: one per process group, since what confines a task (`mount`, a shell)
 * has children of its own for a moment.
 */
export function mainProcessesOf(rig: Rig, job: string): number[] {
  const leaders = new Set(listProcesses().flatMap(({ pid, groupId }) => (pid === groupId ? [pid] : [])));
  return processesOf(rig, job).filter((pid) => leaders.has(pid));
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

/** Waits for a condition; names it when it does not come true. */
export async function until(condition: () => boolean | Promise<boolean>, what: string, ms = 20_000): Promise<void> {
  const deadline = Date.now() + ms;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${ms} ms: ${what}`);
    await sleep(20);
  }
}

const app = `
import { createServer } from 'node:http';
import { writeFileSync, appendFileSync } from 'node:fs';
const mode = process.env.MODE ?? 'ok';
console.log('hello from', process.env.ROLLWAY_VERSION, 'incarnation', process.env.ROLLWAY_INCARNATION);
if (mode === 'exit') { console.error('no luck'); process.exit(7); }
let requests = 0;
const server = createServer((request, response) => {
  if (request.url === '/ready') {
    response.statusCode = mode === 'never' ? 503 : 200;
    return response.end(mode === 'never' ? 'warming up' : 'ready');
  }
  if (request.url === '/metrics') {
    if (mode === 'hang') return;
    if (mode === 'gigabyte') { const piece = Buffer.alloc(1 << 20, 'x'); const more = () => { while (response.write(piece)); response.once('drain', more); }; response.on('error', () => {}); return more(); }
    return response.end('# TYPE requests_total counter\\nrequests_total{code="200"} ' + requests + '\\n');
  }
  if (request.url === '/exit') return process.exit(3);
  requests += 1;
  response.end(JSON.stringify({ pid: process.pid, incarnation: process.env.ROLLWAY_INCARNATION, version: process.env.ROLLWAY_VERSION, cwd: process.cwd() }));
});
server.listen(Number(process.env.PORT), process.env.HOST);
process.on('SIGTERM', () => server.close(() => process.exit(0)));
setInterval(() => {}, 1000);
`;

/** A package with a small HTTP service; MODE in its environment says how it behaves. */
export async function packApp(rig: Rig, label: string): Promise<string> {
  return await rig.pack({ 'app.mjs': app, 'label.txt': label });
}

export const task: TaskSpec = {
  command: ['node', 'app.mjs'],
  ports: ['http'],
  env: {},
  secretFiles: {},
  stop: { signal: 'SIGTERM', graceMs: 2000 },
  ready: { http: { path: '/ready', port: 'http' }, deadlineMs: 20_000 },
  drainMs: 100,
  dataDir: true,
  resources: { cpuMillis: 2000, memoryMb: 200 },
  metrics: { port: 'http', path: '/metrics' },
  singleton: false,
};

let nextId = 1;
export const newId = (prefix: string): string => `${prefix}_${String(nextId++).padStart(8, '0')}`;
/** A job that nobody used before: a test that is tried once more begins with a clean one. */
export const newJob = (name: string): string => `${name}-${nextId++}@test`;

/** An order on index 0 of `web@test` unless said otherwise. */
export function order(
  digest: string | null,
  change: Partial<ExecuteOrder> & { task?: Partial<TaskSpec> },
): ExecuteOrder {
  const { task: taskChange, ...rest } = change;
  const none = {
    job: 'web@test',
    index: 0,
    incarnation: 0,
    nextIncarnation: 1,
    env: {},
    epoch: 1,
    stillOut: null,
  } as const;
  return {
    ...{ type: 'execute', id: newId('op'), kind: digest === null ? 'stop' : 'update', ...none },
    version:
      digest === null
        ? null
        : {
            ...{ id: `v_${digest.slice(0, 16)}`, service: 'web', commit: 'a'.repeat(40), package: digest },
            task: { ...task, ...taskChange },
          },
    ...rest,
  };
}

/** The end of an operation, when it has come. */
export async function outcomeOf(rig: Rig, id: string, ms?: number): Promise<TaskReport> {
  const find = (): TaskReport | undefined => rig.reports.findLast(({ operation }) => operation?.id === id);
  await until(() => find() !== undefined, `${id} ends`, ms);
  return find()!;
}

export async function ask(
  report: TaskReport,
  path = '/',
): Promise<{ pid: number; incarnation: string; version: string }> {
  const response = await fetch(`http://${report.address}:${report.ports.http}${path}`, {
    signal: AbortSignal.timeout(3000),
  });
  return (await response.json()) as { pid: number; incarnation: string; version: string };
}
