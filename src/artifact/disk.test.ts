import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { canMount } from '../../test/can-mount.ts';
import { needsThat } from '../../test/skip.ts';
import { createTreeWriter, openBlobFiles, openTreeReader } from '../io/index.ts';
import { seededChance } from '../kit/index.ts';
import { openArtifactStore, packTree, unpackTree } from './index.ts';

let root: string;
beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rollway-disk-'));
});
afterEach(() => rm(root, { recursive: true, force: true }));

const openStore = (folder: string) => openArtifactStore(openBlobFiles(folder), { nowMs: () => Date.now() + 7_200_000 });

function noise(length: number, seed: number): Uint8Array {
  const chance = seededChance(seed, 'noise');
  return Uint8Array.from({ length }, () => chance.next() * 256);
}

const isThere = needsThat(
  canMount(),
  'right to mount',
  'a disk that is really full is a small one, mounted for the test',
);

describe.skipIf(!isThere)('a disk that is full', () => {
  let small: string;
  beforeEach(async () => {
    small = join(root, 'small');
    await mkdir(small);
    execFileSync('mount', ['-t', 'tmpfs', '-o', 'size=1500k', 'tmpfs', small]);
  });
  afterEach(() => {
    execFileSync('umount', [small]);
  });

  it('while packing is a problem with a name, and leaves no package; with room again it works', async () => {
    const tree = join(root, 'in');
    await mkdir(tree);
    await writeFile(join(tree, 'data'), noise(3_000_000, 1));
    const store = openStore(join(small, 'store'));
    const packed = await packTree(openTreeReader(tree), store);
    expect(packed).toMatchObject({ ok: false, error: { code: 'artifact/disk-full', status: 507 } });
    expect(await store.listPackages()).toEqual([]);
    expect(await readdir(join(small, 'store/tmp'))).toEqual([]);
    expect((await store.deleteUnreferenced(new Set())).chunks).toBeGreaterThan(0);
    await writeFile(join(tree, 'data'), noise(500_000, 2));
    expect((await packTree(openTreeReader(tree), store)).ok).toBe(true);
  });

  it('while unpacking leaves nothing of the folder', async () => {
    const tree = join(root, 'in');
    await mkdir(tree);
    await writeFile(join(tree, 'data'), noise(3_000_000, 3));
    const store = openStore(join(root, 'store'));
    const packed = await packTree(openTreeReader(tree), store);
    if (!packed.ok) throw new Error();
    const target = join(small, 'out');
    const unpacked = await unpackTree(store, packed.value.digest, await createTreeWriter(target));
    expect(unpacked).toMatchObject({ ok: false, error: { code: 'artifact/disk-full' } });
    expect(await readdir(small)).toEqual([]);
  });
});

describe('a process that is killed while packing', () => {
  it('leaves a store in which every package is whole, and the next try completes', async () => {
    const tree = join(root, 'in');
    await mkdir(tree);
    for (let i = 0; i < 8; i++) await writeFile(join(tree, `f${i}`), noise(1_000_000, i));
    const folder = join(root, 'store');
    const script = join(root, 'pack.ts');
    const here = new URL('../', import.meta.url).href;
    await writeFile(
      script,
      `import { openArtifactStore, packTree } from '${here}artifact/index.ts';
       import { openBlobFiles, openTreeReader } from '${here}io/index.ts';
       const store = openArtifactStore(openBlobFiles('${folder}'), { nowMs: () => 0 });
       await packTree(openTreeReader('${tree}'), store);`,
    );
    for (let kill = 0; kill < 4; kill++) {
      const child = spawn(process.execPath, [script], { stdio: 'ignore' });
      const ended = once(child, 'exit');
      await chunksIn(folder, kill * 6 + 1, ended);
      child.kill('SIGKILL');
      await ended;
      const store = openStore(folder);
      for (const { digest } of await store.listPackages()) {
        const target = join(root, `out-${kill}`);
        expect((await unpackTree(store, digest, await createTreeWriter(target))).ok).toBe(true);
      }
    }
    const packed = await packTree(openTreeReader(tree), openStore(folder));
    if (!packed.ok) throw new Error(packed.error.detail);
    const target = join(root, 'whole');
    expect((await unpackTree(openStore(folder), packed.value.digest, await createTreeWriter(target))).ok).toBe(true);
  }, 30_000);

  async function chunksIn(folder: string, wanted: number, ended: Promise<unknown>): Promise<void> {
    let isOver = false;
    void ended.then(() => {
      isOver = true;
    });
    while (!isOver) {
      const shards = existsSync(join(folder, 'chunk')) ? await readdir(join(folder, 'chunk')) : [];
      if (shards.length >= wanted) return;
      await new Promise((resolve) => setImmediate(resolve));
    }
  }
});
