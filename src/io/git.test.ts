import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readFile, rm, symlink, utimes, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { needsThat } from '../../test/skip.ts';
import { copyTree, openArtifactStore, packTree } from '../artifact/index.ts';
import type { Result } from '../model/index.ts';
import { runGit } from './git-command.ts';
import { tidyMirror } from './git-tidy.ts';
import {
  acceptBundle,
  commitsSince,
  createBundle,
  createTreeWriter,
  currentBranch,
  defaultBranchOf,
  dirtyFiles,
  hasCommit,
  headOf,
  isRepository,
  knownCommits,
  listFilesAt,
  makeBare,
  mergeBase,
  mirrorRepository,
  openBlobFiles,
  positionsOn,
  readCommit,
  readFileAt,
  recentCommits,
  remoteAddress,
  repositoryRoot,
  resolveCommit,
  resolveTree,
  withTreeAt,
} from './index.ts';
import { listProcesses } from './process.ts';

let root: string;
let work: string;
let mirror: string;

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rollway-git-'));
  work = join(root, 'work');
  mirror = join(root, 'mirror.git');
  await mkdir(work);
  git('init', '-q', '-b', 'main');
});
afterEach(() => rm(root, { recursive: true, force: true }));

/** The oracle: git itself, as a person would call it. */
function git(...args: string[]): string {
  const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org', '-c', 'commit.gpgsign=false'];
  return execFileSync('git', [...who, ...args], { cwd: work, encoding: 'utf8' }).trim();
}

async function commit(message: string, files: Record<string, string> = {}): Promise<string> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(work, path, '..'), { recursive: true });
    await writeFile(join(work, path), content);
  }
  git('add', '-A');
  git('commit', '-q', '--allow-empty', '-m', message);
  return git('rev-parse', 'HEAD');
}

async function value<T>(result: Promise<Result<T>>): Promise<T> {
  const got = await result;
  if (!got.ok) throw new Error(`${got.error.code}: ${got.error.detail}`);
  return got.value;
}

async function codeOf(result: Promise<Result<unknown>>): Promise<string> {
  const got = await result;
  return got.ok ? 'ok' : got.error.code;
}

describe('a mirror', () => {
  it('has the branches of its source, follows them, and keeps what a rewrite took away', async () => {
    const first = await commit('one', { a: '1' });
    expect(await value(defaultBranchOf(work))).toBe('main');
    await value(mirrorRepository(work, mirror));
    expect(await value(headOf(mirror, 'main'))).toBe(first);
    const second = await commit('two', { a: '2' });
    git('branch', 'side');
    await value(mirrorRepository(`file://${work}`, mirror));
    expect(await value(headOf(mirror, 'main'))).toBe(second);
    git('reset', '-q', '--hard', first);
    git('branch', '-D', 'side');
    const rewritten = await commit('two again', { a: '3' });
    await Promise.all([value(mirrorRepository(work, mirror)), value(mirrorRepository(work, mirror))]);
    expect(await value(headOf(mirror, 'main'))).toBe(rewritten);
    expect(await codeOf(headOf(mirror, 'side'))).toBe('git/unknown-branch');
    expect(await hasCommit(mirror, second)).toBe(true);
  });

  it.each([
    ['--upload-pack=touch x', 'git/bad-source'],
    ['ext::sh -c "touch x"', 'git/bad-source'],
    ['ssh://-oProxyCommand=x/y', 'git/bad-source'],
    ['relative/path', 'git/bad-source'],
    ['me@host:-x', 'git/bad-source'],
    ['/nowhere/at/all', 'git/not-a-repository'],
  ])('refuses the source %s', async (source, code) => {
    expect(await codeOf(mirrorRepository(source, mirror))).toBe(code);
  });

  it('hides the password of an address in what it says', async () => {
    const got = await mirrorRepository('https://me:secret@127.0.0.1:1/x.git', mirror, { timeoutMs: 20_000 });
    expect(got.ok).toBe(false);
    expect(JSON.stringify(got)).not.toContain('secret');
  });

  it('does not take a folder inside another repository for its own', async () => {
    await commit('one');
    const inside = join(work, 'data', 'mirror.git');
    await value(mirrorRepository(work, inside));
    expect(existsSync(join(inside, 'HEAD'))).toBe(true);
  });
});

