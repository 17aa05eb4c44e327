import { randomBytes } from 'node:crypto';
import {
  chmodSync,
  closeSync,
  constants,
  fchmodSync,
  fstatSync,
  lstatSync,
  mkdirSync,
  openSync,
  readdirSync,
  readlinkSync,
  readSync,
  symlinkSync,
  writeSync,
} from 'node:fs';
import { chmod, mkdir, rename, rm } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FoundEntry, TreeReader, TreeWriter } from '../artifact/index.ts';
import { ProblemError } from '../model/index.ts';
import { asDiskFull } from './blob-files.ts';
import { createBreather } from './breather.ts';

const readBytes = 256 * 1024;

/** A real folder, to be packed or checked. Links are told, never followed. */
export function openTreeReader(folder: string): TreeReader {
  const breathe = createBreather();

  const listInto = async (found: FoundEntry[], prefix: string, skip: (path: string) => boolean): Promise<number> => {
    let kept = 0;
    for (const item of readdirSync(join(folder, prefix), { withFileTypes: true })) {
      await breathe();
      const path = prefix === '' ? item.name : `${prefix}/${item.name}`;
      if (skip(path)) continue;
      kept += 1;
      if (item.isDirectory())
        found.push({ kind: 'directory', path, isEmpty: (await listInto(found, path, skip)) === 0 });
      else if (item.isSymbolicLink()) found.push({ kind: 'symlink', path, target: readlinkSync(join(folder, path)) });
      else if (item.isFile()) found.push({ kind: 'file', path, executable: isExecutable(join(folder, path)) });
      else found.push({ kind: 'other', path, what: item.isFIFO() ? 'pipe' : item.isSocket() ? 'socket' : 'device' });
    }
    return kept;
  };

  return {
    async list(skip) {
      const found: FoundEntry[] = [];
      await listInto(found, '', skip);
      return found;
    },
    async *read(path) {
      const file = openSync(join(folder, path), constants.O_RDONLY | constants.O_NOFOLLOW);
      try {
        const size = Math.min(readBytes, Math.max(4096, fstatSync(file).size + 1));
        for (;;) {
          const buffer = Buffer.allocUnsafe(size);
          const bytes = readSync(file, buffer);
          if (bytes === 0) return;
          yield buffer.subarray(0, bytes);
          await breathe();
        }
      } finally {
        closeSync(file);
      }
    },
  };
}

function isExecutable(file: string): boolean {
  return (lstatSync(file).mode & 0o100) !== 0;
}

/**
 * Makes `target`, which must not exist yet: everything is written to a folder beside it and renamed at the end.
 * Others may read and run what is in it, only we may change it.
 */
export async function createTreeWriter(target: string): Promise<TreeWriter> {
  const part = join(dirname(target), `.${basename(target)}.${randomBytes(6).toString('hex')}.part`);
  await mkdir(dirname(target), { recursive: true });
  await mkdir(part, { mode: 0o700 });
  const made = new Set(['.', '']);
  const breathe = createBreather();

  const makeFolder = (path: string): void => {
    if (made.has(path)) return;
    makeFolder(dirname(path));
    mkdirSync(join(part, path));
    chmodSync(join(part, path), 0o755); // whatever the umask
    made.add(path);
  };
  const withRoom = async <T>(act: () => T): Promise<T> => {
    await breathe();
    try {
      return act();
    } catch (error) {
      const full = asDiskFull(error, target);
      throw full ? new ProblemError(full, { cause: error }) : error;
    }
  };

  return {
    directory: (path) => withRoom(() => makeFolder(path)),
    async openFile(path, executable) {
      const file = await withRoom(() => {
        makeFolder(dirname(path));
        return openSync(join(part, path), 'wx');
      });
      fchmodSync(file, executable ? 0o755 : 0o644);
      return {
        write: (bytes) =>
          withRoom(() => {
            for (let sent = 0; sent < bytes.length; ) sent += writeSync(file, bytes, sent);
          }),
        async close() {
          closeSync(file);
        },
      };
    },
    symlink: (path, to) =>
      withRoom(() => {
        makeFolder(dirname(path));
        symlinkSync(to, join(part, path));
      }),
    async commit() {
      await chmod(part, 0o755);
      await rename(part, target);
    },
    async discard() {
      await rm(part, { recursive: true, force: true });
    },
  };
}
