/**
 * The same service of eight processes, updated by `pm2 reload` and by Rollway, one after the other on one machine, under
 * the same stream of requests: requests that failed, processes missing meanwhile, time until all run the new version.
 * Everything over the loopback. `node bench/side-by-side-pm2.ts [--runs 5]`.
 *
 * pm2 is fetched with npm into a temporary folder, for this run alone; it is no part of Rollway. Its daemon lives in
 * that folder too (PM2_HOME), looks for no newer version, and is ended with the run.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:http';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs, promisify } from 'node:util';
import { type Client, createClient, type Endpoints } from '../src/api/index.ts';
import { startLoad } from '../src/cli/demo/load.ts';
import { realChance } from '../src/io/chance.ts';
import { findFreePort } from '../src/io/ports.ts';
import { findMarked } from '../src/io/process.ts';
import { describeMachine, median, writeResult } from './machine.ts';
import { findProcesses } from './processes.ts';

const { values } = parseArgs({ options: { runs: { type: 'string' } } });
const runs = Number(values.runs ?? 5);
const processes = 8;
const requestsPerSecond = 100;
const main = join(import.meta.dirname, '..', 'src', 'cli', 'main.ts');
const folder = mkdtempSync(join(tmpdir(), 'rollway-pm2-'));
const run = promisify(execFile);

/**
 * What is updated: it needs a moment to start, each answer takes 20 ms, and it ends as Node's documentation says: no
 * new connections, the open requests answered, then out. The same file for both; `process.send` is how pm2 is told.
 */
const service = (version: string) => `
const { createServer, Agent, request } = require('node:http');
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const { SINK, SERVICE, PORT, HOST = '127.0.0.1' } = process.env;
let isServing = false;
const tell = () => {
  const body = JSON.stringify({ service: SERVICE, pid: process.pid, version: '${version}', atMs: Date.now(), isServing });
  request(SINK, { agent, method: 'POST' }, (response) => response.resume()).on('error', () => {}).end(body);
};
setInterval(tell, 100);
const server = createServer((incoming, response) => {
  incoming.resume().on('end', () => setTimeout(() => response.end('${version}'), incoming.url === '/ready' ? 0 : 20));
});
server.keepAliveTimeout = 60_000;
setTimeout(() => server.listen(PORT, HOST, () => {
  isServing = true;
  tell();
  process.send?.('ready');
}), 300);
for (const signal of ['SIGINT', 'SIGTERM']) process.once(signal, () => {
  isServing = false;
  tell();
  server.close(() => process.exit(0));
});
`;

// ---------------------------------------------------------------- who sees it from outside

interface Life {
  readonly pid: number;
  readonly version: string;
  readonly fromMs: number;
  untilMs: number;
}

