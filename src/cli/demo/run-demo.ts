import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Client, createClient } from '../../api/index.ts';
import {
  contextsFile,
  ensureFolder,
  findFreePort,
  readContexts,
  readJson,
  realChance,
  writeFileAtomic,
} from '../../io/index.ts';
import { jobId } from '../../model/index.ts';
import { exitCodes } from '../failure.ts';
import type { Output } from '../output.ts';
import type { DemoFlags } from '../verbs/demo.ts';
import { pause } from '../watch.ts';
import { type Child, startChild, stopChild } from './children.ts';
import { openGuestbookRepository } from './guestbook-repository.ts';
import { type Load, startLoad } from './load.ts';
import { localHosts, startHost } from './local-hosts.ts';
import { createStory, type Story } from './story.ts';
import { runTour } from './tour.ts';

const job = jobId('guestbook', 'production');
const requestsPerSecond = 180;
/** The name under which commands find this server. */
const demoContext = 'demo';

/** Starts server and hosts, tells the tour, stays up until Ctrl-C, then stops all of it in order. */
export async function runDemo(flags: DemoFlags, out: Output, signal: AbortSignal): Promise<number | undefined> {
  const startedAtMs = Date.now();
  const story = createStory(out.style, process.stdout, startedAtMs);
  const folder = resolve(flags.data ?? '.rollway');
  await ensureFolder(folder);
  const children: Child[] = [];
  let load: Load | undefined;
  let exitCode: number | undefined;
  try {
    const { client, url } = await startServerChild(folder, flags, story, children, signal);
    await startHosts(client, folder, flags, story, children);
    story.tell('rollway', `ready after ${((Date.now() - startedAtMs) / 1000).toFixed(1)} s`);
    story.tell('sign in', (await client.createSignInCode()).url, 'bold');
    load = startLoad({ client, job, requestsPerSecond, discoveryMs: 250, signal });
    if (flags.tour) exitCode = await tellTour({ client, folder, story, load, signal });
    const hasService = existsSync(join(folder, 'guestbook', '.git'));
    if (!signal.aborted) tellNext(out, { folder, url, words: await contextWords(), hasService });
    if (flags.exitAfterTour !== true) await untilEnd(signal, children, story);
  } catch (error) {
    if (!signal.aborted) throw error;
  } finally {
    story.tell('rollway', 'stopping the load, the tasks, the hosts and the server …');
    await load?.stop();
    const [server, ...hosts] = children;
    await Promise.all(hosts.map((host) => stopChild(host, 20_000)));
    if (server !== undefined) await stopChild(server, 10_000);
    story.tell('rollway', 'stopped; the next `npm start` brings the same tasks back');
  }
  return exitCode;
}

async function startServerChild(
  folder: string,
  flags: DemoFlags,
  story: Story,
  children: Child[],
  signal: AbortSignal,
): Promise<{ client: Client; url: string }> {
  const data = join(folder, 'server');
  const agentPort = await stableAgentPort(folder);
  const argv = [
    'server',
    '--data',
    data,
    '--port',
    String(flags.port),
    '--next-port',
    '--agent-port',
    String(agentPort),
    '--bin-ms',
    '1000',
    '--tether',
    // It stays out of the way of the server that this person works with.
    '--context',
    demoContext,
  ];
  const child = await startChild('server', argv, join(folder, 'logs'));
  children.push(child);
  const addressFile = join(data, 'address.json');
  const deadline = Date.now() + 30_000;
  while (Date.now() < deadline && !signal.aborted) {
    if (!child.isRunning()) break;
    const address = (await readJson(addressFile)) as { url: string; pid: number } | undefined;
    if (address !== undefined && address.pid === child.process.pid) {
      const token = (await readFile(join(data, 'admin-token'), 'utf8')).trim();
      const client = createClient({ baseUrl: address.url, token, fetch });
      story.tell('server', `listens on ${address.url} (commands find it with --context ${demoContext})`);
      return { client, url: address.url };
    }
    await pause(50, signal);
  }
  const log = await readFile(child.logFile, 'utf8').catch(() => '');
  throw new Error(
    `the server did not start; its log ${child.logFile} ends with:\n${log.split('\n').slice(-15).join('\n')}`,
  );
}

/** The port that the hosts learned when they joined: the same at every start. */
async function stableAgentPort(folder: string): Promise<number> {
  const file = join(folder, 'agent-port.json');
  const known = await readJson(file);
  if (typeof known === 'number') return known;
  const port = await findFreePort('0.0.0.0', new Set(), 7071, realChance);
  await writeFileAtomic(file, JSON.stringify(port));
  return port;
}

