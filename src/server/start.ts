import type { JoinToken } from '../api/index.ts';
import { type CliContext, writeContext } from '../io/index.ts';
import { ProblemError, rollway } from '../model/index.ts';
import { adminTokenFile, ensureAdminToken } from './auth/first-start.ts';
import { compose, type House } from './compose.ts';
import { openDataFolder } from './data-folder.ts';
import { openFace } from './face.ts';
import type { Fetch } from './http.ts';
import { type Listening, listen } from './listen.ts';
import { createLog, type Log } from './log.ts';
import { keepHouse } from './machine/housekeeping.ts';
import { readSettings, type ServerSettings, type SettingsOverride, usualContext } from './settings.ts';

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
  const driving = house.drivers.run(running.signal);
  undo.push(async () => {
    running.abort();
    await Promise.all([turns, housework, driving]);
  });

  let port = settings.port;
  let isStopping = false;
  const face = openFace(
    house,
    () => port,
    () => !isStopping,
  );
  const listening: Listening = await listen(face.fetch, settings.host, settings.port, settings.isPortFixed);
  port = listening.port;
  undo.push(async () => {
    isStopping = true;
    await Promise.all([face.close(), listening.close()]);
  });

  const url = `http://${settings.host}:${port}`;
  if (settings.contextFile !== undefined) {
    const { contextFile, contextName, dataFolder } = settings;
    const replaces = async (other: CliContext) =>
      contextName === usualContext && (other.url === url || !(await answers(other.url)));
    await writeContext(contextFile, contextName, { url, tokenFile: adminTokenFile(dataFolder) }, replaces);
  }
  log.info('listening', { url, agentPort, version: settings.version });
  return {
    url,
    settings,
    tokenFile: adminTokenFile(settings.dataFolder),
    hasUi: face.hasUi,
    agentPort,
    fetch: face.fetch,
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

/** Whether a server is there; one that takes longer than two seconds to say that it lives is not missed. */
async function answers(url: string): Promise<boolean> {
  try {
    return (await fetch(new URL('/healthz', url), { signal: AbortSignal.timeout(2000) })).ok;
  } catch {
    return false;
  }
}
