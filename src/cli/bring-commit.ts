import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createBundle, recentCommits } from '../io/index.ts';
import { ProblemError } from '../model/index.ts';
import type { Session } from './session.ts';
import { unwrap, type WorkingCopy } from './working-copy.ts';

/** Uploads what leads to `commit` and the server lacks, as a Git bundle. Nothing is released by that. */
export async function bringCommit(
  { client, out }: Session,
  here: WorkingCopy,
  repository: string,
  commit: string,
): Promise<void> {
  const params = { repository };
  if (await hasCommit(client, repository, commit)) return;
  const folder = await mkdtemp(join(tmpdir(), 'rollway-bundle-'));
  try {
    const file = join(folder, 'commits.bundle');
    // Only what leads to it and the server lacks travels.
    const commits = unwrap(await recentCommits(here.root, commit));
    const known = (await client.listKnownCommits({ params, body: { commits } })).commits;
    unwrap(await createBundle(here.root, commit, known, file));
    const bytes = await readFile(file);
    if (out.format === 'table') out.line(`Uploading ${Math.ceil(bytes.length / 1024)} kB of commits …`);
    await client.uploadBundle({ params, query: { commit }, bytes });
  } finally {
    await rm(folder, { recursive: true, force: true });
  }
}

async function hasCommit(client: Session['client'], repository: string, commit: string): Promise<boolean> {
  try {
    await client.findCommit({ params: { repository, commit } });
    return true;
  } catch (error) {
    if (error instanceof ProblemError && error.problem.status === 404) return false;
    throw error;
  }
}
