// A whole Rollway on this machine for end-to-end tests: a server in this process, agents as processes of their own.
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { type Client, createClient, type EventView, openLive, type Route, routes } from '../src/api/index.ts';
import { type Child, stopChild } from '../src/cli/demo/children.ts';
import { localHosts, startHost } from '../src/cli/demo/local-hosts.ts';
import { type RunningServer, startServer } from '../src/server/index.ts';
import { createLog, type Log } from '../src/server/log.ts';

export interface LocalFleet {
  readonly folder: string;
  readonly client: Client;
  readonly server: () => RunningServer;
  /** The agents, by the names of their hosts. */
  readonly agents: readonly Child[];
  /** Everything that was committed so far, in order of position. */
  readonly events: readonly EventView[];
  /** Stops the server as SIGTERM does, and starts it again on the same folder. */
  restartServer(): Promise<void>;
  close(): Promise<void>;
}

/** `regions`: each host is in one of them, in turn; left out: two regions of racks. */
export async function openLocalFleet(hostCount: number, log?: Log, regions?: readonly string[]): Promise<LocalFleet> {
  const folder = mkdtempSync(join(tmpdir(), 'rollway-fleet-'));
  const lines: string[] = [];
  const serverLog = log ?? createLog((line) => lines.push(line), Date.now);
  const events: EventView[] = [];
  const children: Child[] = [];
  let following: { stop(): Promise<void> } | undefined;
  let server = await start(0);
  const port = Number(new URL(server.url).port);
  const token = readFileSync(server.tokenFile, 'utf8').trim();
  const client = createClient({ baseUrl: server.url, token, fetch: checkedFetch });
  following = follow();
  for (const [at, local] of localHosts(hostCount, folder).entries()) {
    const host = regions === undefined ? local : { ...local, labels: [`region=${regions[at % regions.length]}`] };
    children.push(
      await startHost(client, host, { serverFolder: join(folder, 'server'), logFolder: join(folder, 'logs') }),
    );
  }

  function start(wanted: number): Promise<RunningServer> {
    const agentPort = wanted === 0 ? 0 : server.agentPort;
    return startServer({
      dataFolder: join(folder, 'server'),
      port: wanted,
      agentPort,
      isPortFixed: true,
      isAgentPortFixed: true,
      agentHost: '127.0.0.1',
      contextFile: undefined,
      pollRepositoriesMs: 500,
      log: serverLog,
    });
  }

  function follow() {
    const ending = new AbortController();
    const done = openLive(
      {
        baseUrl: server.url,
        token,
        topics: ['events'],
        lastEventId: events.at(-1)?.position ?? 0,
        signal: ending.signal,
        fetch,
      },
      { fact: (event) => events.push(event) },
    );
    return {
      stop: () => {
        ending.abort();
        return done.catch(() => undefined);
      },
    };
  }

  return {
    folder,
    client,
    server: () => server,
    agents: children,
    events,
    async restartServer() {
      await following?.stop();
      await server.close();
      server = await start(port);
      following = follow();
    },
    async close() {
      await following?.stop();
      await Promise.all(children.map((child) => stopChild(child, 15_000)));
      await server.close();
      if (process.env.ROLLWAY_KEEP) {
        writeFileSync(join(folder, 'server.log'), lines.join(''));
        console.log(`kept: ${folder} (${readdirSync(join(folder, 'logs')).join(', ')})`);
      } else rmSync(folder, { recursive: true, force: true });
    },
  };
}

/** Fetches, and holds every answer against what the table of routes says it looks like. */
async function checkedFetch(url: string, init: RequestInit): Promise<Response> {
  const response = await fetch(url, init);
  const parts = new URL(url).pathname.split('/');
  const row = (Object.values(routes) as Route[]).find(
    ({ method, path }) =>
      method === (init.method ?? 'GET') &&
      path.split('/').length === parts.length &&
      path.split('/').every((part, at) => part.startsWith(':') || part === parts[at]),
  );
  if (response.ok && row?.response) row.response.parse(await response.clone().json());
  return response;
}

/** A Git repository in a folder; each `commit` writes files and gives the commit's id. */
export function makeRepository(folder: string) {
  const git = (...args: string[]) =>
    execFileSync('git', ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.invalid', '-C', folder, ...args], {
      encoding: 'utf8',
    }).trim();
  mkdirSync(folder, { recursive: true });
  git('init', '--quiet', '--initial-branch=main');
  return {
    folder,
    git,
    commit(files: Readonly<Record<string, string>>, message: string): string {
      for (const [name, content] of Object.entries(files)) {
        mkdirSync(dirname(join(folder, name)), { recursive: true });
        writeFileSync(join(folder, name), content);
      }
      git('add', '--all');
      git('commit', '--quiet', '--no-gpg-sign', '-m', message);
      return git('rev-parse', 'HEAD');
    },
  };
}
