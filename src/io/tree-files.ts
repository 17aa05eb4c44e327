import { randomBytes } from 'node:crypto';
import { constants, createReadStream } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir, readlink, rename, rm, symlink } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import type { FoundEntry, TreeReader, TreeWriter } from '../artifact/index.ts';
import { ProblemError } from '../model/index.ts';
import { asDiskFull } from './blob-files.ts';

/** A real folder, to be packed or checked. Links are told, never followed. */
export function openTreeReader(folder: string): TreeReader {
  return {
    async list(skip) {
      const found: FoundEntry[] = [];
      await listInto(found, folder, '', skip);
      return found;
    },
    read: (path) =>
      createReadStream(join(folder, path), {
        flags: (constants.O_RDONLY | constants.O_NOFOLLOW) as unknown as string,
        highWaterMark: 256 * 1024,
      }),
  };
}

async function listInto(
  found: FoundEntry[],
  folder: string,
  prefix: string,
  skip: (path: string) => boolean,
): Promise<number> {
  const inside = await readdir(join(folder, prefix), { withFileTypes: true });
  let kept = 0;
  for (const item of inside) {
    const path = prefix === '' ? item.name : `${prefix}/${item.name}`;
    if (skip(path)) continue;
    kept += 1;
    if (item.isDirectory()) {
      const below = await listInto(found, folder, path, skip);
      found.push({ kind: 'directory', path, isEmpty: below === 0 });
    } else if (item.isSymbolicLink()) {
      found.push({ kind: 'symlink', path, target: await readlink(join(folder, path)) });
    } else if (item.isFile()) {
      const { mode } = await lstat(join(folder, path));
      found.push({ kind: 'file', path, executable: (mode & 0o100) !== 0 });
    } else {
      found.push({ kind: 'other', path, what: item.isFIFO() ? 'pipe' : item.isSocket() ? 'socket' : 'device' });
    }
  }
  return kept;
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

  const makeFolder = async (path: string): Promise<void> => {
    if (made.has(path)) return;
    await makeFolder(dirname(path));
    await mkdir(join(part, path));
    await chmod(join(part, path), 0o755); // whatever the umask
    made.add(path);
  };
  const withRoom = async <T>(act: Promise<T>): Promise<T> => {
    try {
      return await act;
    } catch (error) {
      const full = asDiskFull(error, target);
      throw full ? new ProblemError(full, { cause: error }) : error;
    }
  };

  return {
    directory: (path) => withRoom(makeFolder(path)),
    async openFile(path, executable) {
      await withRoom(makeFolder(dirname(path)));
      const handle = await withRoom(open(join(part, path), 'wx'));
      await handle.chmod(executable ? 0o755 : 0o644);
      return {
        async write(bytes) {
          await withRoom(handle.writeFile(bytes));
        },
        close: () => handle.close(),
      };
    },
    async symlink(path, to) {
      await withRoom(makeFolder(dirname(path)));
      await withRoom(symlink(to, join(part, path)));
    },
    async commit() {
      await chmod(part, 0o755);
      await rename(part, target);
    },
    async discard() {
      await rm(part, { recursive: true, force: true });
    },
  };
}
