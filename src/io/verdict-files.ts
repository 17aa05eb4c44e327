import { mkdir, readdir, readFile, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip, gzip } from 'node:zlib';
import type { VerdictInputs } from '../judge/index.ts';
import { writeFileAtomic } from './files.ts';

const pack = promisify(gzip);
const unpack = promisify(gunzip);
/** Packed; of what is larger no input is kept, and replay says so. */
const maxBytes = 32 * 1024 * 1024;
const maxUnpackedBytes = 1024 * 1024 * 1024;

/** Inputs of verdicts, packed: a folder for each rollout, a file for each look. */
export async function openVerdictFiles(folder: string): Promise<VerdictInputs> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const folderOf = (rollout: string) => join(folder, encodeURIComponent(rollout));
  const pathOf = (rollout: string, lookId: string) => join(folderOf(rollout), `${encodeURIComponent(lookId)}.json.gz`);
  return {
    async save(rollout, lookId, text) {
      const bytes = await pack(text);
      if (bytes.byteLength > maxBytes) return;
      await mkdir(folderOf(rollout), { recursive: true, mode: 0o700 });
      await writeFileAtomic(pathOf(rollout, lookId), bytes, { isDurable: false });
    },
    async load(rollout, lookId) {
      const path = pathOf(rollout, lookId);
      const isThere = await stat(path).catch(() => undefined);
      if (!isThere) return undefined;
      return (await unpack(await readFile(path), { maxOutputLength: maxUnpackedBytes })).toString('utf8');
    },
    async forgetAllBut(newest) {
      // Ids grow with time.
      const names = (await readdir(folder)).sort().reverse();
      for (const name of names.slice(newest)) await rm(join(folder, name), { recursive: true, force: true });
    },
  };
}
