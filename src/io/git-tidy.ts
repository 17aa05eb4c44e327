import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import type { CommitId } from '../model/index.ts';
import { runGit, runGitForLine } from './git-command.ts';

export interface TidyMirror {
  /** Uploaded commits that somebody still works with. */
  readonly keep: ReadonlySet<CommitId>;
  /** Others go when their commit and their upload are older than this. */
  readonly olderThanMs: number;
  readonly signal?: AbortSignal;
}

/** Loose objects and packs beyond which reading becomes slow: Git's own limits for collecting by itself. */
const maxLoose = 6700;
const maxPacks = 50;
const uploads = 'refs/rollway/uploads/';

/** Forgets uploads of long ago in a bare copy of ours and packs what lies about. Returns how many it forgot. */
export async function tidyMirror(folder: string, { keep, olderThanMs, signal }: TidyMirror): Promise<number> {
  const limits = { timeoutMs: 600_000, signal };
  const listed = await runGit(folder, ['for-each-ref', '--format=%(refname) %(committerdate:unix)', uploads], limits);
  if (!listed.ok) return 0;
  const old: string[] = [];
  for (const line of listed.value.toString('utf8').split('\n').filter(Boolean)) {
    const [ref = '', seconds = ''] = line.split(' ');
    if (keep.has(ref.slice(uploads.length)) || Number(seconds) * 1000 >= olderThanMs) continue;
    // Packed references have no time of their own, but were uploaded before they were packed.
    const uploaded = await stat(join(folder, ref)).catch(() => undefined);
    if ((uploaded?.mtimeMs ?? 0) < olderThanMs) old.push(ref);
  }
  if (old.length > 0) {
    const input = old.map((ref) => `delete ${ref}\n`).join('');
    const deleted = await runGit(folder, ['update-ref', '--stdin'], { ...limits, input });
    if (!deleted.ok) return 0;
  }
  if (old.length > 0 || (await liesAbout(folder))) {
    await runGit(folder, ['gc', '--quiet', '--prune=30.days.ago'], limits);
  }
  return old.length;
}

async function liesAbout(folder: string): Promise<boolean> {
  const counted = await runGitForLine(folder, ['count-objects', '-v']);
  if (!counted.ok) return false;
  const numberOf = (name: string) => Number(new RegExp(`^${name}: (\\d+)$`, 'm').exec(counted.value)?.[1] ?? 0);
  return numberOf('count') > maxLoose || numberOf('packs') > maxPacks;
}
