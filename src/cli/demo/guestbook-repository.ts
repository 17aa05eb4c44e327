import { execFile } from 'node:child_process';
import { cp, mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const examples = fileURLToPath(new URL('../../../examples', import.meta.url));

/** One commit of the tour: what is laid over the repository, and its message. */
export interface TourCommit {
  readonly folder: string | undefined;
  readonly subject: string;
  readonly body?: string;
}

export const tourCommits: readonly [TourCommit, TourCommit, TourCommit, TourCommit, TourCommit] = [
  { folder: undefined, subject: 'A guestbook' },
  { folder: 'tour/2-warmer-greeting', subject: 'Greet visitors more warmly' },
  { folder: 'tour/3-cache', subject: 'Pool the connections of the look-up' },
  { folder: 'tour/4-footer', subject: 'Say how to sign' },
  { folder: 'tour/5-fix', subject: 'Take the connection pool out again' },
];

/** The demo's Git repository: a real one, made from `examples/guestbook`. */
export interface GuestbookRepository {
  readonly folder: string;
  /** Subjects of the commits that are there, oldest first. */
  subjects(): Promise<string[]>;
  /** Commits one step of the tour unless it is there already; gives its id. `fixes` becomes the trailer. */
  commit(step: TourCommit, fixes?: string): Promise<string>;
}

export async function openGuestbookRepository(folder: string): Promise<GuestbookRepository> {
  const git = async (...args: string[]) => {
    const identity = ['-c', 'user.name=Tour', '-c', 'user.email=tour@rollway.invalid', '-c', 'commit.gpgsign=false'];
    return (await run('git', ['-C', folder, ...identity, ...args])).stdout.trim();
  };
  await mkdir(folder, { recursive: true });
  await git('init', '--quiet', '--initial-branch=main');
  const log = async () => {
    const text = await git('log', '--format=%H %s', '--reverse').catch(() => '');
    return text
      .split('\n')
      .flatMap((line) => (line === '' ? [] : [{ id: line.slice(0, 40), subject: line.slice(41) }]));
  };
  return {
    folder,
    subjects: async () => (await log()).map((entry) => entry.subject),
    async commit(step, fixes) {
      const known = (await log()).find((entry) => entry.subject === step.subject);
      if (known !== undefined) return known.id;
      await cp(join(examples, step.folder ?? 'guestbook'), folder, { recursive: true });
      await git('add', '--all');
      const trailer = fixes === undefined ? [] : ['-m', `Rollway-Fixes: ${fixes}`];
      await git('commit', '--quiet', '-m', step.subject, ...trailer);
      return git('rev-parse', 'HEAD');
    },
  };
}
