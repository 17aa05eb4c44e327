import { sha256 } from '../kit/index.ts';
import { err, ok, problem, type Result } from '../model/index.ts';
import type { Manifest } from './manifest.ts';
import type { TreeReader } from './port.ts';

/**
 * Whether a folder still is the package it was unpacked from: same paths, same links, same bytes. Names the first
 * difference. Files that were added beside those of the package are ignored unless `exact`.
 */
export async function verifyTree(tree: TreeReader, manifest: Manifest, exact = false): Promise<Result<void>> {
  const found = new Map((await tree.list(() => false)).map((entry) => [entry.path, entry]));
  const chunks = followChunks(manifest);
  for (const entry of manifest.entries) {
    const there = found.get(entry.path);
    found.delete(entry.path);
    if ('target' in entry) {
      if (there?.kind !== 'symlink' || there.target !== entry.target) return differs(entry.path);
    } else if ('empty' in entry) {
      if (there?.kind !== 'directory') return differs(entry.path);
    } else {
      if (there?.kind !== 'file' || there.executable !== entry.executable) return differs(entry.path);
      let sizeBytes = 0;
      for await (const bytes of tree.read(entry.path)) {
        sizeBytes += bytes.length;
        if (sizeBytes > entry.sizeBytes || !chunks.match(bytes)) return differs(entry.path);
      }
      if (sizeBytes !== entry.sizeBytes) return differs(entry.path);
    }
  }
  const added = exact ? [...found.values()].find((entry) => entry.kind !== 'directory') : undefined;
  return added ? differs(added.path) : ok(undefined);
}

/** Follows the contents along the chunks: false as soon as a finished one has another digest. */
function followChunks(manifest: Manifest): { match(bytes: Uint8Array): boolean } {
  let next = 0;
  let filled = 0;
  let buffer = new Uint8Array(manifest.chunks[0]?.sizeBytes ?? 0);
  return {
    match(bytes) {
      for (let from = 0; from < bytes.length; ) {
        const taken = Math.min(bytes.length - from, buffer.length - filled);
        buffer.set(bytes.subarray(from, from + taken), filled);
        filled += taken;
        from += taken;
        if (filled < buffer.length) continue;
        if (sha256(buffer) !== manifest.chunks[next]?.digest) return false;
        next += 1;
        filled = 0;
        buffer = new Uint8Array(manifest.chunks[next]?.sizeBytes ?? 0);
        if (buffer.length === 0 && from < bytes.length) return false;
      }
      return true;
    },
  };
}

function differs(path: string): Result<never> {
  const detail = `${JSON.stringify(path)} is not what the package contains.`;
  return err(problem('artifact/digest-mismatch', detail, { path }));
}