/** Each process says ten times a second whether it serves; by the clock of this machine. */
async function openWitness() {
  const lives = new Map<string, Map<number, Life>>();
  const server = createServer((incoming, response) => {
    let text = '';
    incoming.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    incoming.on('end', () => {
      response.end();
      const { service: name, pid, version, atMs, isServing } = JSON.parse(text);
      if (!isServing) return;
      const all = lives.get(name) ?? new Map<number, Life>();
      lives.set(name, all);
      const life = all.get(pid);
      if (life === undefined) all.set(pid, { pid, version, fromMs: atMs, untilMs: atMs });
      else life.untilMs = Math.max(life.untilMs, atMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  const livesOf = (name: string) => [...(lives.get(name)?.values() ?? [])];
  return {
    url: `http://127.0.0.1:${port}/`,
    livesOf,
    /** Processes of a version that have been heard of in the last second. */
    serving: (name: string, version: string) =>
      livesOf(name).filter((life) => life.version === version && Date.now() - life.untilMs < 1000).length,
    close: () => {
      server.close();
      server.closeAllConnections();
    },
  };
}

/** At most so many of the eight were missing at once, and for how many process-seconds. A word each 100 ms: a gap below is none. */
function dipOf(lives: readonly Life[], fromMs: number, toMs: number) {
  let most = 0;
  let missingMs = 0;
  for (let atMs = fromMs; atMs < toMs; atMs += 10) {
    const there = lives.filter((life) => life.fromMs <= atMs && atMs <= life.untilMs + 110).length;
    const missing = Math.max(0, processes - there);
    most = Math.max(most, missing);
    missingMs += missing * 10;
  }
  return { mostMissing: most, missingSeconds: missingMs / 1000 };
}

// ---------------------------------------------------------------- the two of them

interface Tool {
  readonly name: string;
  /** Where requests go at this moment. */
  readonly client: Pick<Client, 'listEndpoints'>;
  /** Begins the update to this version; resolves when the command says that it is done. */
  update(version: string): Promise<void>;
  close(): Promise<void>;
}

type Witness = Awaited<ReturnType<typeof openWitness>>;

/** Cluster mode: one port for all; a process counts when it has said \`ready\`. */
async function openPm2(witness: Witness): Promise<Tool & { readonly version: string }> {
  const place = join(folder, 'pm2');
  mkdirSync(place);
  const npm = ['install', 'pm2', '--prefix', place, '--no-audit', '--no-fund', '--omit=optional'];
  await run('npm', npm, { timeout: 300_000 });
  const port = await findFreePort('127.0.0.1', new Set(), 18_300, realChance);
  const name = 'by-pm2';
  const env = { PORT: String(port), SINK: witness.url, SERVICE: name };
  writeFileSync(
    join(place, 'ecosystem.config.js'),
    `module.exports = { apps: [${JSON.stringify({
      ...{ name, script: join(place, 'server.js'), cwd: place, instances: processes, exec_mode: 'cluster', env },
      ...{
        wait_ready: true,
        listen_timeout: 20_000,
        kill_timeout: 10_000,
        vizion: false,
        pmx: false,
        autorestart: true,
      },
    })}] };\n`,
  );
  writeFileSync(join(place, 'server.js'), service('v0'));
  const pm2 = (...words: string[]) =>
    run(process.execPath, [join(place, 'node_modules', 'pm2', 'bin', 'pm2'), ...words], {
      cwd: place,
      timeout: 300_000,
      env: {
        ...{ PATH: process.env.PATH, HOME: place, PM2_HOME: join(place, 'home'), PM2_DISABLE_VERSION_CHECK: 'true' },
        ...{ PM2_DISCRETE_MODE: 'true', PM2_API_IPADDR: '127.0.0.1' },
      },
    });
  await pm2('start', 'ecosystem.config.js');
  const endpoint = { index: 0, address: '127.0.0.1', ports: { http: port }, version: name };
  return {
    name: 'pm2 reload',
    version: JSON.parse(readFileSync(join(place, 'node_modules', 'pm2', 'package.json'), 'utf8')).version,
    client: { listEndpoints: async () => ({ endpoints: [endpoint] }) as unknown as Endpoints },
    async update(version) {
      writeFileSync(join(place, 'server.js'), service(version));
      await pm2('reload', name);
    },
    close: async () => void (await pm2('kill')),
  };
}

/** A server and an agent as processes; two services, one updated in place, one with an extra task meanwhile. */
async function openRollway(witness: Witness): Promise<{ readonly tools: readonly Tool[]; close(): Promise<void> }> {
  const serverFolder = join(folder, 'server');
  mkdirSync(serverFolder, { recursive: true, mode: 0o700 });
  const env = {
    ...process.env,
    XDG_CONFIG_HOME: join(folder, 'config'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    NO_COLOR: '1',
  };
  const words = (...more: string[]) => ['--disable-warning=ExperimentalWarning', main, ...more];
  const stay = (...more: string[]): ChildProcess => spawn(process.execPath, words(...more), { env, stdio: 'ignore' });
  const rollway = (cwd: string, ...more: string[]) =>
    run(process.execPath, words(...more), { cwd, env, timeout: 300_000 });
  const port = await findFreePort('127.0.0.1', new Set(), 18_400, realChance);
  const agentPort = await findFreePort('127.0.0.1', new Set([port]), 18_450, realChance);
  const server = stay('server', '--data', serverFolder, '--port', String(port), '--agent-port', String(agentPort));
  const client = () => {
    const { url } = JSON.parse(readFileSync(join(serverFolder, 'address.json'), 'utf8'));
    const token = readFileSync(join(serverFolder, 'admin-token'), 'utf8').trim();
    return createClient({ baseUrl: url, token, fetch });
  };
  const isTrue = (ask: () => Promise<boolean>) => ask().catch(() => false);
  await until(() => isTrue(async () => (await client().listHosts()).items.length >= 0), 'the server answers');
  const join1 = join(folder, 'host-1.join');
  await rollway(folder, 'agent', 'token', '--out', join1);
  const agentFolder = join(folder, 'host-1');
  const agent = stay(
    ...['agent', '--data', agentFolder, '--name', 'host-1', '--address', '127.0.0.1', '--join', join1, '--tasks', '50'],
  );
  const isUp = async () => (await client().listHosts()).items.some(({ state }) => state === 'up');
  await until(() => isTrue(isUp), 'the host is up');

  const open = async (name: string, label: string, pace: string): Promise<Tool> => {
    const repository = join(folder, name);
    mkdirSync(repository);
    const git = (...more: string[]) =>
      run('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.invalid', '-C', repository, ...more], { env });
    await git('init', '--quiet', '--initial-branch=main');
    const config = [
      ...[`name: ${name}`, 'command: node server.js', 'ready: { http: /ready, within: 20s }', 'drain: 600ms'],
      ...[
        `tasks: ${processes}`,
        pace,
        'phases: [all]',
        'bake: 0s',
        `env: { SINK: '${witness.url}', SERVICE: ${name} }`,
      ],
    ];
    writeFileSync(join(repository, 'rollway.yaml'), `${config.join('\n')}\n`);
    const update = async (version: string): Promise<void> => {
      writeFileSync(join(repository, 'server.js'), service(version));
      await git('add', '--all');
      await git('commit', '--quiet', '--no-gpg-sign', '-m', version);
      await rollway(repository, 'deploy');
    };
    await update('v0');
    return { name: label, client: client(), update, close: async () => {} };
  };
  const tools = [
    await open('in-place', 'Rollway, in place, one at a time', 'budget: 1'),
    await open('with-surge', 'Rollway, one extra task, none missing', 'budget: 0\nstrategy: { surge: 1 }'),
  ];
  return {
    tools,
    async close() {
      for (const name of ['in-place', 'with-surge']) {
        const job = `${name}@production`;
        await rollway(join(folder, name), 'retire', '--yes', '--confirm', job, '--reason', 'the end').catch(() => {});
        await until(async () => findMarked(`ROLLWAY_JOB=${job}`).length === 0, `${name} is gone`).catch(() => {});
      }
      for (const child of [agent, server]) {
        const gone = new Promise((resolve) => child.once('exit', resolve));
        child.kill('SIGTERM');
        await gone;
      }
      // What could not be retired is ended all the same: nothing outlives the bench. Keepers first, they start tasks.
      const left = () => [...findProcesses(folder), ...findMarked(`SINK=${witness.url}`).map(({ pid }) => pid)];
      for (const pid of left()) process.kill(pid, 'SIGKILL');
      for (const pid of left()) process.kill(pid, 'SIGKILL');
    },
  };
}

// ---------------------------------------------------------------- one update, and all of them

async function measure(tool: Tool, service: string, witness: Witness, version: string) {
  const before = new Set(witness.livesOf(service).map(({ pid }) => pid));
  const signal = new AbortController().signal;
  const load = startLoad({
    ...{ client: tool.client as Client, job: `${service}@production`, requestsPerSecond, discoveryMs: 200, signal },
  });
  await sleep(1500);
  const fromMs = Date.now();
  await tool.update(version);
  await until(async () => witness.serving(service, version) >= processes, `all of ${service} run ${version}`);
  const all = witness.livesOf(service).filter((life) => life.version === version && !before.has(life.pid));
  const seconds = (Math.max(...all.map((life) => life.fromMs)) - fromMs) / 1000;
  await sleep(2000);
  await load.stop();
  const counts = [...load.byVersion.values()];
  const dip = dipOf(witness.livesOf(service), fromMs, Date.now() - 1000);
  return {
    requests: counts.reduce((sum, { sent }) => sum + sent, 0),
    failed: counts.reduce((sum, { failed }) => sum + failed, 0),
    ...dip,
    seconds,
    broken: load.broken.slice(0, 3),
  };
}

async function until(isSo: () => Promise<boolean>, what: string): Promise<void> {
  const deadlineMs = Date.now() + 120_000;
  while (!(await isSo())) {
    if (Date.now() > deadlineMs) throw new Error(`not within two minutes: ${what}`);
    await sleep(50);
  }
}

const machine = describeMachine();
const witness = await openWitness();
const closing: (() => Promise<void>)[] = [];
try {
  const pm2 = await openPm2(witness);
  closing.push(() => pm2.close());
  const rollway = await openRollway(witness);
  closing.push(() => rollway.close());
  const all = [
    { tool: pm2 as Tool, service: 'by-pm2' },
    { tool: rollway.tools[0]!, service: 'in-place' },
    { tool: rollway.tools[1]!, service: 'with-surge' },
  ].map((one) => ({ ...one, runs: [] as Awaited<ReturnType<typeof measure>>[] }));
  for (const { service: name } of all)
    await until(async () => witness.serving(name, 'v0') >= processes, `all of ${name} run the first version`);
  // In turn, so that what else the machine does hits all of them; the first of each warms up.
  for (let n = 0; n <= runs; n++) {
    for (const one of all) {
      const seen = await measure(one.tool, one.service, witness, `v${n + 1}`);
      console.log(one.tool.name, seen);
      if (n > 0) one.runs.push(seen);
    }
  }
  const of = (list: readonly number[]) => Math.round(median(list) * 100) / 100;
  const figures = Object.fromEntries(
    all.map(({ tool, runs: list }) => [
      tool.name,
      {
        failed: of(list.map(({ failed }) => failed)),
        mostFailed: Math.max(...list.map(({ failed }) => failed)),
        requests: of(list.map(({ requests }) => requests)),
        mostMissing: of(list.map(({ mostMissing }) => mostMissing)),
        missingSeconds: of(list.map(({ missingSeconds }) => missingSeconds)),
        seconds: of(list.map(({ seconds }) => seconds)),
        all: list,
      },
    ]),
  );
  const conditions = { machine, runs, processes, requestsPerSecond, pm2: pm2.version };
  console.log(`written to ${writeResult('side-by-side-pm2', { ...conditions, figures })}`);
} finally {
  for (const close of closing.reverse()) await close().catch((error) => console.error(error));
  witness.close();
  rmSync(folder, { recursive: true, force: true });
}
