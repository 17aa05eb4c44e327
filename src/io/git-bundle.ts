import { randomBytes } from 'node:crypto';
import { type CommitId, err, ok, problem, type Result } from '../model/index.ts';
import { hasCommit, isCommitId, resolveCommit } from './git.ts';
import { runGit, runGitForLine } from './git-command.ts';

/** Which of these commits a repository has, in their order. The client asks so that it sends only what is missing. */
export async function knownCommits(repository: string, commits: readonly CommitId[]): Promise<Result<CommitId[]>> {
  const asked = commits.filter(isCommitId).slice(0, 10_000);
  const input = asked.map((id) => `${id}\n`).join('');
  const answer = await runGit(repository, ['cat-file', '--batch-check=%(objectname) %(objecttype)'], { input });
  if (!answer.ok) return answer;
  const known = new Set(
    answer.value
      .toString('utf8')
      .split('\n')
      .flatMap((line) => (line.endsWith(' commit') ? [line.slice(0, -7)] : [])),
  );
  return ok(asked.filter((id) => known.has(id)));
}

/** The newest commits that lead to this one: what a client asks the server about. */
export async function recentCommits(repository: string, commit: CommitId, limit = 200): Promise<Result<CommitId[]>> {
  if (!isCommitId(commit)) return err(problem('git/unknown-commit', `${JSON.stringify(commit)} is not a commit id.`));
  const listed = await runGit(repository, ['rev-list', `--max-count=${limit}`, commit]);
  return listed.ok ? ok(listed.value.toString('utf8').split('\n').filter(isCommitId)) : listed;
}

/** Writes a bundle with `commit` and all that leads to it and is in none of `known`. */
export async function createBundle(
  repository: string,
  commit: CommitId,
  known: readonly CommitId[],
  file: string,
): Promise<Result<void>> {
  if (!(await hasCommit(repository, commit))) {
    return err(problem('git/unknown-commit', `There is no commit ${JSON.stringify(commit)}.`));
  }
  const isHead = await resolveCommit(repository, 'HEAD');
  if (isHead.ok && isHead.value === commit) return bundle(repository, 'HEAD', known, file);
  // A bundle holds refs, not bare commits: a ref of ours stands for it meanwhile.
  const name = `refs/rollway/bundle-${randomBytes(6).toString('hex')}`;
  const named = await runGit(repository, ['update-ref', name, commit]);
  if (!named.ok) return named;
  try {
    return await bundle(repository, name, known, file);
  } finally {
    await runGit(repository, ['update-ref', '-d', name]);
  }
}

async function bundle(
  repository: string,
  ref: string,
  known: readonly CommitId[],
  file: string,
): Promise<Result<void>> {
  const without = known.filter(isCommitId).map((id) => `^${id}`);
  const input = `${[ref, ...without].join('\n')}\n`;
  const made = await runGit(repository, ['bundle', 'create', '--quiet', file, '--stdin'], {
    input,
    timeoutMs: 300_000,
  });
  return made.ok ? ok(undefined) : made;
}

/**
 * Takes an uploaded bundle into a bare repository of ours: its objects are checked, it must contain `commit`, and all
 * that leads to it must be there. Kept as a ref of ours; no branch moves.
 */
export async function acceptBundle(repository: string, file: string, commit: CommitId): Promise<Result<void>> {
  const bad = (why: string) => err(problem('git/bad-bundle', `The bundle cannot be used: ${why}`, { commit }));
  if (!isCommitId(commit)) return err(problem('git/unknown-commit', `${JSON.stringify(commit)} is not a commit id.`));
  const heads = await runGitForLine(repository, ['bundle', 'list-heads', file]);
  if (!heads.ok) return bad(heads.error.detail);
  const ref = heads.value
    .split('\n')
    .find((line) => line.startsWith(`${commit} `))
    ?.slice(commit.length + 1);
  if (ref === undefined || !/^(HEAD|refs\/[\w./-]+)$/.test(ref)) return bad(`it does not contain ${commit}`);
  const options = ['--quiet', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance'];
  const fetched = await runGit(
    repository,
    [
      '-c',
      'fetch.fsckObjects=true',
      'fetch',
      ...options,
      '--end-of-options',
      file,
      `+${ref}:refs/rollway/uploads/${commit}`,
    ],
    { timeoutMs: 300_000 },
  );
  if (!fetched.ok) return bad(fetched.error.detail);
  return (await hasCommit(repository, commit)) ? ok(undefined) : bad(`it does not contain ${commit}`);
}
