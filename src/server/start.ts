import type { JoinToken } from '../api/index.ts';
import { writeContext } from '../io/index.ts';
import { ProblemError, rollway } from '../model/index.ts';
import { adminTokenFile, ensureAdminToken } from './auth/first-start.ts';
import { compose, type House } from './compose.ts';
import { openDataFolder } from './data-folder.ts';
import { createHandlers } from './handlers/index.ts';
import { createHttp, type Fetch } from './http.ts';
import { type Listening, listen } from './listen.ts';
import { openLiveHub } from './live/open.ts';
import { createLog, type Log } from './log.ts';
import { keepHouse } from './machine/housekeeping.ts';
import { createMetrics } from './metrics.ts';
import { ownHosts } from './origin.ts';
import { readSettings, type ServerSettings, type SettingsOverride } from './settings.ts';
import { openStaticFiles } from './static.ts';

export type StartOptions = SettingsOverride & { readonly log?: Log };

/** A server that runs. */
export interface RunningServer {
  /** Of API and UI: `http://127.0.0.1:7070`. */
  readonly url: string;
  readonly settings: ServerSettings;
  /** A file (mode 0600) with the admin's token. */
  readonly tokenFile: string;
  readonly hasUi: boolean;
  /** A link that signs a browser in as the admin, once, within ten minutes. */
  signInUrl(): Promise<string>;
  /** A token file's content for one host, good once within the hour. */
  agentJoin(): Promise<JoinToken>;
  readonly agentPort: number;
  /** The HTTP face without a socket, for tests. */
  readonly fetch: Fetch;
  /** Stops listening, ends streams, lets turns under way finish, closes the store. Tasks go on. */
  close(): Promise<void>;
}

/** Starts a server: with no agent yet, with none ever, or with those that find it again. */
export async function startServer(options: StartOptions = {}): Promise<RunningServer> {
  const { log: given, ...override } = options;
  const settings = readSettings(override);
  const log = given ?? createLog((line) => process.stderr.write(line), Date.now);
  const undo: (() => Promise<void> | void)[] = [];
  const stop = async () => {
    for (const step of undo.splice(0).reverse()) await step();
  };
  try {
    const folder = openDataFolder(settings.dataFolder);
    undo.push(() => folder.release());
    const house = await compose(settings, log);
    undo.push(() => house.close());
    return await open(house, undo, stop);
  } catch (error) {
    await stop();
    throw error;
  }
}

async function open(
  house: House,
  undo: (() => Promise<void> | void)[],
  stop: () => Promise<void>,
): Promise<RunningServer> {
  const { settings, engine, agents, auth, log } = house;
  const adminToken = await ensureAdminToken(settings.dataFolder, auth);
  const agentPort = await listenForAgents(house);
  undo.push(() => agents.close());

  const running = new AbortController();
  const turns = engine.run(running.signal);
  const housework = keepHouse(house, running.signal);
  undo.push(async () => {
    running.abort();
    await Promise.all([turns, housework]);
  });

  let port = settings.port;
  let isStopping = false;
  const handlers = createHandlers(house);
  const hub = openLiveHub(house, handlers);
  const metrics = createMetrics(house, () => ({ live_streams: hub.viewerCount() }));
  const files = openStaticFiles(settings.webFolder);
  const fetch = createHttp(house, {
    handlers,
    files,
    isOwnHost: (host) => ownHosts(settings.host, port, settings.otherHosts)(host),
    openLive: hub.open,
    isReady: () => !isStopping,
    metrics: metrics.text,
    onAnswer: metrics.recordAnswer,
  });
  const listening: Listening = await listen(fetch, settings.host, settings.port, settings.isPortFixed);
  port = listening.port;
  undo.push(async () => {
    isStopping = true;
    await Promise.all([hub.close(), listening.close()]);
  });

  const url = `http://${settings.host}:${port}`;
  if (settings.contextFile !== undefined) {
    await writeContext(settings.contextFile, 'local', { url, tokenFile: adminTokenFile(settings.dataFolder) });
  }
  log.info('listening', { url, agentPort, version: settings.version });
  return {
    url,
    settings,
    tokenFile: adminTokenFile(settings.dataFolder),
    hasUi: files.hasUi,
    agentPort,
    fetch,
    async signInUrl() {
      const { code } = await auth.createCodeBySecret(adminToken);
      return `${url}/sign-in#code=${code}`;
    },
    agentJoin: () => agents.createJoinToken(rollway('server')),
    close: once(stop),
  };
}

/** The agents' port gives way like ours does, unless it was asked for by number. */
async function listenForAgents({ agents, settings }: House): Promise<number> {
  const last = settings.isAgentPortFixed || settings.agentPort === 0 ? settings.agentPort : settings.agentPort + 50;
  for (let port = settings.agentPort; ; port++) {
    try {
      return await agents.listen(port, settings.agentHost);
    } catch (error) {
      if (port >= last || !isPortTaken(error)) throw error;
    }
  }
}

function isPortTaken(error: unknown): boolean {
  return error instanceof ProblemError && error.problem.code === 'server/port-in-use';
}

function once(act: () => Promise<void>): () => Promise<void> {
  let done: Promise<void> | undefined;
  return () => {
    done ??= act();
    return done;
  };
}
