import { readdir, readFile } from 'node:fs/promises';
import { basename, join, resolve } from 'node:path';
import type { RepositoryFacts } from '../spec/index.ts';

/** What `rollway init` needs to know of a folder. */
export async function readRepositoryFacts(folder: string): Promise<RepositoryFacts> {
  return {
    folder: basename(resolve(folder)),
    entries: (await readdir(folder)).sort(),
    packageJson: await readFile(join(folder, 'package.json'), 'utf8').catch(() => undefined),
  };
}
