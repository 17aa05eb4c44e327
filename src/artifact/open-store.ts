import { type Clock, sha256 } from '../kit/index.ts';
import { err, ok, problem, type Result } from '../model/index.ts';
import { decodeManifest, encodeManifest, type Manifest } from './manifest.ts';
import type { Blobs } from './port.ts';
import type { ArtifactStore, Deleted } from './store.ts';

/** Chunks written within the last hour may belong to a package that is still being packed or uploaded. */
const defaultGraceMs = 3_600_000;

export function openArtifactStore(
  blobs: Blobs,
  clock: Pick<Clock, 'nowMs'>,
  graceMs: number = defaultGraceMs,
): ArtifactStore {
  // Adding a package and deleting chunks take turns: otherwise a chunk found present could be gone a moment later.
  let lastTurn: Promise<unknown> = Promise.resolve();
  const inTurn = <T>(act: () => Promise<T>): Promise<T> => {
    const turn = lastTurn.then(act, act);
    lastTurn = turn.catch(() => undefined);
    return turn;
  };

  const missingChunks = async (digests: readonly string[]): Promise<string[]> => {
    const missing: string[] = [];
    for (const digest of new Set(digests)) if (!(await blobs.has('chunk', digest))) missing.push(digest);
    return missing;
  };

  const writeChunk: ArtifactStore['writeChunk'] = async (digest, content) => {
    if (sha256(content) !== digest) {
      return err(problem('artifact/digest-mismatch', `Chunk ${digest} has other content.`, { digest }));
    }
    return blobs.write('chunk', digest, content);
  };

  const putManifest: ArtifactStore['putManifest'] = (digest, bytes) =>
    inTurn(async () => {
      const manifest = decodeManifest(bytes, digest);
      if (!manifest.ok) return manifest;
      const missing = await missingChunks(manifest.value.chunks.map((chunk) => chunk.digest));
      if (missing.length > 0) {
        const detail = `${missing.length} chunks of package ${digest} are not in the store.`;
        return err(problem('artifact/missing', detail, { digest, missing: missing.slice(0, 10) }));
      }
      const written = await blobs.write('manifest', digest, bytes);
      return written.ok ? ok(undefined) : written;
    });

  const manifestOf = async (digest: string): Promise<Result<Manifest>> => {
    const bytes = await blobs.read('manifest', digest);
    return bytes.ok ? decodeManifest(bytes.value, digest) : bytes;
  };

  return {
    hasPackage: (digest) => blobs.has('manifest', digest),
    manifest: manifestOf,
    fetchManifest: (digest) => blobs.read('manifest', digest),
    fetchChunk: (digest) => blobs.read('chunk', digest),
    missingChunks: async (digests) => ok(await missingChunks(digests)),
    writeChunk,
    putManifest,
    async putChunk(digest, content) {
      const written = await writeChunk(digest, content);
      return written.ok ? ok(undefined) : written;
    },
    async addPackage(manifest) {
      const bytes = encodeManifest(manifest);
      const digest = sha256(bytes);
      const put = await putManifest(digest, bytes);
      return put.ok ? ok(digest) : put;
    },
    async listPackages() {
      const manifests = await blobs.list('manifest');
      return manifests.map(({ digest, writtenAtMs }) => ({ digest, storedAtMs: writtenAtMs }));
    },
    deleteUnreferenced: (keep) => inTurn(() => deleteUnreferenced(blobs, manifestOf, keep, clock.nowMs() - graceMs)),
  };
}

async function deleteUnreferenced(
  blobs: Blobs,
  manifestOf: (digest: string) => Promise<Result<Manifest>>,
  keep: ReadonlySet<string>,
  youngAfterMs: number,
): Promise<Deleted> {
  await blobs.removeLeftovers();
  const used = new Set<string>();
  let packages = 0;
  let chunks = 0;
  let freedBytes = 0;
  for (const { digest, sizeBytes, writtenAtMs } of await blobs.list('manifest')) {
    if (keep.has(digest) || writtenAtMs > youngAfterMs) {
      const manifest = await manifestOf(digest);
      if (manifest.ok) for (const chunk of manifest.value.chunks) used.add(chunk.digest);
      // What a damaged manifest uses is unknown: nothing can be deleted safely until it has been repaired.
      else if (keep.has(digest)) return { packages, chunks, freedBytes };
      continue;
    }
    await blobs.remove('manifest', digest);
    packages += 1;
    freedBytes += sizeBytes;
  }
  for (const { digest, sizeBytes, writtenAtMs } of await blobs.list('chunk')) {
    if (used.has(digest) || writtenAtMs > youngAfterMs) continue;
    await blobs.remove('chunk', digest);
    chunks += 1;
    freedBytes += sizeBytes;
  }
  return { packages, chunks, freedBytes };
}
