import { sha256 } from '../kit/index.ts';
import { type Digest, err, ok, ProblemError, problem, type Result } from '../model/index.ts';
import { decodeManifest, type Manifest, type ManifestEntry } from './manifest.ts';
import type { FileSink, PackageSource, TreeWriter } from './port.ts';

/** Unpacks a package, every chunk checked. The folder is there, whole, or not at all. */
export async function unpackTree(
  source: PackageSource,
  digest: Digest,
  writer: TreeWriter,
  signal?: AbortSignal,
): Promise<Result<Manifest>> {
  try {
    const bytes = await source.fetchManifest(digest, signal);
    const manifest = bytes.ok ? decodeManifest(bytes.value, digest) : bytes;
    const written = manifest.ok ? await writeTree(manifest.value, source, writer, signal) : manifest;
    if (!written.ok) {
      await writer.discard();
      return written;
    }
    await writer.commit();
    return manifest;
  } catch (error) {
    await writer.discard();
    if (error instanceof ProblemError) return err(error.problem);
    throw error;
  }
}

async function writeTree(
  manifest: Manifest,
  source: PackageSource,
  writer: TreeWriter,
  signal: AbortSignal | undefined,
): Promise<Result<void>> {
  const content = readContent(manifest, source, signal);
  for (const entry of manifest.entries) {
    if ('empty' in entry) await writer.directory(entry.path);
    if (!('sizeBytes' in entry)) continue;
    const sink = await writer.openFile(entry.path, entry.executable);
    const copied = await copyFile(entry.sizeBytes, content, sink).finally(() => sink.close());
    if (!copied.ok) return copied;
  }
  // Links come last: until then no path that is written to can lead through one.
  for (const entry of manifest.entries) {
    if (isLink(entry)) await writer.symlink(entry.path, entry.target);
  }
  return ok(undefined);
}

type Link = Extract<ManifestEntry, { target: string }>;

function isLink(entry: ManifestEntry): entry is Link {
  return 'target' in entry;
}

interface Content {
  /** The next bytes, at most `wanted`. */
  take(wanted: number): Promise<Result<Uint8Array>>;
}

function readContent(manifest: Manifest, source: PackageSource, signal: AbortSignal | undefined): Content {
  let next = 0;
  let rest = new Uint8Array(0);
  return {
    async take(wanted) {
      if (rest.length === 0) {
        signal?.throwIfAborted();
        const chunk = manifest.chunks[next++]!; // decodeManifest made sure that files and chunks are of one size
        const fetched = await source.fetchChunk(chunk.digest, signal);
        if (!fetched.ok) return fetched;
        if (fetched.value.length !== chunk.sizeBytes || sha256(fetched.value) !== chunk.digest) {
          return err(problem('artifact/digest-mismatch', `Chunk ${chunk.digest} has other content.`, { ...chunk }));
        }
        rest = fetched.value as Uint8Array<ArrayBuffer>;
      }
      const taken = rest.subarray(0, wanted);
      rest = rest.subarray(taken.length);
      return ok(taken);
    },
  };
}

async function copyFile(sizeBytes: number, content: Content, sink: FileSink): Promise<Result<void>> {
  for (let left = sizeBytes; left > 0; ) {
    const bytes = await content.take(left);
    if (!bytes.ok) return bytes;
    await sink.write(bytes.value);
    left -= bytes.value.length;
  }
  return ok(undefined);
}