async function startHosts(
  client: Client,
  folder: string,
  flags: DemoFlags,
  story: Story,
  children: Child[],
): Promise<void> {
  const hosts = localHosts(flags.hosts, folder);
  const options = { serverFolder: join(folder, 'server'), logFolder: join(folder, 'logs') };
  children.push(...(await Promise.all(hosts.map((host) => startHost(client, host, options)))));
  const deadline = Date.now() + 30_000;
  for (;;) {
    const { items } = await client.listHosts();
    const up = items.filter((host) => host.state === 'up').length;
    if (up >= hosts.length) break;
    story.progress(`${up} of ${hosts.length} hosts are up`);
    const dead = children.find((child) => !child.isRunning());
    if (dead !== undefined || Date.now() > deadline) {
      const which = dead ?? children[1];
      throw new Error(`${which?.name} did not start; see ${which?.logFile}`);
    }
    await pause(100, new AbortController().signal);
  }
  const racks = new Set(hosts.map((host) => host.labels[1])).size;
  story.tell('fleet', `${hosts.length} hosts in 2 regions and ${racks} racks, each an agent of its own`);
}

async function tellTour(options: {
  client: Client;
  folder: string;
  story: Story;
  load: Load;
  signal: AbortSignal;
}): Promise<number | undefined> {
  const { client, folder, story, load, signal } = options;
  const repository = await openGuestbookRepository(join(folder, 'guestbook'));
  const { items } = await client.listRepositories();
  if (!items.some((item) => item.url === repository.folder)) {
    // The server watches a branch, and a branch needs a commit.
    if ((await repository.subjects()).length === 0) {
      const { tourCommits } = await import('./guestbook-repository.ts');
      await repository.commit(tourCommits[0]);
    }
    await client.registerRepository({ body: { name: 'guestbook', url: repository.folder, branch: 'main' } });
  }
  story.tell('load', `${requestsPerSecond} requests a second to the tasks, without retries`);
  const isGood = await runTour({ client, repository, story, load, signal });
  if (signal.aborted) return undefined;
  tellLoad(story, load);
  return isGood && load.broken.length === 0 ? exitCodes.done : exitCodes.failed;
}

function tellLoad(story: Story, load: Load): void {
  const entries = [...load.byVersion.entries()];
  const sent = entries.reduce((sum, [, entry]) => sum + entry.sent, 0);
  const failed = entries.reduce((sum, [, entry]) => sum + entry.failed, 0);
  const culprits = entries.filter(([, entry]) => entry.failed > 0).length;
  story.tell(
    'load',
    `${sent.toLocaleString('en-US')} requests, ${failed} failed, all of them answers of ${culprits === 1 ? 'the bad version' : `${culprits} versions`}; ${load.broken.length} broken connections`,
    load.broken.length === 0 ? 'good' : 'bad',
  );
  for (const line of load.broken.slice(0, 5)) story.tell('load', line, 'bad');
}

/** What a command needs so that it does not speak to another server this person works with. */
async function contextWords(): Promise<string> {
  const { current } = await readContexts(contextsFile(process.env));
  return current === demoContext ? '' : ` --context ${demoContext}`;
}

interface Next {
  readonly folder: string;
  readonly url: string;
  readonly words: string;
  /** The tour has made its service, now or at an earlier start. */
  readonly hasService: boolean;
}

function tellNext(out: Output, { folder, url, words, hasService }: Next): void {
  const program = fileURLToPath(new URL('../../../bin/rollway.mjs', import.meta.url));
  const command = `${program}${words}`;
  const repository = join(folder, 'guestbook');
  const lines = [
    '',
    out.style.bold('What to try next'),
    `  the pages          ${url}   (\`${command} ui\` makes another sign-in link)`,
    `  the command        ${command} status      (\`npm link\` makes it \`rollway\`)`,
    ...(hasService
      ? [
          `  a commit by hand   cd ${repository}, change something, git commit -am "Mine"`,
          `  follow a rollout   ${command} rollout show --watch`,
          `  the service        ${command} proxy --job ${job} --listen 127.0.0.1:8080, then curl http://127.0.0.1:8080/`,
        ]
      : [`  a service of yours in its Git repository: ${program} init, git commit, ${command} deploy`]),
    `  another host       ${command} agent token --out join.json, then there: ${program} agent --join join.json`,
    '',
    'Ctrl-C stops everything; the next start goes on from here.',
  ];
  for (const line of lines) out.line(line);
}

/** Until Ctrl-C; a part that ends by itself is told with its log. */
async function untilEnd(signal: AbortSignal, children: readonly Child[], story: Story): Promise<void> {
  const told = new Set<string>();
  while (!signal.aborted) {
    for (const child of children) {
      if (child.isRunning() || told.has(child.name)) continue;
      told.add(child.name);
      story.tell(child.name, `ended by itself (${await child.exited}); its log: ${child.logFile}`, 'bad');
    }
    await pause(500, signal);
  }
}
