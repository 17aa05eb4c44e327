import { existsSync } from 'node:fs';
import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import {
  type ArtifactStore,
  downloadPackage,
  openArtifactStore,
  type PackageSource,
  type PackageTarget,
  unpackTree,
  uploadPackage,
} from '../artifact/index.ts';
import { openBlobFiles } from '../io/blob-files.ts';
import { realClock } from '../io/clock.ts';
import { createTreeWriter } from '../io/tree-files.ts';
import { err, ok, problem, type Result } from '../model/index.ts';
import type { Folders } from './folders.ts';
import { paths } from './paths.ts';
import { RefusedError, type ServerClient } from './server-client.ts';

const transferMs = 120_000;

/** Packages of this host: fetched once, checked, unpacked once, used by all tasks of that content. */
export class Packages {
  readonly store: ArtifactStore;
  readonly #folder: string;
  readonly #server: PackageSource & PackageTarget;
  readonly #underWay = new Map<string, Promise<Result<string>>>();

  constructor(folders: Folders, client: ServerClient) {
    this.#folder = folders.packages;
    this.store = openArtifactStore(openBlobFiles(folders.store), realClock);
    this.#server = serverPackages(client);
  }

  /** The folder of a package, brought here first when it is missing. Complete or an error, never a part. */
  async unpacked(digest: string, signal: AbortSignal): Promise<Result<string>> {
    const folder = join(this.#folder, digest);
    if (existsSync(folder)) return ok(folder);
    const running = this.#underWay.get(digest);
    if (running) return await running;
    const bringing = this.#bring(digest, folder, signal).finally(() => this.#underWay.delete(digest));
    this.#underWay.set(digest, bringing);
    return await bringing;
  }

  /** Unpacks into a folder of its own, which must not exist yet. */
  async unpackTo(digest: string, folder: string, signal: AbortSignal): Promise<Result<void>> {
    const fetched = await downloadPackage([this.#server], this.store, digest, { signal });
    if (!fetched.ok) return fetched;
    const done = await unpackTree(this.store, digest, await createTreeWriter(folder), signal);
    return done.ok ? ok(undefined) : done;
  }

  async upload(digest: string, signal: AbortSignal): Promise<Result<void>> {
    return await uploadPackage(this.store, this.#server, digest, { signal });
  }

  async list(): Promise<string[]> {
    return (await readdir(this.#folder)).filter((name) => /^[0-9a-f]{64}$/.test(name));
  }

  /** Deletes unpacked folders, and of the store what is no longer needed. */
  async forget(digests: readonly string[], inUse: ReadonlySet<string>): Promise<void> {
    for (const digest of digests) {
      if (inUse.has(digest) || this.#underWay.has(digest)) continue;
      await rm(join(this.#folder, digest), { recursive: true, force: true });
    }
    const keep = new Set([...(await this.list()), ...inUse]);
    await this.store.deleteUnreferenced(keep);
  }

  async #bring(digest: string, folder: string, signal: AbortSignal): Promise<Result<string>> {
    const done = await this.unpackTo(digest, folder, signal);
    return done.ok ? ok(folder) : done;
  }
}

/** The server's packages as `artifact/` sees a source and a target. What cannot be reached rejects: it is tried again. */
function serverPackages(client: ServerClient): PackageSource & PackageTarget {
  const nothing = new Uint8Array();
  const fetch = async (path: string, signal?: AbortSignal): Promise<Result<Uint8Array>> =>
    await asResult(path, async () => await client.send('GET', path, nothing, { signal, timeoutMs: transferMs }));
  const put = async (path: string, content: Uint8Array, signal?: AbortSignal): Promise<Result<void>> =>
    await asResult(path, async () => {
      const headers = { 'content-type': 'application/octet-stream' };
      await client.send('POST', path, content, { signal, headers, timeoutMs: transferMs });
    });
  return {
    fetchManifest: (digest, signal) => fetch(paths.package(digest), signal),
    fetchChunk: (digest, signal) => fetch(paths.chunk(digest), signal),
    putManifest: (digest, content, signal) => put(paths.package(digest), content, signal),
    putChunk: (digest, content, signal) => put(paths.chunk(digest), content, signal),
    missingChunks: async (digests, signal) =>
      await asResult(paths.missingChunks, async () => {
        const answer = await client.postJson(paths.missingChunks, { digests }, { signal });
        return (answer as { digests: string[] }).digests;
      }),
  };
}

async function asResult<T>(path: string, act: () => Promise<T>): Promise<Result<T>> {
  try {
    return ok(await act());
  } catch (cause) {
    if (cause instanceof RefusedError && cause.isFinal) {
      return err(problem('artifact/missing', `The server does not give ${path}: ${cause.message}`));
    }
    throw cause;
  }
}
