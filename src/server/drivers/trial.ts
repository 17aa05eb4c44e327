import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Cluster, ClusterDriver, DriverPlugin, Observation, OpenDriver } from '../../drivers/index.ts';
import {
  type JobId,
  pluginDriver,
  type TaskIndex,
  type TaskSpec,
  type Version,
  type VersionId,
} from '../../model/index.ts';
import { openDriverContext } from './context.ts';
import { openStream } from './stream.ts';
import { inWords } from './within.ts';

const job: JobId = 'conform@test';
const patienceMs = 20_000;
const settleMs = 1200;

/** Says that it is there, and answers when it is ready. */
const service = `
import { createServer } from 'node:http';
import { writeFileSync } from 'node:fs';
const { ROLLWAY_INDEX: index, ROLLWAY_INCARNATION: incarnation, ROLLWAY_VERSION: version, WITNESS, MODE } = process.env;
writeFileSync(WITNESS + '/' + index + ' ' + incarnation + ' ' + version + ' ' + process.pid, '');
createServer((_, answer) => answer.writeHead(MODE === 'never' ? 503 : 200).end()).listen(process.env.PORT, process.env.HOST);
`;

/** A driver of a plug-in with services on this machine, for the rules of all drivers. */
export async function openTrial(plugin: DriverPlugin): Promise<Cluster> {
  const folder = await mkdtemp(join(tmpdir(), 'rollway-trial-'));
  const [packages, witness] = [join(folder, 'packages'), join(folder, 'witness')];
  await mkdir(join(packages, 'service'), { recursive: true });
  await mkdir(witness);
  await writeFile(join(packages, 'service', 'service.mjs'), service);
  const { settings = {}, partition, heal, cleanUp } = plugin.trial ?? {};
  const id = pluginDriver(plugin.name, job);
  const wrong = plugin.check?.(settings);
  if (wrong !== undefined) throw new Error(`it does not take the settings of its own trial: ${wrong}`);
  const context = await openDriverContext(id, settings, {
    dataFolder: folder,
    packages: { folderOf: async () => join(packages, 'service') },
    log: () => undefined,
  });
  const shell = new Shell(async () => plugin.open(context));
  await shell.open();
  const hosts = await shell.hosts();
  return {
    driver: shell.cluster(id),
    hosts,
    versions: {
      good: versionOf('v_good', witness),
      other: versionOf('v_other', witness),
      neverReady: versionOf('v_never', witness, 'never'),
    },
    async until(condition, what) {
      const deadlineMs = Date.now() + patienceMs;
      while (!(await condition())) {
        if (Date.now() > deadlineMs) throw new Error(what);
        await sleep(20);
      }
    },
    settle: () => sleep(settleMs),
    running: async (_, index) =>
      [...new Set((await living(witness, index)).map((one) => one.incarnation))].sort((a, b) => a - b),
    runs: async (_, index) => (await living(witness, index)).map((one) => one.version),
    partition: partition && ((host) => partition(host)),
    heal: heal && ((host) => heal(host)),
    async restart() {
      await shell.close();
      await shell.open();
    },
    async close() {
      await shell.close();
      await cleanUp?.(context.folder);
      for (const { pid } of await living(witness)) process.kill(pid, 'SIGKILL');
      await rm(folder, { recursive: true, force: true, maxRetries: 5 });
    },
  };
}

/** What stands between a driver and the rules, as the server's runner does: one stream at a time, checked. */
class Shell {
  readonly #make: () => Promise<OpenDriver>;
  readonly #observers = new Set<(observation: Observation) => Promise<void>>();
  #driver: OpenDriver | undefined;
  #ending = new AbortController();
  #stream: Promise<void> = Promise.resolve();
  #hosts: readonly string[] | undefined;
  #failure: string | undefined;

  constructor(make: () => Promise<OpenDriver>) {
    this.#make = make;
  }

  async open(): Promise<void> {
    this.#driver = await this.#make();
    this.#listen();
  }

  async close(): Promise<void> {
    await this.#stopListening();
    await this.#driver?.close?.();
    this.#driver = undefined;
  }

