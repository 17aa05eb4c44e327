import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { storeConformance } from './conformance.ts';
import { openStore } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollway-store-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

let files = 0;
const newFile = () => join(folder, `${files++}.db`);

storeConformance('SQLite in a file', async () => ({ kind: 'sqlite', path: newFile() }));

test('SQLite in memory keeps nothing between openings, and runs the same statements', async () => {
  const store = await openStore({ kind: 'sqlite', path: ':memory:' });
  const write = store.transaction((tx) => tx.insertInto('engine_note').values({ name: 'a', value: 'b' }).execute());
  const [, seen] = await Promise.all([write, store.read((tx) => tx.selectFrom('engine_note').selectAll().execute())]);
  expect(seen).toEqual([{ name: 'a', value: 'b' }]);
  await store.close();
});

test('a folder that is not there is a problem that names it', async () => {
  const path = join(folder, 'missing', 'x.db');
  await expect(openStore({ kind: 'sqlite', path })).rejects.toMatchObject({
    problem: { code: 'server/data-folder', detail: expect.stringContaining(path) },
  });
});
