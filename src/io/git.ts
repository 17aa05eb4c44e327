import { access, mkdir, realpath } from 'node:fs/promises';
import { isAbsolute } from 'node:path';
import { type CommitId, err, ok, type Problem, problem, type Result } from '../model/index.ts';
import { type GitLimits, runGit, runGitForLine, withoutSecrets } from './git-command.ts';

/**
 * The `git` command for what Rollway needs of a repository. Repositories are hostile until proved otherwise: names
 * are never options, settings are never programs, and there is a limit to everything.
 */

const nullCommit = /^0+$/;

export function isCommitId(text: string): boolean {
  return /^([0-9a-f]{40}|[0-9a-f]{64})$/.test(text) && !nullCommit.test(text);
}

/** Whether the folder lies in a Git repository (or is a bare one). */
export async function isRepository(folder: string): Promise<boolean> {
  try {
    await access(folder);
  } catch {
    return false;
  }
  return (await runGit(folder, ['rev-parse', '--git-dir'])).ok;
}

/** The top folder of the work tree that `folder` lies in. */
export async function repositoryRoot(folder: string): Promise<Result<string>> {
  const root = await runGitForLine(folder, ['rev-parse', '--show-toplevel']);
  if (root.ok && root.value !== '') return root;
  return err(whyNoRepository(folder, root.ok ? undefined : root.error));
}

/** Git looks at nothing that belongs to another user, unless somebody allowed it: that is worth a word of its own. */
function whyNoRepository(folder: string, why: Problem | undefined): Problem {
  if (!/dubious ownership/.test(why?.detail ?? '')) {
    return problem('git/not-a-repository', `${folder} is not in a Git repository.`, { folder });
  }
  const remedy = `Run Rollway as its owner, or allow it: git config --global --add safe.directory ${folder}`;
  return problem('git/failed', `${folder} belongs to another user.`, { folder }, remedy);
}

/** A commit by any name Git knows (`HEAD`, a branch, a short id). */
export async function resolveCommit(repository: string, name: string): Promise<Result<CommitId>> {
  const found = await runGitForLine(repository, [
    'rev-parse',
    '--verify',
    '--quiet',
    '--end-of-options',
    `${name}^{commit}`,
  ]);
  if (found.ok && isCommitId(found.value)) return found;
  if (!found.ok && found.error.code !== 'git/failed') return found;
  return err(problem('git/unknown-commit', `There is no commit ${JSON.stringify(name)}.`, { name }));
}

/** Git's own name of the tree of a commit: equal trees, equal names. */
export async function resolveTree(repository: string, commit: CommitId): Promise<Result<string>> {
  if (!isCommitId(commit)) return err(problem('git/unknown-commit', `${JSON.stringify(commit)} is not a commit id.`));
  return runGitForLine(repository, ['rev-parse', '--verify', '--quiet', '--end-of-options', `${commit}^{tree}`]);
}

/** The newest commit of a branch of this very repository. */
export async function headOf(repository: string, branch: string): Promise<Result<CommitId>> {
  const found = await resolveCommit(repository, `refs/heads/${branch}`);
  if (found.ok || found.error.code !== 'git/unknown-commit') return found;
  return err(problem('git/unknown-branch', `There is no branch ${JSON.stringify(branch)}.`, { branch }));
}

export async function hasCommit(repository: string, commit: CommitId): Promise<boolean> {
  return isCommitId(commit) && (await runGit(repository, ['cat-file', '-e', `${commit}^{commit}`])).ok;
}

/** The branch a work tree is on; undefined when it is on none. */
export async function currentBranch(folder: string): Promise<string | undefined> {
  const branch = await runGitForLine(folder, ['symbolic-ref', '--quiet', '--short', 'HEAD']);
  return branch.ok && branch.value !== '' ? branch.value : undefined;
}

/** Where a remote of a work tree lies; undefined when it has none of that name. */
export async function remoteAddress(folder: string, remote = 'origin'): Promise<string | undefined> {
  const address = await runGitForLine(folder, ['config', '--get', `remote.${remote}.url`]);
  return address.ok && address.value !== '' ? address.value : undefined;
}

/** Files of a work tree that differ from its commit, untracked ones included; at most `limit`. */
export async function dirtyFiles(folder: string, limit = 100): Promise<Result<readonly string[]>> {
  const status = await runGit(folder, ['status', '--porcelain=v1', '-z', '--untracked-files=normal', '--no-renames']);
  if (!status.ok) return status;
  const lines = status.value.toString('utf8').split('\0');
  return ok(lines.flatMap((line) => (line.length > 3 ? [line.slice(3)] : [])).slice(0, limit));
}

