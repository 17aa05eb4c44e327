import { existsSync } from 'node:fs';
import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { connect } from 'node:net';
import { dirname, join } from 'node:path';
import { type ArtifactStore, unpackTree } from '../../artifact/index.ts';
import { type DriverContext, type LaunchPlace, launchOf } from '../../drivers/index.ts';
import { createTreeWriter, findFreePort, realChance } from '../../io/index.ts';
import {
  type DriverId,
  type JobId,
  type PluginSettings,
  partsOfDriver,
  partsOfJob,
  type TaskSpec,
} from '../../model/index.ts';
import { valueOrThrow } from '../errors.ts';
import { openTaskBook } from './task-book.ts';

const mostSecretBytes = 8192;
const askMs = 2000;

/** Versions that drivers run, unpacked once for all of them. */
export class UnpackedPackages {
  readonly #folder: string;
  readonly #source: Pick<ArtifactStore, 'fetchManifest' | 'fetchChunk'>;
  readonly #underWay = new Map<string, Promise<string>>();

  constructor(dataFolder: string, source: Pick<ArtifactStore, 'fetchManifest' | 'fetchChunk'>) {
    this.#folder = join(dataFolder, 'drivers', 'packages');
    this.#source = source;
  }

  async folderOf(digest: string, signal: AbortSignal): Promise<string> {
    if (!/^[0-9a-f]{64}$/.test(digest)) throw new Error('a package is named by 64 hex digits');
    const folder = join(this.#folder, digest);
    if (existsSync(folder)) return folder;
    const running = this.#underWay.get(digest) ?? this.#bring(digest, folder, signal);
    this.#underWay.set(digest, running);
    try {
      return await running;
    } finally {
      this.#underWay.delete(digest);
    }
  }

  async forgetAllBut(keep: ReadonlySet<string>): Promise<void> {
    const names = await readdir(this.#folder).catch(() => []);
    for (const name of names) {
      if (keep.has(name) || this.#underWay.has(name)) continue;
      await rm(join(this.#folder, name), { recursive: true, force: true });
    }
  }

  async #bring(digest: string, folder: string, signal: AbortSignal): Promise<string> {
    await mkdir(this.#folder, { recursive: true, mode: 0o700 });
    valueOrThrow(await unpackTree(this.#source, digest, await createTreeWriter(folder), signal));
    return folder;
  }
}

export interface ContextParts {
  readonly dataFolder: string;
  readonly packages: Pick<UnpackedPackages, 'folderOf'>;
  readonly log: (line: string) => void;
}

/** What an instance of a plug-in is given. Its folder is there. */
export async function openDriverContext(
  id: DriverId,
  settings: PluginSettings,
  { dataFolder, packages, log }: ContextParts,
): Promise<DriverContext> {
  const { plugin, job } = partsOfDriver(id) ?? { plugin: id, job: '' as JobId };
  const folder = join(dataFolder, 'drivers', `${plugin}-${job}`);
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const secrets = join(dataFolder, 'secrets', partsOfJob(job).service);
  return {
    job,
    settings,
    folder,
    readSecret: (name) => readSecret(secrets, name),
    packageFolder: (digest, signal) => packages.folderOf(digest, signal),
    launchOf(request, place) {
      const { version, nextIncarnation: incarnation } = request;
      if (version === undefined) throw new Error(`${request.id} has no version`);
      return launchOf({ ...request, incarnation, version }, place, cleanEnvironment(place.dataDir));
    },
    openTaskBook: (steps) => openTaskBook(folder, job, steps, log),
    freePort: (address) => findFreePort(address, new Set(), undefined, realChance),
    probe,
    log,
  };
}

/** Secrets lie in `<data folder>/secrets/<service>/`: a configuration names a file there and nothing else. */
async function readSecret(folder: string, name: string): Promise<string> {
  if (!/^[A-Za-z0-9][A-Za-z0-9._-]{0,62}$/.test(name)) throw new Error('a secret is named by its file: no path');
  const path = join(folder, name);
  const size = (await stat(path).catch(() => undefined))?.size;
  if (size === undefined) throw new Error(`the server cannot read the secret ${name}`);
  if (size > mostSecretBytes) throw new Error(`the secret ${name} is too large`);
  return (await readFile(path, 'utf8')).trim();
}

/** Nothing of the server's own. */
function cleanEnvironment(home: string): Record<string, string> {
  const path = `${dirname(process.execPath)}:/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin`;
  return { PATH: path, HOME: home, TMPDIR: home, LANG: 'C.UTF-8', TZ: 'UTC' };
}

async function probe(
  { ready }: TaskSpec,
  { address, ports }: Pick<LaunchPlace, 'address' | 'ports'>,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(askMs)]);
  if ('http' in ready) {
    const host = address.includes(':') ? `[${address}]` : address;
    const url = `http://${host}:${ports[ready.http.port]}${ready.http.path}`;
    const answer = await fetch(url, { signal: until, redirect: 'manual' }).catch(() => undefined);
    await answer?.body?.cancel();
    return answer !== undefined && answer.status >= 200 && answer.status < 400;
  }
  if ('tcp' in ready) return canConnect(address, ports[ready.tcp.port] ?? 0, until);
  return undefined;
}

function canConnect(host: string, port: number, signal: AbortSignal): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port });
    const finish = (isReady: boolean) => {
      socket.destroy();
      resolve(isReady);
    };
    socket.once('connect', () => finish(true));
    socket.once('error', () => finish(false));
    signal.addEventListener('abort', () => finish(false), { once: true });
  });
}
