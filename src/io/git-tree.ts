import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import type { FoundEntry, TreeReader } from '../artifact/index.ts';
import { type CommitId, err, ok, problem, type Result } from '../model/index.ts';
import { isCommitId } from './git.ts';
import { gitInvocation, killGroup, runGit } from './git-command.ts';

interface TreeEntry {
  readonly mode: string;
  readonly object: string;
  readonly sizeBytes: number;
  readonly path: string;
}

/**
 * Hands the tree of a commit to `use`, to be packed or copied: the bytes as they are committed, without a checkout,
 * so that no filter, attribute, hook or link of the repository does anything. Submodules are empty folders.
 */
export async function withTreeAt<T>(
  repository: string,
  commit: CommitId,
  use: (tree: TreeReader) => Promise<Result<T>>,
): Promise<Result<T>> {
  const listed = await listTree(repository, commit);
  if (!listed.ok) return listed;
  const entries = new Map(listed.value.map((entry) => [entry.path, entry]));
  await using objects = openObjects(repository);
  // Awaited: else the objects would be closed before they are used.
  return await use({
    async list(skip) {
      const found: FoundEntry[] = [];
      for (const entry of listed.value) if (!isSkipped(entry.path, skip)) found.push(await describe(entry, objects));
      return found;
    },
    async *read(path) {
      const entry = entries.get(path);
      if (entry === undefined) throw new Error(`${path} is not in the tree of ${commit}`);
      yield* objects.read(entry.object);
    },
  });
}

/** Paths of all files at a commit. */
export async function listFilesAt(repository: string, commit: CommitId): Promise<Result<readonly string[]>> {
  const listed = await listTree(repository, commit);
  return listed.ok ? ok(listed.value.map((entry) => entry.path)) : listed;
}

/** One file at a commit; undefined when it is not there (or is a link, or a folder). */
export async function readFileAt(
  repository: string,
  commit: CommitId,
  path: string,
  maxBytes = 1024 * 1024,
): Promise<Result<Buffer | undefined>> {
  const listed = await listTree(repository, commit, path);
  if (!listed.ok) return listed;
  const entry = listed.value.find((found) => found.path === path && found.mode.startsWith('100'));
  if (entry === undefined) return ok(undefined);
  if (entry.sizeBytes > maxBytes) {
    return err(problem('git/too-large', `${path} has ${entry.sizeBytes} bytes, more than ${maxBytes}.`, { path }));
  }
  return runGit(repository, ['cat-file', 'blob', entry.object], { maxBytes });
}

async function listTree(repository: string, commit: CommitId, path?: string): Promise<Result<TreeEntry[]>> {
  if (!isCommitId(commit)) return err(problem('git/unknown-commit', `${JSON.stringify(commit)} is not a commit id.`));
  const args = ['ls-tree', '-r', '-z', '-l', '--full-tree', commit, ...(path === undefined ? [] : ['--', path])];
  const listing = await runGit(repository, args, { maxBytes: 256 * 1024 * 1024 });
  if (!listing.ok) {
    const isUnknown = /not a valid object|not a tree object|bad object/i.test(listing.error.detail);
    return isUnknown ? err(problem('git/unknown-commit', `There is no commit ${commit}.`, { commit })) : listing;
  }
  const entries: TreeEntry[] = [];
  for (const line of listing.value.toString('utf8').split('\0')) {
    const match = /^(\d{6}) (?:blob|commit) ([0-9a-f]+) +(\d+|-)\t(.*)$/s.exec(line);
    if (match) entries.push({ mode: match[1]!, object: match[2]!, sizeBytes: Number(match[3]) || 0, path: match[4]! });
  }
  return ok(entries);
}

function isSkipped(path: string, skip: (path: string) => boolean): boolean {
  for (let cut = path.indexOf('/'); cut > 0; cut = path.indexOf('/', cut + 1)) {
    if (skip(path.slice(0, cut))) return true;
  }
  return skip(path);
}

async function describe(entry: TreeEntry, objects: Objects): Promise<FoundEntry> {
  const { path, mode } = entry;
  if (mode === '160000') return { kind: 'directory', path, isEmpty: true };
  if (mode !== '120000') return { kind: 'file', path, executable: mode === '100755' };
  if (entry.sizeBytes > 4096) return { kind: 'other', path, what: 'link with a very long target' };
  const parts: Uint8Array[] = [];
  for await (const part of objects.read(entry.object)) parts.push(part);
  return { kind: 'symlink', path, target: Buffer.concat(parts).toString('utf8') };
}

interface Objects extends AsyncDisposable {
  read(object: string): AsyncGenerator<Uint8Array>;
}

/** One `git cat-file --batch` that answers one question after the other: a process per file would take minutes. */
function openObjects(repository: string): Objects {
  let child: ChildProcessWithoutNullStreams | undefined;
  let bytes: AsyncIterator<Buffer> | undefined;
  let rest: Buffer = Buffer.alloc(0);

  const next = async (): Promise<void> => {
    const part = await bytes!.next();
    if (part.done) throw new Error(`git cat-file ended early in ${repository}`);
    rest = part.value;
  };
  const start = () => {
    const { argv, env } = gitInvocation(repository, ['cat-file', '--batch']);
    child = spawn('git', argv, { env, detached: true, stdio: ['pipe', 'pipe', 'pipe'] });
    child.stdin.on('error', () => undefined);
    child.stderr.resume();
    bytes = child.stdout[Symbol.asyncIterator]();
  };

  return {
    async *read(object) {
      if (child === undefined) start();
      child!.stdin.write(`${object}\n`);
      let header = '';
      for (;;) {
        const end = rest.indexOf(10);
        header += rest.subarray(0, end < 0 ? rest.length : end).toString('latin1');
        rest = rest.subarray(end < 0 ? rest.length : end + 1);
        if (end >= 0) break;
        await next();
      }
      const size = /^[0-9a-f]+ blob (\d+)$/.exec(header)?.[1];
      if (size === undefined) throw new Error(`git cat-file: ${header}`);
      // One more for the line feed that ends the answer.
      for (let left = Number(size) + 1; left > 0; ) {
        if (rest.length === 0) await next();
        const part = rest.subarray(0, left);
        rest = rest.subarray(part.length);
        left -= part.length;
        const content = left === 0 ? part.subarray(0, -1) : part;
        if (content.length > 0) yield content;
      }
    },
    async [Symbol.asyncDispose]() {
      if (child === undefined) return;
      const gone = new Promise((resolve) => child!.once('close', resolve));
      child.stdout.destroy();
      child.stdin.end();
      killGroup(child.pid);
      await gone;
    },
  };
}