describe('commits', () => {
  it('are told with parents, author, first line, fixes and reverts, parents before children', async () => {
    const bad = await commit('bad idea', { a: '1' });
    const fix = await commit(`repair\n\nbody\n\nRollway-Fixes: ${bad}, mark_01abc\nSigned-off-by: x <x@y>`);
    git('revert', '--no-edit', bad);
    const revert = git('rev-parse', 'HEAD');
    const prose = await commit('mention\n\nRollway-Fixes: this is prose\n\nand not the last paragraph');
    const { commits, isCut } = await value(commitsSince(work, prose, []));
    expect(isCut).toBe(false);
    expect(commits.map((one) => one.id)).toEqual([bad, fix, revert, prose]);
    expect(commits[0]).toMatchObject({
      parents: [],
      author: 'Ada',
      subject: 'bad idea',
      position: 1,
      isOnBranch: true,
    });
    expect(commits[1]).toMatchObject({ parents: [bad], fixes: [bad, 'mark_01abc'], reverts: [], position: 2 });
    expect(commits[2]).toMatchObject({ subject: 'Revert "bad idea"', reverts: [bad], fixes: [], position: 3 });
    expect(commits[3]).toMatchObject({ fixes: [], position: 4 });
    const later = await value(commitsSince(work, prose, [fix, 'f'.repeat(40)]));
    expect(later.commits.map((one) => [one.id, one.position])).toEqual([
      [revert, 3],
      [prose, 4],
    ]);
    const cut = await value(commitsSince(work, prose, [], { limit: 2 }));
    expect([cut.isCut, cut.commits.map((one) => one.id)]).toEqual([true, [bad, fix]]);
    expect(await value(readCommit(work, fix, prose))).toEqual(commits[1]);
    expect(commits[1]?.message).toContain('\n\nbody\n');
    expect(await value(resolveTree(work, prose))).toBe(git('rev-parse', 'HEAD^{tree}'));
  });

  it('off the branch stand after their merge base; merged ones where their branch began', async () => {
    const one = await commit('one');
    const two = await commit('two');
    git('checkout', '-q', '-b', 'side', one);
    const side = await commit('side');
    git('checkout', '-q', 'main');
    git('merge', '-q', '--no-ff', '-m', 'merge', 'side');
    const merge = git('rev-parse', 'HEAD');
    git('checkout', '-q', '-b', 'later', side);
    const stray = await commit('stray');
    git('checkout', '-q', '--orphan', 'alone');
    const alone = await commit('alone');
    const head = await value(headOf(work, 'main'));
    const positions = await value(positionsOn(work, head, [one, two, side, merge, stray, alone]));
    expect(Object.fromEntries([...positions].map(([id, p]) => [id, p.isOnBranch ? p.position : -p.position]))).toEqual({
      [one]: 1,
      [two]: 2,
      [merge]: 3,
      [side]: -1,
      [stray]: -1,
      [alone]: -0,
    });
    expect(await value(mergeBase(work, merge, stray))).toBe(side);
    expect(await value(mergeBase(work, merge, alone))).toBeUndefined();
    const { commits } = await value(commitsSince(work, merge, [two]));
    expect(commits.map((c) => [c.id, c.parents.length])).toEqual([
      [side, 1],
      [merge, 2],
    ]);
  });
});

describe('the tree of a commit', () => {
  it('is read without a checkout: bytes, executable bit, links; attributes and filters do nothing', async () => {
    const big = 'x'.repeat(700_000);
    await symlink('deep/file', join(work, 'link'));
    const id = await commit('one', {
      'deep/file': 'a\nb $Id$\n',
      big,
      empty: '',
      'ünï "code"\n': '1',
      '.gitattributes': '* text eol=crlf ident filter=evil export-subst\ndeep/file export-ignore\n',
    });
    git('config', 'filter.evil.smudge', 'touch /tmp/rollway-evil-smudge');
    await rm(join(work, 'big'));
    const target = join(root, 'out');
    const copied = await value(withTreeAt(work, id, async (tree) => copyTree(tree, await createTreeWriter(target))));
    expect(copied.files).toBe(5);
    expect(readFileSync(join(target, 'link'), 'utf8')).toBe('a\nb $Id$\n');
    expect(readFileSync(join(target, 'big'), 'utf8')).toBe(big);
    expect(existsSync(join(target, 'ünï "code"\n'))).toBe(true);
    expect(existsSync('/tmp/rollway-evil-smudge')).toBe(false);
    expect((await value(listFilesAt(work, id))).length).toBe(6);

    const store = openArtifactStore(openBlobFiles(join(root, 'store')), { nowMs: () => 0 });
    const pack = () => value(withTreeAt(work, id, (tree) => packTree(tree, store, { exclude: ['deep'] })));
    expect((await pack()).files).toBe(4);
    expect((await pack()).digest).toBe((await pack()).digest);
    // The process that reads the objects ends with the reading.
    const reading = listProcesses().filter(({ parentPid }) => parentPid === process.pid);
    expect(reading.filter(({ pid }) => readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(work))).toEqual([]);
  });

  it('gives one file, or says that it is not there or too large', async () => {
    const id = await commit('one', { 'rollway.yaml': 'name: x\n', 'a*b': 'star', ab: 'plain' });
    expect((await value(readFileAt(work, id, 'rollway.yaml')))?.toString()).toBe('name: x\n');
    expect((await value(readFileAt(work, id, 'a*b')))?.toString()).toBe('star');
    expect(await value(readFileAt(work, id, 'nope'))).toBeUndefined();
    expect(await codeOf(readFileAt(work, id, 'rollway.yaml', 3))).toBe('git/too-large');
    expect(await codeOf(readFileAt(work, 'f'.repeat(40), 'x'))).toBe('git/unknown-commit');
    expect(await codeOf(readFileAt(work, '--output=x', 'x'))).toBe('git/unknown-commit');
  });

  it('with a link out of it cannot become a folder', async () => {
    await symlink('../../etc/passwd', join(work, 'link'));
    const id = await commit('one', { a: '1' });
    const target = join(root, 'out');
    expect(await codeOf(withTreeAt(work, id, async (tree) => copyTree(tree, await createTreeWriter(target))))).toBe(
      'artifact/unsafe-path',
    );
    expect(existsSync(target)).toBe(false);
  });
});

