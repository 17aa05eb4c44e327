import { sha256 } from '../kit/index.ts';
import { type Digest, err, ok, type Problem, problem, type Result } from '../model/index.ts';
import { decodeManifest, type Manifest, sizeOfPackage } from './manifest.ts';
import type { PackageSource, PackageTarget } from './port.ts';
import type { ArtifactStore } from './store.ts';

export interface TransferOptions {
  readonly signal?: AbortSignal | undefined;
  /** Chunks under way at once. */
  readonly concurrency?: number | undefined;
  readonly onProgress?: ((doneBytes: number, totalBytes: number) => void) | undefined;
}

/** Chunks of a package that a store lacks: what a download will fetch. */
export async function listMissing(store: PackageTarget, manifest: Manifest): Promise<Result<readonly string[]>> {
  return store.missingChunks(manifest.chunks.map((chunk) => chunk.digest));
}

/**
 * Brings a package into the store, fetching only the chunks it lacks. Sources are asked in turn; one that serves
 * wrong content is not asked again. What was fetched stays, so a download that was cut off goes on where it ended.
 */
export async function downloadPackage(
  sources: readonly PackageSource[],
  store: ArtifactStore,
  digest: Digest,
  options: TransferOptions = {},
): Promise<Result<Manifest>> {
  if (await store.hasPackage(digest)) return store.manifest(digest);
  const asked = askInTurn(sources);
  const bytes = await asked(
    (source) => source.fetchManifest(digest, options.signal),
    (content) => sha256(content) === digest,
    `The manifest of package ${digest}`,
  );
  if (!bytes.ok) return bytes;
  const manifest = decodeManifest(bytes.value, digest);
  if (!manifest.ok) return manifest;
  const missing = await listMissing(store, manifest.value);
  if (!missing.ok) return missing;
  const fetched = await transferAll(missing.value, manifest.value, options, async (chunk) => {
    const content = await asked(
      (source) => source.fetchChunk(chunk, options.signal),
      (found) => sha256(found) === chunk,
      `Chunk ${chunk}`,
    );
    return content.ok ? store.putChunk(chunk, content.value) : content;
  });
  if (!fetched.ok) return fetched;
  const put = await store.putManifest(digest, bytes.value);
  return put.ok ? manifest : put;
}

/** Brings a package of the store to a target, sending only the chunks it lacks. */
export async function uploadPackage(
  store: ArtifactStore,
  target: PackageTarget,
  digest: Digest,
  options: TransferOptions = {},
): Promise<Result<void>> {
  const bytes = await store.fetchManifest(digest);
  if (!bytes.ok) return bytes;
  const manifest = decodeManifest(bytes.value, digest);
  if (!manifest.ok) return manifest;
  const missing = await listMissing(target, manifest.value);
  if (!missing.ok) return missing;
  const sent = await transferAll(missing.value, manifest.value, options, async (chunk) => {
    const content = await store.fetchChunk(chunk);
    return content.ok ? target.putChunk(chunk, content.value, options.signal) : content;
  });
  return sent.ok ? target.putManifest(digest, bytes.value, options.signal) : sent;
}

type Ask = (
  askFor: (source: PackageSource) => Promise<Result<Uint8Array>>,
  isRight: (content: Uint8Array) => boolean,
  what: string,
) => Promise<Result<Uint8Array>>;

function askInTurn(sources: readonly PackageSource[]): Ask {
  const liars = new Set<PackageSource>();
  return async (askFor, isRight, what) => {
    let last: Problem = problem('artifact/missing', `${what} has no source.`);
    for (const source of sources) {
      if (liars.has(source)) continue;
      const answer = await askFor(source);
      if (answer.ok && isRight(answer.value)) return answer;
      if (answer.ok) liars.add(source);
      last = answer.ok ? problem('artifact/digest-mismatch', `${what} has other content.`) : answer.error;
    }
    return err(last);
  };
}

async function transferAll(
  missing: readonly string[],
  manifest: Manifest,
  options: TransferOptions,
  transfer: (chunk: string) => Promise<Result<void>>,
): Promise<Result<void>> {
  const sizes = new Map(manifest.chunks.map((chunk) => [chunk.digest, chunk.sizeBytes]));
  const totalBytes = sizeOfPackage(manifest);
  let doneBytes = totalBytes - missing.reduce((sum, digest) => sum + (sizes.get(digest) ?? 0), 0);
  const waiting = [...missing];
  let failure: Result<never> | undefined;
  const work = async () => {
    for (let chunk = waiting.pop(); chunk !== undefined && !failure; chunk = waiting.pop()) {
      options.signal?.throwIfAborted();
      const done = await transfer(chunk);
      if (!done.ok) failure = done;
      doneBytes += sizes.get(chunk) ?? 0;
      if (done.ok) options.onProgress?.(doneBytes, totalBytes);
    }
  };
  await Promise.all(Array.from({ length: Math.min(options.concurrency ?? 4, waiting.length) }, work));
  return failure ?? ok(undefined);
}
