import { existsSync, mkdirSync, utimesSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestFace, type TestFace } from '../../../test/server-face.ts';
import { openArtifactStore } from '../../artifact/index.ts';
import { openBlobFiles } from '../../io/index.ts';
import { sha256 } from '../../kit/index.ts';
import type { VersionId } from '../../model/index.ts';
import { insertVersion } from '../../pipeline/rows.ts';
import { ensureJob, saveAssignment, updateJobInForce } from '../../rollout/rows.ts';
import { compileSpec } from '../../spec/index.ts';
import { tidy } from './housekeeping.ts';

let face: TestFace;
beforeAll(async () => {
  face = await openTestFace();
});
afterAll(() => face.close());

const versionOf = (n: number): VersionId => `v_${sha256(String(n)).slice(0, 16)}`;

test('packages of the last ten releases and whatever is assigned stay; the rest goes', async () => {
  const { house } = face;
  // No grace, so that what was stored a moment ago may go.
  const blobs = openBlobFiles(join(house.settings.dataFolder, 'packages'));
  const artifacts = openArtifactStore(blobs, { nowMs: () => Date.now() + 10_000 }, 0);
  const compiled = compileSpec({ name: 'shop', command: 'node .', ready: '/' }, 'rollway.yaml');
  if (!compiled.ok) throw new Error('not valid');
  const { task } = compiled.value.spec;
  const digests: string[] = [];
  for (let n = 0; n < 14; n++) {
    const content = Buffer.from(`package ${n}`);
    const chunk = sha256(content);
    await artifacts.writeChunk(chunk, content);
    const entry = { path: 'a', sizeBytes: content.length, executable: false };
    const added = await artifacts.addPackage({
      format: 1,
      entries: [entry],
      chunks: [{ digest: chunk, sizeBytes: content.length }],
    });
    if (!added.ok) throw new Error(added.error.detail);
    digests.push(added.value);
  }
  await house.store.transaction(async (tx) => {
    for (const [n, digest] of digests.entries()) {
      const about = { service: 'shop', commit: 'c', repository: 'shop', release: undefined, task };
      await insertVersion(tx, { id: versionOf(n), package: digest, createdAtMs: n, ...about });
    }
    const job = 'shop@production' as const;
    const wish = {
      service: 'shop',
      environment: 'production',
      wantedSize: 2,
      budget: { count: 1 },
      env: {},
      hostLabels: {},
    };
    await ensureJob(tx, { id: job, driver: 'fleet', ...wish }, 1);
    // Whatever a rollback may go to, the oldest too.
    const goodVersions = [13, 12, 11, 10, 9, 8, 7, 6, 5, 4, 2].map(versionOf);
    await updateJobInForce(tx, { id: job, size: 2, resizingFrom: undefined, goodVersions });
    await saveAssignment(tx, { job, index: 0, version: versionOf(13), rollout: undefined, lastGood: versionOf(1) });
  });
  await tidy({ ...house, artifacts }, new AbortController().signal);
  const kept = (await artifacts.listPackages()).map(({ digest }) => digests.indexOf(digest)).sort((a, b) => a - b);
  expect(kept).toEqual([1, 2, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13]);
  for (const n of kept) expect((await artifacts.fetchChunk(sha256(`package ${n}`))).ok).toBe(true);
  expect((await artifacts.fetchChunk(sha256('package 0'))).ok).toBe(false);
});

test('logs of actions go after thirty days', async () => {
  const folder = join(face.house.settings.dataFolder, 'action-logs');
  mkdirSync(folder, { recursive: true });
  for (const name of ['run_old.log', 'run_new.log']) writeFileSync(join(folder, name), 'x');
  const longAgo = Date.now() / 1000 - 31 * 86_400;
  utimesSync(join(folder, 'run_old.log'), longAgo, longAgo);
  await tidy(face.house, new AbortController().signal);
  expect(existsSync(join(folder, 'run_old.log'))).toBe(false);
  expect(existsSync(join(folder, 'run_new.log'))).toBe(true);
});
