import { createHash } from 'node:crypto';
import { existsSync } from 'node:fs';
import { chmod, mkdir, mkdtemp, readdir, readFile, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { createTreeWriter, openBlobFiles, openTreeReader } from '../io/index.ts';
import { seededChance, sha256, stableJson } from '../kit/index.ts';
import { err, ok, problem } from '../model/index.ts';
import {
  type ArtifactStore,
  createCutter,
  decodeManifest,
  downloadPackage,
  encodeManifest,
  findUnsafeEntry,
  type Manifest,
  openArtifactStore,
  type PackageSource,
  packagesToKeep,
  packTree,
  selectionOf,
  unpackTree,
  uploadPackage,
  verifyTree,
} from './index.ts';

let root: string;
let nowMs: number;
let store: ArtifactStore;

const openStore = (name: string) => openArtifactStore(openBlobFiles(join(root, name)), { nowMs: () => nowMs });

beforeEach(async () => {
  root = await mkdtemp(join(tmpdir(), 'rollway-artifact-'));
  nowMs = Date.now();
  store = openStore('store');
});
afterEach(() => rm(root, { recursive: true, force: true }));

async function makeTree(name: string, files: Record<string, string | Uint8Array>): Promise<string> {
  const folder = join(root, name);
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
  return folder;
}

async function pack(folder: string, options = {}, into = store) {
  const packed = await packTree(openTreeReader(folder), into, options);
  if (!packed.ok) throw new Error(packed.error.detail);
  return packed.value;
}

function randomBytes(length: number, seed: number): Uint8Array {
  const chance = seededChance(seed, 'bytes');
  const bytes = new Uint8Array(length);
  for (let i = 0; i < length; i++) bytes[i] = chance.next() * 256;
  return bytes;
}

describe('a package', () => {
  it('comes back as it was: bytes, the executable bit, links, empty folders', async () => {
    const big = randomBytes(3_000_000, 1);
    const folder = await makeTree('in', { 'a.txt': 'hello', 'deep/er/big.bin': big, empty: '' });
    await writeFile(join(folder, 'run.sh'), '#!/bin/sh\n');
    await chmod(join(folder, 'run.sh'), 0o755);
    await symlink('../deep/er', join(folder, 'deep', 'link'));
    await mkdir(join(folder, 'hollow'));
    const { digest, files } = await pack(folder);
    expect(files).toBe(4);

    const target = join(root, 'out');
    const unpacked = await unpackTree(store, digest, await createTreeWriter(target));
    expect(unpacked.ok).toBe(true);
    expect(sha256(await readFile(join(target, 'deep/link/big.bin')))).toBe(sha256(big));
    expect((await readdir(target)).sort()).toEqual(['a.txt', 'deep', 'empty', 'hollow', 'run.sh']);
    expect((await pack(target)).digest).toBe(digest);
    const manifest = await store.manifest(digest);
    if (!manifest.ok) throw new Error();
    expect(await verifyTree(openTreeReader(target), manifest.value, true)).toEqual(ok(undefined));
  });

  it('is the same for the same content, whatever the time, the folder and the order of writing', async () => {
    const one = await makeTree('one', { b: '1', a: '2', 'c/d': '3' });
    const other = await makeTree('other', { 'c/d': '3', a: '2', b: '1' });
    await chmod(join(other, 'a'), 0o640);
    expect((await pack(other)).digest).toBe((await pack(one)).digest);
    // Pinned: a change of this value means that no package of an older Rollway would be found again.
    expect((await pack(one)).digest).toBe(
      sha256(
        stableJson({
          format: 1,
          entries: [
            { path: 'a', sizeBytes: 1, executable: false },
            { path: 'b', sizeBytes: 1, executable: false },
            { path: 'c/d', sizeBytes: 1, executable: false },
          ],
          chunks: [{ digest: createHash('sha256').update('213').digest('hex'), sizeBytes: 3 }],
        }),
      ),
    );
  });

  it('holds what include and exclude say, and never .git', async () => {
    const folder = await makeTree('in', { 'src/a.js': '', 'src/a.map': '', 'dist/x': '', '.git/config': '', n: '' });
    const { digest } = await pack(folder, { include: ['src', 'dist'], exclude: ['**/*.map'] });
    const manifest = await store.manifest(digest);
    expect(manifest.ok && manifest.value.entries.map((entry) => entry.path)).toEqual(['dist/x', 'src/a.js']);
    const nothing = await packTree(openTreeReader(folder), store, { include: ['nope'] });
    expect(nothing).toMatchObject({ ok: false, error: { code: 'artifact/cannot-pack' } });
  });

  it('of ten versions that differ by 5 % shares its chunks with the others', async () => {
    let content = randomBytes(5_000_000, 7);
    let stored = 0;
    for (let version = 0; version < 10; version++) {
      const folder = await makeTree(`v${version}`, { 'lib/data.bin': content });
      const { newChunks } = await pack(folder);
      stored += newChunks;
      // 5 % replaced by a piece of another length, somewhere else each time.
      const at = Math.floor((content.length * (version + 1)) / 12);
      const piece = randomBytes(250_000 + version * 13, 100 + version);
      content = Buffer.concat([content.subarray(0, at), piece, content.subarray(at + 250_000)]);
    }
    const manifests = await store.listPackages();
    expect(manifests).toHaveLength(10);
    const first = await store.manifest(manifests[0]!.digest);
    const perVersion = first.ok ? first.value.chunks.length : 0;
    expect(perVersion).toBeGreaterThan(10);
    // Ten separate packages would need 10 × perVersion.
    expect(stored).toBeLessThan(perVersion * 2.5);
  });

  it('refuses links that lead out, and what is no file', async () => {
    const folder = await makeTree('in', { a: '' });
    await symlink('/etc/passwd', join(folder, 'link'));
    const packed = await packTree(openTreeReader(folder), store);
    expect(packed).toMatchObject({ ok: false, error: { code: 'artifact/unsafe-path' } });
    expect(!packed.ok && packed.error.detail).toContain('"link"');
    expect(await store.listPackages()).toEqual([]);
  });

  it('stops at its limits', async () => {
    const folder = await makeTree('in', { a: 'xx', b: 'yy' });
    for (const limit of [{ maxFiles: 1 }, { maxBytes: 3 }]) {
      expect(await packTree(openTreeReader(folder), store, limit)).toMatchObject({
        ok: false,
        error: { code: 'artifact/cannot-pack' },
      });
    }
  });
});

describe('TWP-2 nothing is used before its digest was checked', () => {
  it.each(['flipped bit', 'shortened', 'not zstd'])('a damaged chunk file (%s) is found', async (damage) => {
    const { digest } = await pack(await makeTree('in', { a: 'some content '.repeat(1000) }));
    const manifest = await store.manifest(digest);
    const chunk = manifest.ok ? manifest.value.chunks[0]!.digest : '';
    const file = join(root, 'store/chunk', chunk.slice(0, 2), `${chunk}.zst`);
    const bytes = await readFile(file);
    if (damage === 'flipped bit') bytes[bytes.length - 6]! ^= 1;
    await writeFile(
      file,
      damage === 'shortened' ? bytes.subarray(0, -1) : damage === 'not zstd' ? Buffer.from('hi') : bytes,
    );
    const target = join(root, 'out');
    const unpacked = await unpackTree(store, digest, await createTreeWriter(target));
    expect(unpacked).toMatchObject({ ok: false, error: { code: 'artifact/digest-mismatch' } });
    expect(existsSync(target)).toBe(false);
    expect((await readdir(root)).sort()).toEqual(['in', 'store']);
  });

  it('a source that serves flipped bits is not asked again, and the download completes from another', async () => {
    const far = openStore('far');
    const { digest } = await pack(await makeTree('in', { a: randomBytes(2_000_000, 3) }), {}, far);
    let lies = 0;
    const liar: PackageSource = {
      fetchManifest: (wanted) => far.fetchManifest(wanted),
      async fetchChunk(wanted) {
        lies += 1;
        const content = await far.fetchChunk(wanted);
        if (content.ok) content.value[0]! ^= 1;
        return content;
      },
    };
    const got = await downloadPackage([liar, far], store, digest, { concurrency: 1 });
    expect(got.ok).toBe(true);
    expect(lies).toBe(1);
    expect(await store.hasPackage(digest)).toBe(true);
    const alone = await downloadPackage([liar], openStore('third'), digest);
    expect(alone).toMatchObject({ ok: false, error: { code: 'artifact/digest-mismatch' } });
  });

  it('a download that was cut off goes on with what is missing, and an upload sends only that', async () => {
    const far = openStore('far');
    const { digest, newChunks } = await pack(await makeTree('in', { a: randomBytes(3_000_000, 4) }), {}, far);
    let left = 2;
    let fetched = 0;
    const thin: PackageSource = {
      fetchManifest: (wanted) => far.fetchManifest(wanted),
      async fetchChunk(wanted) {
        if (left-- <= 0) return err(problem('artifact/missing', 'cut off'));
        fetched += 1;
        return far.fetchChunk(wanted);
      },
    };
    expect((await downloadPackage([thin], store, digest, { concurrency: 1 })).ok).toBe(false);
    expect(await store.hasPackage(digest)).toBe(false);
    left = 1000;
    expect((await downloadPackage([thin], store, digest)).ok).toBe(true);
    expect(fetched).toBe(newChunks);

    const third = openStore('third');
    const sent: string[] = [];
    const target = {
      ...third,
      putChunk: (d: string, c: Uint8Array) => {
        sent.push(d);
        return third.putChunk(d, c);
      },
    };
    expect(await uploadPackage(store, target, digest)).toEqual(ok(undefined));
    expect(sent).toHaveLength(newChunks);
    expect(await uploadPackage(store, target, digest)).toEqual(ok(undefined));
    expect(sent).toHaveLength(newChunks);
  });

  it('a manifest without all of its chunks is refused, and so is a chunk under another name', async () => {
    const manifest: Manifest = {
      format: 1,
      entries: [{ path: 'a', sizeBytes: 1, executable: false }],
      chunks: [{ digest: sha256('x'), sizeBytes: 1 }],
    };
    expect(await store.addPackage(manifest)).toMatchObject({ ok: false, error: { code: 'artifact/missing' } });
    expect(await store.putChunk(sha256('x'), new TextEncoder().encode('y'))).toMatchObject({
      ok: false,
      error: { code: 'artifact/digest-mismatch' },
    });
  });
});

describe('a hostile manifest', () => {
  const file = (path: string) => ({ path, sizeBytes: 0, executable: false });
  it.each([
    ['an absolute path', [file('/etc/passwd')]],
    ['a way up', [file('a/../../b')]],
    ['a path that is not normal', [file('a//b')]],
    ['a zero byte', [file('a\0b')]],
    ['a path twice', [file('a'), file('a')]],
    ['paths out of order', [file('b'), file('a')]],
    ['a file below a link', [{ path: 'l', target: 'd' }, file('l/x')]],
    ['a file below a file', [file('f'), file('f/x')]],
    ['an absolute link', [{ path: 'l', target: '/etc' }]],
    ['a link out', [{ path: 'a/l', target: '../../x' }]],
    ['a link up behind a name', [{ path: 'a/b/l2', target: '../c/l/../..' }]],
  ])('with %s is refused', (_name, entries) => {
    const bytes = encodeManifest({ format: 1, entries, chunks: [] });
    expect(decodeManifest(bytes, sha256(bytes))).toMatchObject({ ok: false, error: { code: 'artifact/unsafe-path' } });
  });

  it.each([
    ['not JSON', '{'],
    ['another form', '{"format":2}'],
    [
      'sizes that differ',
      stableJson({ format: 1, entries: [file('a')], chunks: [{ digest: sha256(''), sizeBytes: 5 }] }),
    ],
  ])('%s is refused', (_name, text) => {
    const bytes = new TextEncoder().encode(text);
    expect(decodeManifest(bytes, sha256(bytes))).toMatchObject({ ok: false, error: { code: 'artifact/invalid' } });
  });

  it('property: links that are let through stay inside, also through other links', () => {
    const segment = fc.constantFrom('..', '.', 'a', 'b', 'c');
    const target = fc.array(segment, { minLength: 1, maxLength: 5 }).map((parts) => parts.join('/'));
    const path = fc.array(fc.constantFrom('a', 'b', 'c'), { minLength: 1, maxLength: 3 }).map((p) => p.join('/'));
    fc.assert(
      fc.property(fc.array(fc.tuple(path, target), { minLength: 1, maxLength: 4 }), (links) => {
        const entries = links.map(([p, t]) => ({ path: p, target: t })).sort((x, y) => (x.path < y.path ? -1 : 1));
        fc.pre(findUnsafeEntry(entries) === undefined);
        for (const entry of entries) expect(escapes(entry.path, new Map(links), 0)).toBe(false);
      }),
    );
  });

  // Walks as the kernel does: from the root, following links where they lie on the way.
  function escapes(path: string, links: Map<string, string>, depth: number): boolean {
    if (depth > 20) return false;
    const at: string[] = [];
    for (const part of path.split('/')) {
      if (part === '.') continue;
      if (part === '..') {
        if (at.length === 0) return true;
        at.pop();
        continue;
      }
      const to = links.get([...at, part].join('/'));
      if (to === undefined) at.push(part);
      else return escapes([...at, ...to.split('/'), ...restOf(path, part, at.length)].join('/'), links, depth + 1);
    }
    return false;
  }
  function restOf(path: string, part: string, from: number): string[] {
    const parts = path.split('/').filter((p) => p !== '.');
    return parts.slice(parts.indexOf(part, from) + 1);
  }
});

describe('the store', () => {
  it('deletes what nothing keeps, but not what is young, and keeps shared chunks', async () => {
    const shared = randomBytes(500_000, 9);
    const old = await pack(await makeTree('v1', { shared, own: randomBytes(400_000, 10) }));
    const kept = await pack(await makeTree('v2', { shared, own: randomBytes(400_000, 11) }));
    expect(await store.deleteUnreferenced(new Set([kept.digest]))).toEqual({ packages: 0, chunks: 0, freedBytes: 0 });
    nowMs += 2 * 3_600_000;
    const deleted = await store.deleteUnreferenced(new Set([kept.digest]));
    expect(deleted.packages).toBe(1);
    expect(deleted.chunks).toBeGreaterThan(0);
    expect(await store.hasPackage(old.digest)).toBe(false);
    expect((await unpackTree(store, kept.digest, await createTreeWriter(join(root, 'out')))).ok).toBe(true);
    expect(await store.deleteUnreferenced(new Set())).toMatchObject({ packages: 1 });
    expect(await readdir(join(root, 'store/tmp'))).toEqual([]);
  });

  it('keeps the last ten releases of every service and whatever is in use', () => {
    const released = (service: string, n: number) =>
      Array.from({ length: n }, (_, i) => ({ service, package: `${service}${i}`, createdAtMs: i }));
    const keep = packagesToKeep([...released('a', 12), ...released('b', 3)], ['a0']);
    expect([...keep].sort()).toEqual(
      ['a0', ...Array.from({ length: 10 }, (_, i) => `a${i + 2}`), 'b0', 'b1', 'b2'].sort(),
    );
  });
});

describe('cutting', () => {
  it('property: pieces put together are the stream, however it arrives, within the limits', () => {
    const content = randomBytes(1_500_000, 5);
    const cutWith = (sizes: readonly number[]) => {
      const cutter = createCutter();
      const chunks: Uint8Array[] = [];
      for (let at = 0, i = 0; at < content.length; i++) {
        const size = sizes[i % sizes.length]!;
        chunks.push(...cutter.push(content.subarray(at, at + size)));
        at += size;
      }
      const rest = cutter.end();
      return rest ? [...chunks, rest] : chunks;
    };
    const expected = cutWith([content.length]).map((chunk) => sha256(chunk));
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: 300_000 }), { minLength: 1, maxLength: 5 }), (sizes) => {
        fc.pre(sizes.some((size) => size > 20_000));
        const chunks = cutWith(sizes);
        expect(chunks.map((chunk) => sha256(chunk))).toEqual(expected);
        expect(chunks.slice(0, -1).every((chunk) => chunk.length >= 65_536 && chunk.length <= 1_048_576)).toBe(true);
      }),
      { numRuns: 10 },
    );
  });

  it('has not changed: the same bytes are cut as ever', () => {
    const cutter = createCutter();
    const chunks = cutter.push(randomBytes(2_000_000, 42));
    expect(chunks.map((chunk) => chunk.length)).toMatchInlineSnapshot(`
      [
        342729,
        159467,
        336838,
        295872,
        333146,
        236342,
        117142,
      ]
    `);
  });
});

describe('selection', () => {
  it.each([
    ['dist', 'dist/a/b.js', true],
    ['dist', 'lib/dist/a', false],
    ['**/dist', 'lib/dist/a', true],
    ['*.js', 'a.js', true],
    ['*.js', 'src/a.js', false],
    ['src/**', 'src/a/b', true],
    ['src/**/*.js', 'src/a.js', true],
    ['src/**/*.js', 'src/x/y/a.js', true],
    ['a?c', 'abc', true],
    ['a+c', 'aac', false],
    ['**', 'a/b', true],
    ['**/a/**/b', 'x/a/c/a/b', true],
    ['**/a/b', 'a/c/a/b/d', true],
    ['*', 'a/b', true],
    ['./src/', 'src/x', true],
  ])('%s | %s | %s', (pattern, path, expected) => {
    expect(selectionOf([pattern], []).includes(path)).toBe(expected);
    expect(selectionOf([], [pattern]).includes(path)).toBe(!expected);
  });

  it('costs no exponential time', () => {
    selectionOf([`${'*a'.repeat(12)}b`], []).includes('a'.repeat(60));
    selectionOf([`${'**/a/'.repeat(12)}b`], []).includes('a/'.repeat(60));
  });
});
