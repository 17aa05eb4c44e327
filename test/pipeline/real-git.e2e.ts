import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openArtifactStore } from '../../src/artifact/index.ts';
import { openBlobFiles } from '../../src/io/index.ts';
import { Outside, Plane } from '../../src/pipeline/plane.conformance.ts';
import * as rows from '../../src/pipeline/rows.ts';
import { configReader } from '../../src/server/adapters/config-reader.ts';
import { gitReader, openMirrors } from '../../src/server/adapters/git-reader.ts';
import { sourcePacker } from '../../src/server/adapters/source-packer.ts';
import { openStore, type Store } from '../../src/store/index.ts';

let folder: string;
let repository: string;
let store: Store;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'rollway-pipeline-'));
  repository = join(folder, 'repo');
  mkdirSync(join(folder, 'data', 'git'), { recursive: true });
  execFileSync('git', ['init', '-q', '-b', 'main', repository]);
  store = await openStore({ kind: 'sqlite', path: ':memory:' });
});
afterEach(async () => {
  await store.close();
  rmSync(folder, { recursive: true, force: true });
});

function git(...argv: string[]): string {
  const who = ['-c', 'user.name=Ada', '-c', 'user.email=ada@example.org'];
  return execFileSync('git', ['-C', repository, ...who, ...argv], { encoding: 'utf8' }).trim();
}

function commit(message: string, files: Record<string, string>): string {
  for (const [file, text] of Object.entries(files)) writeFileSync(join(repository, file), text);
  git('add', '.');
  git('commit', '-q', '-m', message);
  return git('rev-parse', 'HEAD');
}

const config = (more = '') => `
import { defineService } from 'rollway/config';
export default defineService({ name: 'shop', command: 'node server.js', ready: { running: '1s' }, tasks: 2, ${more} });
`;

/** The plane over a real repository, the sandbox that evaluates configurations, and a package store. */
async function openPlane(): Promise<Plane> {
  const data = join(folder, 'data');
  const mirrors = openMirrors(data);
  const artifacts = openArtifactStore(openBlobFiles(join(data, 'blobs')), { nowMs: () => Date.now() });
  const real = {
    git: gitReader(mirrors),
    config: configReader(mirrors, data),
    packer: sourcePacker(mirrors, artifacts),
  };
  const plane = new Plane(store, new Outside(), {}, real);
  await plane.addHosts(1);
  await plane.watch(repository);
  return plane;
}

test('P13 a real repository: commits, a revert by Git, a bad configuration, a rewritten branch', async () => {
  const one = commit('one', { 'rollway.config.ts': config(), 'server.js': '1' });
  const plane = await openPlane();
  expect(plane.orders).toHaveLength(1);
  await plane.build();
  const release = await plane.releaseAt(one);
  expect(release).toMatchObject({ subject: 'one', author: 'Ada', position: 0, isConfigured: true });
  await plane.end((await plane.rollouts())[0]!.id, 'succeeded');

  const two = commit('two', { 'server.js': '2' });
  git('revert', '--no-edit', 'HEAD');
  const undo = git('rev-parse', 'HEAD');
  await plane.wait(1000);
  await plane.command('mark', { commits: [two.slice(0, 9)] }, 'slow', 'blame/mark', 'repo');
  await plane.build();
  expect(await plane.releaseAt(undo)).toMatchObject({ position: 2 });
  const rollouts = await plane.rollouts();
  expect(rollouts.map(({ to }) => to)).toContain((await plane.releaseAt(undo)).version);
  expect(rollouts.map(({ to }) => to)).not.toContain((await plane.releaseAt(two)).version);
  await plane.end(rollouts.find((one) => one.endedAtMs === undefined)!.id, 'succeeded');

  const wrong = commit('wrong', { 'rollway.config.ts': config('taks: 3') });
  await plane.wait(1000);
  const failed = await plane.releaseAt(wrong);
  expect(failed.state).toBe('failed');
  expect(failed.reason).toContain('rollway.config.ts');
  expect(failed.reason).toContain('taks');

  git('reset', '-q', '--hard', one);
  const other = commit('other', { 'server.js': '3' });
  await plane.wait(1000);
  await plane.build();
  expect(await plane.releaseAt(other)).toMatchObject({ position: 1, state: 'running' });
  expect((await plane.releaseAt(undo)).position).toBe(0.5);
  expect((await plane.rollouts()).some(({ release: of }) => of !== undefined)).toBe(true);
  expect(await plane.read((tx) => rows.listLiveReleases(tx, 'shop'))).toHaveLength(1);
}, 60_000);
