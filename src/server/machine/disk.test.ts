import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { openTestFace, type TestFace } from '../../../test/server-face.ts';
import { openArtifactStore } from '../../artifact/index.ts';
import { openBlobFiles } from '../../io/index.ts';
import { sha256 } from '../../kit/index.ts';
import { watchDisk, withRoom } from './disk.ts';

let dataFolder: string;
beforeAll(() => {
  dataFolder = mkdtempSync(join(tmpdir(), 'rollway-disk-'));
});
afterAll(() => rmSync(dataFolder, { recursive: true }));

const clock = { nowMs: Date.now };
/** More than a disk has: every disk is too full. */
const tooMuch = 2;

test('below the limit nothing is taken in, and what is there can still be fetched', async () => {
  const store = openArtifactStore(openBlobFiles(join(dataFolder, 'packages')), clock);
  const content = Buffer.from('hello');
  const roomy = withRoom(store, watchDisk({ dataFolder, leastFreeDiskRatio: 0 }, clock));
  expect((await roomy.putChunk(sha256(content), content)).ok).toBe(true);
  const full = withRoom(store, watchDisk({ dataFolder, leastFreeDiskRatio: tooMuch }, clock));
  const other = Buffer.from('other');
  const refused = { ok: false, error: { code: 'artifact/disk-full', status: 507 } };
  expect(await full.putChunk(sha256(other), other)).toMatchObject(refused);
  expect(await full.putManifest(sha256(other), other)).toMatchObject(refused);
  expect((await full.fetchChunk(sha256(content))).ok).toBe(true);
  expect((await store.fetchChunk(sha256(other))).ok).toBe(false);
});

test('a bundle is answered 507, and a finding says what does not start', async () => {
  const face: TestFace = await openTestFace({ leastFreeDiskRatio: tooMuch });
  try {
    const answer = await face.send(`/api/v1/repositories/shop/bundles?commit=${'a'.repeat(40)}`, {
      method: 'POST',
      headers: { authorization: `Bearer ${face.tokens.operator}`, 'content-type': 'application/octet-stream' },
      body: 'bundle',
    });
    expect([answer.status, ((await answer.json()) as { code: string }).code]).toEqual([507, 'artifact/disk-full']);
    const { items } = await face.client('viewer').listFindings();
    expect(items.find(({ subject }) => subject === 'server')?.sentence).toMatch(/builds and uploads do not start/);
  } finally {
    await face.close();
  }
});
