import { randomBytes } from 'node:crypto';
import { mkdir, open, readdir, readFile, rename, stat, unlink, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { zstdCompress, zstdDecompress } from 'node:zlib';
import type { BlobFacts, BlobKind, Blobs } from '../artifact/index.ts';
import { sha256 } from '../kit/index.ts';
import { err, ok, type Problem, problem } from '../model/index.ts';

const compress = promisify(zstdCompress);
const decompress = promisify(zstdDecompress);

/** Nothing that lies in a store is larger than a manifest may be. */
const maxContentBytes = 64 * 1024 * 1024;
/** A half-written file older than this belongs to a process that is gone. */
const leftoverAfterMs = 3_600_000;

/**
 * Blobs as files under a folder of ours: `chunk/ab/abcd….zst`, `manifest/…`. Written to `tmp/` first, synced, then
 * renamed, so that a file with a digest for a name is complete, also after a power cut.
 */
export function openBlobFiles(folder: string): Blobs {
  const pathOf = (kind: BlobKind, digest: string) => join(folder, kind, digest.slice(0, 2), `${digest}.zst`);
  const temporary = join(folder, 'tmp');

  return {
    async has(kind, digest) {
      return (await sizeAndTime(pathOf(kind, digest))) !== undefined;
    },

    async read(kind, digest) {
      const file = pathOf(kind, digest);
      let stored: Uint8Array;
      try {
        stored = await readFile(file);
      } catch (error) {
        if (codeOf(error) !== 'ENOENT') throw error;
        return err(problem('artifact/missing', `${kind} ${digest} is not in the store.`, { digest }));
      }
      const content = await decompress(stored, { maxOutputLength: maxContentBytes }).catch(() => undefined);
      if (content && sha256(content) === digest) return ok(content);
      const detail = `The stored ${kind} ${digest} is damaged.`;
      return err(problem('artifact/digest-mismatch', detail, { digest, file }));
    },

    async write(kind, digest, content) {
      const file = pathOf(kind, digest);
      const there = await sizeAndTime(file);
      if (there) {
        // It counts as young again: whoever wrote it may be about to name it in a manifest.
        const now = new Date();
        await utimes(file, now, now).catch(ignoreGone);
        return ok({ isNew: false });
      }
      const part = join(temporary, `${digest}.${randomBytes(6).toString('hex')}`);
      try {
        await mkdir(temporary, { recursive: true, mode: 0o700 });
        await writeDurably(part, await compress(content));
        const parent = join(folder, kind, digest.slice(0, 2));
        await mkdir(parent, { recursive: true, mode: 0o700 });
        await rename(part, file);
        await syncFolder(parent);
        return ok({ isNew: true });
      } catch (error) {
        await unlink(part).catch(() => undefined);
        const full = asDiskFull(error, folder);
        if (full) return err(full);
        throw error;
      }
    },

    async list(kind) {
      const facts: BlobFacts[] = [];
      for (const shard of await namesIn(join(folder, kind))) {
        for (const name of await namesIn(join(folder, kind, shard))) {
          const found = await sizeAndTime(join(folder, kind, shard, name));
          if (found && /^[0-9a-f]{64}\.zst$/.test(name)) facts.push({ digest: name.slice(0, 64), ...found });
        }
      }
      return facts;
    },

    async remove(kind, digest) {
      await unlink(pathOf(kind, digest)).catch(ignoreGone);
    },

    async removeLeftovers() {
      for (const name of await namesIn(temporary)) {
        const found = await sizeAndTime(join(temporary, name));
        if (found && found.writtenAtMs < Date.now() - leftoverAfterMs) {
          await unlink(join(temporary, name)).catch(ignoreGone);
        }
      }
    },
  };
}

/** The problem "the disk is full" when that is what the error says. */
export function asDiskFull(error: unknown, folder: string): Problem | undefined {
  const code = codeOf(error);
  if (code !== 'ENOSPC' && code !== 'EDQUOT') return undefined;
  return problem('artifact/disk-full', `There is no room left under ${folder}.`, { folder });
}

async function writeDurably(file: string, content: Uint8Array): Promise<void> {
  const handle = await open(file, 'wx', 0o600);
  try {
    await handle.writeFile(content);
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function syncFolder(folder: string): Promise<void> {
  const handle = await open(folder, 'r');
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function sizeAndTime(file: string): Promise<{ sizeBytes: number; writtenAtMs: number } | undefined> {
  try {
    const found = await stat(file);
    return { sizeBytes: found.size, writtenAtMs: found.mtimeMs };
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return undefined;
    throw error;
  }
}

async function namesIn(folder: string): Promise<string[]> {
  try {
    return (await readdir(folder)).sort();
  } catch (error) {
    if (codeOf(error) === 'ENOENT') return [];
    throw error;
  }
}

function ignoreGone(error: unknown): void {
  if (codeOf(error) !== 'ENOENT') throw error;
}

function codeOf(error: unknown): unknown {
  return error instanceof Error && 'code' in error ? error.code : undefined;
}