  async hosts(): Promise<readonly [string, ...string[]]> {
    const deadlineMs = Date.now() + patienceMs;
    while (this.#hosts === undefined || this.#hosts.length === 0) {
      if (this.#failure !== undefined) throw new Error(this.#failure);
      if (Date.now() > deadlineMs) throw new Error('it names no host');
      await sleep(20);
    }
    const [first, ...rest] = this.#hosts;
    return [first!, ...rest];
  }

  cluster(name: string): ClusterDriver {
    return {
      name,
      capabilities: { inPlace: true, surge: true, move: true, hotswap: false, places: false },
      execute: async (request, signal) => {
        const answer: unknown = await this.#driver!.execute(request, signal);
        return answer as undefined;
      },
      cancel: (id, at, signal) => this.#driver!.cancel(id, at, signal),
      prefetch: async () => undefined,
      observe: async (deliver, signal) => {
        this.#observers.add(deliver);
        // Whoever comes later hears all of it from the beginning, as after a reconnect.
        await this.#stopListening();
        this.#listen();
        await new Promise<void>((resolve, reject) => {
          signal.addEventListener('abort', () => resolve(), { once: true });
          const look = setInterval(() => {
            if (this.#failure !== undefined) reject(new Error(this.#failure));
            if (this.#failure !== undefined || signal.aborted) clearInterval(look);
          }, 50);
        }).finally(() => this.#observers.delete(deliver));
      },
    };
  }

  #listen(): void {
    this.#ending = new AbortController();
    const { signal } = this.#ending;
    const stream = openStream(job);
    let last = Promise.resolve();
    this.#stream = (async () => {
      await this.#driver!.observe((observation) => {
        last = last.then(async () => {
          signal.throwIfAborted();
          const said = stream.take(observation);
          if (said.kind === 'hosts') this.#hosts = said.hosts.map((host) => host.name);
          if (said.kind !== 'snapshot' && said.kind !== 'delta') return;
          for (const observer of this.#observers) await observer(said as Observation);
        });
        last.catch((error: unknown) => {
          if (!signal.aborted) this.#failure = inWords(error);
        });
        return last;
      }, signal);
      if (!signal.aborted) this.#failure = 'its observations ended by themselves';
    })().catch((error: unknown) => {
      if (!signal.aborted) this.#failure = inWords(error);
    });
  }

  async #stopListening(): Promise<void> {
    this.#ending.abort();
    const late = sleep(patienceMs / 4, 'late');
    if ((await Promise.race([this.#stream, late])) === 'late') {
      this.#failure = 'its observations do not end when they are told to';
    }
  }
}

function versionOf(id: VersionId, witness: string, mode = ''): Version {
  const task = {
    command: ['node', 'service.mjs'],
    ports: ['http'],
    env: { WITNESS: witness, MODE: mode },
    secretFiles: {},
    stop: { signal: 'SIGTERM', graceMs: 1000 },
    ready: { http: { path: '/', port: 'http' }, deadlineMs: mode === 'never' ? 1000 : 10_000 },
    drainMs: 50,
    dataDir: false,
    resources: { cpuMillis: 100, memoryMb: 64 },
    singleton: false,
    metrics: null,
  } satisfies TaskSpec;
  const made = { service: 'conform', commit: 'a'.repeat(40), repository: 'trial', release: undefined, createdAtMs: 0 };
  return { id, ...made, package: '0'.repeat(64), task };
}

interface Witnessed {
  readonly index: TaskIndex;
  readonly incarnation: number;
  readonly version: VersionId;
  readonly pid: number;
}

/** Processes of the service that have said that they are there, and are. */
async function living(witness: string, index?: TaskIndex): Promise<Witnessed[]> {
  const all = (await readdir(witness)).map((name) => {
    const [at, incarnation, version, pid] = name.split(' ');
    return { index: Number(at), incarnation: Number(incarnation), version: version as VersionId, pid: Number(pid) };
  });
  return all.filter((one) => (index === undefined || one.index === index) && isAlive(one.pid));
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}
