import { createReadStream } from 'node:fs';
import { appendFile, mkdir, readdir, stat, unlink } from 'node:fs/promises';
import { join } from 'node:path';
import type { SampleJournal } from '../judge/index.ts';

/**
 * The journal of the sample store: one file per segment in a folder of its own. Nothing is forced to disk: a killed
 * process loses what it had not handed to the system (at most the open bins), which is then missing.
 */
export async function openSampleFiles(folder: string): Promise<SampleJournal> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const list = async () => (await readdir(folder)).filter((name) => /^samples-\d{8,}\.ndjson$/.test(name)).sort();
  const last = (await list()).at(-1);
  let number = last ? Number(last.slice('samples-'.length, -'.ndjson'.length)) : 0;
  const pathOf = (segment: number) => join(folder, `samples-${String(segment).padStart(8, '0')}.ndjson`);

  return {
    async *read() {
      for (const name of await list()) yield* linesOf(join(folder, name));
    },
    async append(text, startsSegment) {
      if (startsSegment) number += 1;
      await appendFile(pathOf(number), text, { mode: 0o600 });
    },
    async forgetBefore(atMs) {
      for (const name of await list()) {
        const path = join(folder, name);
        if (path !== pathOf(number) && (await stat(path)).mtimeMs < atMs) await unlink(path);
      }
    },
    async close() {},
  };
}

/** Pieces that end at the end of a line; a last line without one was cut off and is left out. */
async function* linesOf(path: string): AsyncGenerator<string> {
  let rest = '';
  for await (const piece of createReadStream(path, { encoding: 'utf8' })) {
    const text = rest + piece;
    const end = text.lastIndexOf('\n') + 1;
    if (end > 0) yield text.slice(0, end);
    rest = text.slice(end);
  }
}
