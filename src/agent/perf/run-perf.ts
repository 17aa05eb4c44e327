import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { writeFileAtomic } from '../../io/files.ts';
import { type PerfOrder, perfPairsSchema } from '../../model/index.ts';
import { type PerfTask, perfFiles } from './task.ts';

// Beside this file, in the language this file is in.
const perfMain = fileURLToPath(new URL(`./main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));
/** Of the action's time, kept for the last words. */
const marginMs = 5000;

/** What a keeper runs to compare two builds that lie in an action's folder. */
export async function perfCommands(order: PerfOrder, folder: string, timeoutMs: number): Promise<string[][]> {
  const inputs = (build: string) => join(folder, 'inputs', build);
  const task: PerfTask = {
    order,
    folders: { old: inputs('old'), new: inputs('new') },
    output: join(folder, perfFiles.pairs),
    endsInMs: Math.max(timeoutMs / 2, timeoutMs - marginMs),
  };
  const file = join(folder, perfFiles.task);
  await writeFileAtomic(file, JSON.stringify(task));
  return [[process.execPath, '--no-warnings', perfMain, file]];
}

/** What was measured; nothing where the file is not what it should be: then nothing can be told. */
export async function readPairs(folder: string): Promise<[number, number][]> {
  const text = await readFile(join(folder, perfFiles.pairs), 'utf8').catch(() => '[]');
  try {
    const read = perfPairsSchema.safeParse(JSON.parse(text));
    return read.success ? read.data : [];
  } catch {
    return [];
  }
}
