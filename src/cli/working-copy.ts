import {
  currentBranch,
  dirtyFiles,
  isRepository,
  readRepositoryFacts,
  remoteAddress,
  repositoryRoot,
  resolveCommit as resolveIn,
} from '../io/index.ts';
import { ProblemError, problem, type Result } from '../model/index.ts';

/** The Git repository that the command was called in. */
export interface WorkingCopy {
  readonly root: string;
  /** By which a server may know it: its folder, and its remote. */
  readonly addresses: readonly string[];
  readonly branch: string | undefined;
}

/** Throws an expected problem on its way to the terminal. */
export function unwrap<T>(result: Result<T>): T {
  if (result.ok) return result.value;
  throw new ProblemError(result.error);
}

export async function findRepository(folder = process.cwd()): Promise<WorkingCopy | undefined> {
  if (!(await isRepository(folder))) return undefined;
  const found = await repositoryRoot(folder);
  if (!found.ok) return undefined;
  const remote = await remoteAddress(found.value);
  return {
    root: found.value,
    addresses: remote === undefined ? [found.value] : [found.value, remote],
    branch: await currentBranch(found.value),
  };
}

/** Whether a repository says how it is deployed. */
export async function hasConfig(root: string): Promise<boolean> {
  const { entries } = await readRepositoryFacts(root);
  return entries.some((name) => /^rollway\.(config\.m?[tj]s|ya?ml)$/.test(name));
}

/** The repository here; a problem outside of one. */
export async function needRepository(): Promise<WorkingCopy> {
  const found = await findRepository();
  if (found === undefined)
    throw new ProblemError(problem('git/not-a-repository', `${process.cwd()} is not in a Git repository`));
  return found;
}

/** The full id of a commit by any name Git knows here; outside a repository only ids pass. */
export async function resolveCommit(name: string): Promise<string> {
  const here = await findRepository();
  if (here === undefined) {
    if (/^[0-9a-f]{7,64}$/.test(name)) return name;
    throw new ProblemError(problem('git/not-a-repository', `"${name}" can be looked up only inside a repository`));
  }
  const found = await resolveIn(here.root, name);
  if (found.ok) return found.value;
  // A commit that only the server has.
  if (/^[0-9a-f]{7,64}$/.test(name)) return name;
  throw new ProblemError(found.error);
}

/** Refuses to go on when the work tree differs from its commit, naming the files. */
export async function refuseDirty(here: WorkingCopy): Promise<void> {
  const files = unwrap(await dirtyFiles(here.root));
  if (files.length === 0) return;
  const shown = files.slice(0, 10).join(', ');
  const more = files.length > 10 ? ` and ${files.length - 10} more` : '';
  throw new ProblemError(problem('git/dirty-tree', `not committed: ${shown}${more}`, { files }));
}
