import { readFileSync } from 'node:fs';
import { homedir } from 'node:os';
import { join, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { SharedLimits } from '../disruption/index.ts';
import { contextsFile } from '../io/index.ts';
import { parseRate } from '../kit/index.ts';
import { ProblemError, problem, type Rate } from '../model/index.ts';
import type { StoreOptions } from '../store/index.ts';

/** Everything that can be set about a server, as one value. The only file that reads environment variables. */
export interface ServerSettings {
  /** Holds the database, packages, Git mirrors, keys; one server at a time. */
  readonly dataFolder: string;
  readonly store: StoreOptions;
  /** Address of API and UI. Not on other networks: there is no TLS on it. */
  readonly host: string;
  readonly port: number;
  /** False: when the port is taken the next free one is used. */
  readonly isPortFixed: boolean;
  /** Other names under which people reach it (through a tunnel or proxy), e.g. `rollway.example.org`. */
  readonly otherHosts: readonly string[];
  /** Where agents connect, over TLS. */
  readonly agentHost: string;
  readonly agentPort: number;
  readonly isAgentPortFixed: boolean;
  /** Where the CLI looks for the servers it knows; undefined: do not touch it. */
  readonly contextFile: string | undefined;
  /** The name under which it stands there. */
  readonly contextName: string;
  /** The built UI. */
  readonly webFolder: string;
  readonly pollRepositoriesMs: number;
  readonly heartbeatMs: number;
  /** Length of one bin of samples. */
  readonly binMs: number;
  readonly keepSamplesMs: number;
  /** JSON: endpoints to scrape and Prometheus servers to ask, besides what agents scrape. */
  readonly sourcesFile: string | undefined;
  /** Packages of so many releases of each service are kept, besides those in use. */
  readonly keepReleases: number;
  /** Below it no build starts. */
  readonly leastFreeDiskRatio: number;
  readonly sessionMs: number;
  /** How fast tasks may be taken out, over all services. */
  readonly limits: SharedLimits;
  /** Modules with strategies of the owner's own. */
  readonly plugins: readonly string[];
  readonly version: string;
}

/** Of a server that nobody gave another name; only it takes the place of a current context, and only a dead one's. */
export const usualContext = 'local';

export type SettingsOverride = Partial<ServerSettings>;

/** Settings from the environment, the command line's overrides on top. */
export function readSettings(
  override: SettingsOverride = {},
  env: Readonly<Record<string, string | undefined>> = process.env,
): ServerSettings {
  const dataFolder = resolve(override.dataFolder ?? env.ROLLWAY_DATA ?? join(dataHome(env), 'rollway'));
  return {
    dataFolder,
    store: storeOf(env.ROLLWAY_STORE, dataFolder),
    host: '127.0.0.1',
    port: Number(env.ROLLWAY_PORT ?? 7070),
    isPortFixed: env.ROLLWAY_PORT !== undefined,
    otherHosts: (env.ROLLWAY_HOSTS ?? '').split(',').filter((name) => name !== ''),
    agentHost: '0.0.0.0',
    agentPort: Number(env.ROLLWAY_AGENT_PORT ?? 7071),
    isAgentPortFixed: env.ROLLWAY_AGENT_PORT !== undefined,
    contextFile: contextsFile(env),
    contextName: usualContext,
    webFolder: fileURLToPath(new URL('../../web/dist', import.meta.url)),
    pollRepositoriesMs: 2000,
    heartbeatMs: 1000,
    binMs: Number(env.ROLLWAY_BIN_MS ?? 1000),
    keepSamplesMs: 7_200_000,
    sourcesFile: env.ROLLWAY_SOURCES || undefined,
    keepReleases: 10,
    leastFreeDiskRatio: 0.05,
    sessionMs: 30 * 86_400_000,
    limits: limitsOf(env.ROLLWAY_RATE, env.ROLLWAY_RATE_PER),
    plugins: (env.ROLLWAY_PLUGINS ?? '').split(',').filter((file) => file !== ''),
    version: ownVersion(),
    ...override,
    ...(override.dataFolder === undefined ? {} : { dataFolder }),
  };
}

/** `postgres://…` or a path, default `<data>/rollway.db`. */
export function storeOf(text: string | undefined, dataFolder: string): StoreOptions {
  if (text === undefined || text === '') return { kind: 'sqlite', path: join(dataFolder, 'rollway.db') };
  if (/^postgres(ql)?:\/\//.test(text)) return { kind: 'postgres', url: text };
  return { kind: 'sqlite', path: text === ':memory:' ? text : resolve(text) };
}

/** `100/1m`, and `rack=5/1m,region=50/1m` for the tasks on hosts with the same value of a label. */
export function limitsOf(rate: string | undefined, perDomain: string | undefined): SharedLimits {
  const domains = (perDomain ?? '').split(',').filter((part) => part !== '');
  return {
    rate: rate === undefined || rate === '' ? null : rateOf(rate),
    ratePerDomain: Object.fromEntries(
      domains.map((part) => {
        const at = part.indexOf('=');
        return [part.slice(0, Math.max(0, at)), rateOf(part.slice(at + 1))];
      }),
    ),
  };
}

function rateOf(text: string): Rate {
  const rate = parseRate(text);
  if (rate !== undefined) return rate;
  throw new ProblemError(
    problem('api/bad-request', `"${text}" is no rate: write so many within a time, as in 100/1m.`),
  );
}

function dataHome(env: Readonly<Record<string, string | undefined>>): string {
  return env.XDG_DATA_HOME ?? join(env.HOME ?? homedir(), '.local', 'share');
}

/** Of the package: the server, its agents and the command have the same. */
function ownVersion(): string {
  const text = readFileSync(new URL('../../package.json', import.meta.url), 'utf8');
  return (JSON.parse(text) as { version: string }).version;
}
