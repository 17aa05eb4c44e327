import { stat } from 'node:fs/promises';
import { isAbsolute, join } from 'node:path';
import { type CommitId, err, problem, type Result } from '../model/index.ts';
import { checkSource, isCommitId } from './git.ts';
import { type GitLimits, runGit } from './git-command.ts';

/** Git keeps a branch in one of these, and replaces a file rather than writing into it. */
const keptIn = (branch: string) => [`refs/heads/${branch}`, 'packed-refs', 'reftable/tables.list'];

/**
 * Something that differs when a branch of a local repository may have moved: which files its name is kept in, and
 * when they were replaced. Equal stamps mean an unmoved branch; no Git is run (0.1 ms instead of 19 ms on a busy machine).
 * Undefined: it lies elsewhere, or in a layout that this does not know.
 */
export async function headStamp(location: string, branch: string): Promise<string | undefined> {
  if (!isAbsolute(location)) return undefined;
  for (const folder of [join(location, '.git'), location]) {
    const [head, ...refs] = await Promise.all(['HEAD', ...keptIn(branch)].map((name) => stampOf(join(folder, name))));
    if (head === undefined) continue;
    return refs.some((stamp) => stamp !== undefined) ? `${folder} ${refs.join(' ')}` : undefined;
  }
  return undefined;
}

/** Device and inode change when a file is replaced, the times when it is written. */
async function stampOf(file: string): Promise<string | undefined> {
  try {
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(file, { bigint: true });
    return `${dev}:${ino}:${size}:${mtimeNs}:${ctimeNs}`;
  } catch {
    return undefined;
  }
}

/** The newest commit of a branch elsewhere, asked for by name: nothing is fetched. `folder` is a repository of ours. */
export async function remoteHead(
  folder: string,
  source: string,
  branch: string,
  limits: GitLimits = {},
): Promise<Result<CommitId>> {
  const checked = await checkSource(source);
  if (!checked.ok) return checked;
  const ref = `refs/heads/${branch}`;
  const listed = await runGit(folder, ['ls-remote', '--quiet', '--end-of-options', checked.value, ref], limits);
  if (!listed.ok) return listed;
  for (const line of listed.value.toString('utf8').split('\n')) {
    const [id = '', name] = line.split('\t');
    if (name === ref && isCommitId(id)) return { ok: true, value: id };
  }
  return err(problem('git/unknown-branch', `There is no branch ${JSON.stringify(branch)}.`, { branch }));
}