describe('a bundle', () => {
  it('brings commits that the server lacks, and only those', async () => {
    const one = await commit('one', { a: 'x'.repeat(50_000) });
    await value(mirrorRepository(work, mirror));
    const two = await commit('two', { b: '2' });
    const three = await commit('three', { b: '3' });
    expect(await hasCommit(mirror, two)).toBe(false);
    const known = await value(knownCommits(mirror, await value(recentCommits(work, three))));
    expect(known).toEqual([one]);
    for (const id of [two, three]) {
      const file = join(root, `${id}.bundle`);
      await value(createBundle(work, id, known, file));
      expect((await readFile(file)).length).toBeLessThan(5000);
      await value(acceptBundle(mirror, file, id));
      expect(await hasCommit(mirror, id)).toBe(true);
    }
    expect(git('for-each-ref', '--format=%(refname)', 'refs/rollway')).toBe('');
    expect(await value(headOf(mirror, 'main'))).toBe(one);
    await value(mirrorRepository(work, mirror));
    expect(await hasCommit(mirror, two)).toBe(true);
  });

  it('that is broken, incomplete or about another commit is refused', async () => {
    const one = await commit('one', { a: '1' });
    const two = await commit('two', { a: '2' });
    await value(makeBare(mirror));
    const file = join(root, 'x.bundle');
    await value(createBundle(work, two, [one], file));
    expect(await codeOf(acceptBundle(mirror, file, two))).toBe('git/bad-bundle');
    await value(createBundle(work, two, [], file));
    expect(await codeOf(acceptBundle(mirror, file, one))).toBe('git/bad-bundle');
    const bytes = await readFile(file);
    bytes[bytes.length - 30]! ^= 0xff;
    await writeFile(file, bytes);
    expect(await codeOf(acceptBundle(mirror, file, two))).toBe('git/bad-bundle');
    await writeFile(file, 'not a bundle');
    expect(await codeOf(acceptBundle(mirror, file, two))).toBe('git/bad-bundle');
    expect(await hasCommit(mirror, two)).toBe(false);
    expect(await codeOf(createBundle(work, 'f'.repeat(40), [], file))).toBe('git/unknown-commit');
  });
});

describe('a work tree', () => {
  it('knows its root, branch, remote and what is not committed', async () => {
    await commit('one', { 'sub/a': '1', b: '1' });
    git('remote', 'add', 'origin', 'https://example.org/x.git');
    expect(await isRepository(join(work, 'sub'))).toBe(true);
    expect(await isRepository(root)).toBe(false);
    expect(await isRepository(join(root, 'nothing'))).toBe(false);
    expect(await value(repositoryRoot(join(work, 'sub')))).toBe(work);
    expect(await codeOf(repositoryRoot(root))).toBe('git/not-a-repository');
    expect(await currentBranch(work)).toBe('main');
    expect(await remoteAddress(work)).toBe('https://example.org/x.git');
    expect(await remoteAddress(work, 'other')).toBeUndefined();
    expect(await value(dirtyFiles(work))).toEqual([]);
    await writeFile(join(work, 'sub/a'), '2');
    await writeFile(join(work, 'new file'), '');
    git('rm', '-q', 'b');
    expect([...(await value(dirtyFiles(work)))].sort()).toEqual(['b', 'new file', 'sub/a']);
    git('checkout', '-q', '--detach');
    expect(await currentBranch(work)).toBeUndefined();
  });
});

describe('a repository of another user', () => {
  const isRoot = needsThat(process.getuid?.() === 0, 'root', 'only root can give a folder to another user');
  it.skipIf(!isRoot)('is refused with what to do about it', async () => {
    await commit('one');
    execFileSync('chown', ['-R', '65534:65534', work]);
    for (const result of [repositoryRoot(work), mirrorRepository(work, mirror)]) {
      const got = await result;
      expect(!got.ok && [got.error.detail, got.error.remedy]).toEqual([
        `${work} belongs to another user.`,
        expect.stringContaining(`safe.directory ${work}`),
      ]);
    }
  });
});

