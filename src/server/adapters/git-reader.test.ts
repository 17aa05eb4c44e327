import { execFileSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { delimiter, join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { gitReader, openMirrors } from './git-reader.ts';

let root: string;
let work: string;
let count: string;
const path = process.env.PATH ?? '';

/** A `git` before the real one that counts how often it is run. */
beforeAll(() => {
  root = mkdtempSync(join(tmpdir(), 'rollway-reader-'));
  work = join(root, 'work');
  count = join(root, 'count');
  const real = execFileSync('sh', ['-c', 'command -v git'], { encoding: 'utf8' }).trim();
  mkdirSync(join(root, 'bin'));
  mkdirSync(work);
  writeFileSync(join(root, 'bin', 'git'), `#!/bin/sh\necho >>'${count}' "$*"\nexec '${real}' "$@"\n`);
  chmodSync(join(root, 'bin', 'git'), 0o755);
  git('init', '-q', '-b', 'main');
});
afterAll(() => {
  process.env.PATH = path;
  rmSync(root, { recursive: true, force: true });
});

function git(...args: string[]): string {
  const who = ['-c', 'user.name=ada', '-c', 'user.email=ada@example.org'];
  return execFileSync('git', [...who, ...args], { cwd: work, encoding: 'utf8', env: { ...process.env, PATH: path } });
}
function commit(): string {
  git('commit', '-q', '--allow-empty', '-m', 'x');
  return git('rev-parse', 'HEAD').trim();
}
const signal = AbortSignal.timeout(60_000);

/** The head of main, and how many times Git was run to find it. */
async function poll(reader: ReturnType<typeof gitReader>, location: string): Promise<[head: string, runs: number]> {
  writeFileSync(count, '');
  process.env.PATH = `${join(root, 'bin')}${delimiter}${path}`;
  try {
    const head = await reader.headOf(location, 'main', signal);
    return [head.ok ? head.value : head.error.code, readFileSync(count, 'utf8').split('\n').length - 1];
  } finally {
    process.env.PATH = path;
  }
}

test('a local repository that did not change costs no Git; every way to move its branch is seen', async () => {
  const reader = gitReader(openMirrors(join(root, 'local')));
  const one = commit();
  expect((await poll(reader, work))[0]).toBe(one);
  expect(await poll(reader, work)).toEqual([one, 0]);
  const two = commit();
  expect((await poll(reader, work))[0]).toBe(two);
  expect(await poll(reader, work)).toEqual([two, 0]);
  git('pack-refs', '--all');
  expect((await poll(reader, work))[0]).toBe(two);
  expect(await poll(reader, work)).toEqual([two, 0]);
  git('update-ref', 'refs/heads/main', one);
  expect((await poll(reader, work))[0]).toBe(one);
  git('reset', '-q', '--hard', two);
  expect((await poll(reader, work))[0]).toBe(two);
  const quick = commit();
  expect((await poll(reader, work))[0]).toBe(quick);
  git('branch', '-q', '-m', 'main', 'other');
  expect((await poll(reader, work))[0]).toBe('git/unknown-branch');
  git('branch', '-q', '-m', 'other', 'main');
  expect((await poll(reader, work))[0]).toBe(quick);
});

test('a repository elsewhere that did not change is asked once, and nothing is fetched', async () => {
  const reader = gitReader(openMirrors(join(root, 'remote')));
  const bare = join(root, 'bare.git');
  const one = commit();
  git('clone', '-q', '--bare', work, bare);
  const location = `file://${bare}`;
  expect((await poll(reader, location))[0]).toBe(one);
  expect((await poll(reader, location))[0]).toBe(one);
  const [, runs] = await poll(reader, location);
  // `ls-remote`, which runs one more at the other end, and what checks the address.
  expect(runs).toBeLessThanOrEqual(3);
  expect(readFileSync(count, 'utf8')).not.toMatch(/ fetch -/);
  const two = commit();
  git('push', '-q', bare, 'main');
  expect((await poll(reader, location))[0]).toBe(two);
});
