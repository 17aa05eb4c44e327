import { type CommitId, err, ok, problem, type Result } from '../model/index.ts';
import { isCommitId, resolveCommit } from './git.ts';
import { runGit } from './git-command.ts';

/** One commit as the decisions need it. */
export interface CommitFacts {
  readonly id: CommitId;
  /** First parent first. */
  readonly parents: readonly CommitId[];
  readonly author: string;
  readonly authoredAtMs: number;
  /** First line of the message. */
  readonly subject: string;
  /** The whole message, cut at 64 kB: for whoever reads more than the lines below out of it. */
  readonly message: string;
  /** Values of `Rollway-Fixes:` trailers: marks or commits. */
  readonly fixes: readonly string[];
  /** Commits of which Git's own revert message says that this one reverts them. */
  readonly reverts: readonly CommitId[];
  /** Place on the branch by first parents, the root is 1; off it, the place of the branch commit it stands on. */
  readonly position: number;
  readonly isOnBranch: boolean;
}

export interface CommitsSince {
  /** Parents before children. */
  readonly commits: readonly CommitFacts[];
  /** There are more than `limit`: these are the oldest; ask again with the last of them as known. */
  readonly isCut: boolean;
}

const format = '%H%n%P%n%an%n%at%n%s%n%(trailers:key=Rollway-Fixes,valueonly=true,unfold=true,separator=%x2C)%n%B';

/**
 * What `head` contains and none of `known` does, with positions on the branch whose newest commit is `branchHead`
 * (`head` itself when left out). Known commits that the repository does not have are ignored.
 */
export async function commitsSince(
  repository: string,
  head: CommitId,
  known: readonly CommitId[],
  options: { readonly branchHead?: CommitId | undefined; readonly limit?: number | undefined } = {},
): Promise<Result<CommitsSince>> {
  const { branchHead = head, limit = 10_000 } = options;
  const wrong = [head, branchHead, ...known].find((id) => !isCommitId(id));
  if (wrong !== undefined) return err(problem('git/unknown-commit', `${JSON.stringify(wrong)} is not a commit id.`));
  const range = [head, ...known.map((id) => `^${id}`)];
  const listed = await listIds(repository, ['rev-list', '--topo-order', '--reverse', '--ignore-missing'], range);
  if (!listed.ok) return listed;
  const commits = await readCommits(repository, listed.value.slice(0, limit), branchHead);
  return commits.ok ? ok({ commits: commits.value, isCut: listed.value.length > limit }) : commits;
}

async function readCommits(
  repository: string,
  ids: readonly CommitId[],
  branchHead: CommitId,
): Promise<Result<CommitFacts[]>> {
  if (ids.length === 0) return ok([]);
  const log = await runGit(
    repository,
    [
      'log',
      '-z',
      '--no-walk=unsorted',
      '--no-color',
      '--no-notes',
      '--encoding=UTF-8',
      `--format=${format}`,
      '--stdin',
    ],
    { input: ids.map((id) => `${id}\n`).join(''), timeoutMs: 120_000, maxBytes: 256 * 1024 * 1024 },
  );
  if (!log.ok) return log;
  const positions = await positionsOn(repository, branchHead, ids);
  if (!positions.ok) return positions;
  const found = parseLog(log.value.toString('utf8'));
  return ok(found.map((commit) => ({ ...commit, ...positions.value.get(commit.id)! })));
}

/** Only the facts of one commit, with its place on a branch. */
export async function readCommit(
  repository: string,
  commit: CommitId,
  branchHead: CommitId = commit,
): Promise<Result<CommitFacts>> {
  const known = await resolveCommit(repository, commit);
  const found = known.ok ? await readCommits(repository, [known.value], branchHead) : known;
  return found.ok ? ok(found.value[0]!) : found;
}

export interface Position {
  readonly position: number;
  readonly isOnBranch: boolean;
}

/** Where commits stand on the branch that ends in `branchHead`. A commit without any relation to it stands at 0. */
export async function positionsOn(
  repository: string,
  branchHead: CommitId,
  commits: readonly CommitId[],
): Promise<Result<ReadonlyMap<CommitId, Position>>> {
  const chain = await listIds(repository, ['rev-list', '--first-parent'], [branchHead]);
  if (!chain.ok) return chain;
  const onBranch = new Map(chain.value.map((id, at) => [id, chain.value.length - at]));
  const found = new Map<CommitId, Position>();
  const aside: CommitId[] = [];
  for (const id of commits) {
    const position = onBranch.get(id);
    if (position === undefined) aside.push(id);
    else found.set(id, { position, isOnBranch: true });
  }
  if (aside.length === 0) return ok(found);
  const bases = await basesOf(repository, aside, onBranch);
  if (!bases.ok) return bases;
  for (const id of aside) found.set(id, { position: bases.value.get(id) ?? 0, isOnBranch: false });
  return ok(found);
}

/** For commits off the branch: the highest place of a branch commit among their ancestors. */
async function basesOf(
  repository: string,
  commits: readonly CommitId[],
  onBranch: ReadonlyMap<CommitId, number>,
): Promise<Result<ReadonlyMap<CommitId, number>>> {
  const walk = await runGit(repository, ['rev-list', '--parents', '--topo-order', '--reverse', '--stdin'], {
    input: `${commits.join('\n')}\n`,
    timeoutMs: 120_000,
    maxBytes: 512 * 1024 * 1024,
  });
  if (!walk.ok) return walk;
  const bases = new Map<CommitId, number>();
  for (const line of walk.value.toString('utf8').split('\n')) {
    const [id, ...parents] = line.split(' ');
    if (!id) continue;
    const own = onBranch.get(id);
    bases.set(id, own ?? parents.reduce((most, parent) => Math.max(most, bases.get(parent) ?? 0), 0));
  }
  return ok(bases);
}

async function listIds(
  repository: string,
  args: readonly string[],
  range: readonly string[],
): Promise<Result<CommitId[]>> {
  const limits = { input: `${range.join('\n')}\n`, timeoutMs: 120_000, maxBytes: 256 * 1024 * 1024 };
  const output = await runGit(repository, [...args, '--stdin'], limits);
  return output.ok ? ok(output.value.toString('utf8').split('\n').filter(isCommitId)) : output;
}

type Parsed = Omit<CommitFacts, 'position' | 'isOnBranch'>;

function parseLog(text: string): Parsed[] {
  const commits: Parsed[] = [];
  for (const record of text.split('\0')) {
    const [id = '', parents = '', author = '', seconds = '', subject = '', fixes = '', ...body] = record.split('\n');
    if (!isCommitId(id)) continue;
    commits.push({
      id,
      parents: parents.split(' ').filter(isCommitId),
      author: author.slice(0, 200),
      authoredAtMs: Number(seconds) * 1000,
      subject: subject.slice(0, 500),
      message: body.join('\n').slice(0, 65_536),
      fixes: readFixes(fixes),
      reverts: readReverts(body.join('\n')),
    });
  }
  return commits;
}

/** `abc123, mark_x` → both; anything that is neither an id of a commit nor of a mark is left out. */
function readFixes(values: string): string[] {
  const ids = values.split(/[\s,]+/).filter((value) => /^([0-9a-f]{7,64}|mark_[0-9a-z]+)$/.test(value));
  return [...new Set(ids)].slice(0, 100);
}

/** Git's own words in a revert: `This reverts commit <id>.` */
function readReverts(body: string): CommitId[] {
  const found = body.matchAll(/^This reverts commit ([0-9a-f]{40}|[0-9a-f]{64})\b/gm);
  return [...new Set([...found].map(([, id]) => id!))].slice(0, 100);
}