/** The best common ancestor, or undefined when two commits have none. */
export async function mergeBase(repository: string, a: CommitId, b: CommitId): Promise<Result<CommitId | undefined>> {
  if (!isCommitId(a) || !isCommitId(b)) {
    return err(problem('git/unknown-commit', `${JSON.stringify(isCommitId(a) ? b : a)} is not a commit id.`));
  }
  const base = await runGitForLine(repository, ['merge-base', a, b]);
  if (base.ok) return base;
  return base.error.facts.code === 1 ? ok(undefined) : base;
}

/** The default branch of a repository anywhere, e.g. `main`. */
export async function defaultBranchOf(source: string, limits?: GitLimits): Promise<Result<string>> {
  const checked = await checkSource(source);
  if (!checked.ok) return checked;
  const answer = await runGitForLine('/', ['ls-remote', '--symref', '--end-of-options', checked.value, 'HEAD'], limits);
  if (!answer.ok) return answer;
  const branch = /^ref: refs\/heads\/(\S+)\tHEAD$/m.exec(answer.value)?.[1];
  if (branch !== undefined) return ok(branch);
  return err(problem('git/unknown-branch', `${withoutSecrets(source)} has no default branch yet.`));
}

const fetching = new Map<string, Promise<unknown>>();

/**
 * Brings all branches and tags of a repository into a bare one of ours, made when it is not there yet. Commits that
 * were once fetched or uploaded stay, also when their branch is gone or was rewritten.
 */
export async function mirrorRepository(source: string, mirror: string, limits: GitLimits = {}): Promise<Result<void>> {
  // Two fetches into one folder would meet at Git's locks.
  const before = fetching.get(mirror) ?? Promise.resolve();
  const turn = before.then(() => fetchInto(source, mirror, limits));
  const settled = turn.catch(() => undefined);
  fetching.set(mirror, settled);
  try {
    return await turn;
  } finally {
    if (fetching.get(mirror) === settled) fetching.delete(mirror);
  }
}

async function fetchInto(source: string, mirror: string, limits: GitLimits): Promise<Result<void>> {
  const checked = await checkSource(source);
  if (!checked.ok) return checked;
  const made = await makeBare(mirror);
  if (!made.ok) return made;
  const branches = ['+refs/heads/*:refs/heads/*', '+refs/tags/*:refs/tags/*'];
  const options = ['--quiet', '--prune', '--no-tags', '--no-write-fetch-head', '--no-auto-maintenance'];
  const fetched = await runGit(
    mirror,
    ['fetch', ...options, '--update-head-ok', '--end-of-options', checked.value, ...branches],
    { timeoutMs: 600_000, ...limits },
  );
  return fetched.ok ? ok(undefined) : fetched;
}

/** An empty bare repository of ours, unless it is there already. */
export async function makeBare(folder: string): Promise<Result<void>> {
  await mkdir(folder, { recursive: true, mode: 0o700 });
  const there = await runGitForLine(folder, ['rev-parse', '--absolute-git-dir']);
  if (there.ok && there.value === (await realpath(folder))) return ok(undefined);
  const made = await runGit(folder, ['init', '--quiet', '--bare', '--template=', '--initial-branch=main', '.']);
  return made.ok ? ok(undefined) : made;
}

/** Addresses that Git would take for an option or a helper program are refused before Git sees them. */
export async function checkSource(source: string): Promise<Result<string>> {
  const bad = (why: string) =>
    err(
      problem('git/bad-source', `${JSON.stringify(withoutSecrets(source))} ${why}.`, {
        source: withoutSecrets(source),
      }),
    );
  if (source.startsWith('-') || /[\0\n\r]/.test(source)) return bad('is not an address');
  if (isAbsolute(source) || source.startsWith('file:///')) {
    const folder = source.replace(/^file:\/\//, '');
    if (await isRepository(folder)) return ok(folder);
    const found = await repositoryRoot(folder);
    return found.ok ? ok(folder) : found;
  }
  if (/^(https?|ssh):\/\/[^-/\s][^\s]*$/.test(source)) return ok(source);
  if (/^[\w.]+@[\w.][\w.-]*:[^-\s:][^\s]*$/.test(source)) return ok(source);
  return bad('is neither an absolute path nor an https, ssh or user@host:path address');
}