describe('a hostile repository', () => {
  it('runs nothing: no hook, no file-system monitor, no pager, no signature program', async () => {
    const trace = join(root, 'trace');
    const evil = join(root, 'evil.sh');
    await writeFile(evil, `#!/bin/sh\necho "$0 $@" >> ${trace}\n`, { mode: 0o755 });
    await mkdir(join(root, 'hooks'));
    for (const hook of ['post-checkout', 'reference-transaction', 'post-index-change', 'fsmonitor-watchman']) {
      await writeFile(join(root, 'hooks', hook), `#!/bin/sh\necho ${hook} >> ${trace}\n`, { mode: 0o755 });
    }
    const id = await commit('one', { a: '1' });
    for (const key of ['core.fsmonitor', 'core.pager', 'core.editor', 'gpg.program', 'core.sshCommand']) {
      git('config', key, evil);
    }
    git('config', 'core.hooksPath', join(root, 'hooks'));
    git('config', 'log.showSignature', 'true');
    git('config', 'core.alternateRefsCommand', evil);
    await writeFile(join(work, 'a'), '2');
    await value(dirtyFiles(work));
    await value(commitsSince(work, id, []));
    await value(createBundle(work, id, [], join(root, 'x.bundle')));
    await value(mirrorRepository(work, mirror));
    await value(withTreeAt(work, id, async (tree) => copyTree(tree, await createTreeWriter(join(root, 'out')))));
    expect(existsSync(trace)).toBe(false);
  });

  it('with names like options gets them treated as names', async () => {
    const id = await commit('one', { '--output=x': '1', '-n': '2' });
    for (const name of ['--output=pwned', '-x', '--upload-pack=touch pwned', '../../x', 'a..b', 'main\nx', '']) {
      expect(await codeOf(headOf(work, name))).toBe('git/unknown-branch');
      expect(await codeOf(resolveCommit(work, name))).toBe('git/unknown-commit');
      expect(await codeOf(commitsSince(work, name, []))).toBe('git/unknown-commit');
      expect(await codeOf(mergeBase(work, name, id))).toBe('git/unknown-commit');
    }
    expect((await value(readFileAt(work, id, '--output=x')))?.toString()).toBe('1');
    expect(existsSync(join(work, 'pwned'))).toBe(false);
    execFileSync('git', ['update-ref', 'refs/heads/-evil', id], { cwd: work });
    await value(mirrorRepository(work, mirror));
    expect(await value(headOf(mirror, '-evil'))).toBe(id);
  });

  it('with huge output is cut off', async () => {
    await commit('one', { a: 'x'.repeat(300_000) });
    expect(await codeOf(runGit(work, ['show', 'HEAD'], { maxBytes: 100_000 }))).toBe('git/too-large');
  });

  it('that never answers is given up at the deadline, with every process it started', async () => {
    git('config', 'alias.hang', '!sleep 1000');
    expect(await codeOf(runGit(work, ['hang'], { timeoutMs: 200 }))).toBe('git/timed-out');
    const aborted = AbortSignal.timeout(100);
    await expect(runGit(work, ['hang'], { signal: aborted })).rejects.toThrow();
  });

  it('is forgotten when nobody works with it any more, thirty days after', async () => {
    const day = 86_400_000;
    await value(makeBare(mirror));
    const ids: Record<string, string> = {};
    for (const name of ['old', 'kept', 'new']) {
      const id = await commit(name, { [name]: name });
      ids[name] = id;
      const file = join(root, `${id}.bundle`);
      await value(createBundle(work, id, [], file));
      await value(acceptBundle(mirror, file, id));
    }
    const left = async () =>
      (await value(runGit(mirror, ['for-each-ref', '--format=%(refname)', 'refs/rollway'])))
        .toString('utf8')
        .split('\n')
        .filter(Boolean)
        .map((ref) => Object.keys(ids).find((name) => ref.endsWith(ids[name]!)))
        .sort();
    const keep = new Set([ids.kept!]);
    expect(await tidyMirror(mirror, { keep, olderThanMs: Date.now() - 30 * day })).toBe(0);
    expect(await left()).toEqual(['kept', 'new', 'old']);
    // In two days all three are older than one day; `new` came a moment before that.
    await utimes(join(mirror, 'refs/rollway/uploads', ids.new!), new Date(), new Date(Date.now() + 2 * day));
    expect(await tidyMirror(mirror, { keep, olderThanMs: Date.now() + day })).toBe(1);
    expect(await left()).toEqual(['kept', 'new']);
    expect(await hasCommit(mirror, ids.kept!)).toBe(true);
  });
});
