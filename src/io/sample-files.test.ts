import { appendFile, mkdtemp, readdir, rm, utimes } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { openSampleFiles } from './sample-files.ts';

let folder: string;
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollway-samples-'));
});
afterEach(() => rm(folder, { recursive: true }));

async function readAll(): Promise<string> {
  let text = '';
  for await (const piece of (await openSampleFiles(folder)).read()) text += piece;
  return text;
}

test('what was appended is read back in order, over segments and starts', async () => {
  const files = await openSampleFiles(folder);
  await files.append('{"a":1}\n', true);
  await files.append('{"a":2}\n', false);
  await (await openSampleFiles(folder)).append('{"a":3}\n', true);
  expect(await readAll()).toBe('{"a":1}\n{"a":2}\n{"a":3}\n');
  expect(await readdir(folder)).toHaveLength(2);
});

test('a last line that a kill cut off is left out', async () => {
  await (await openSampleFiles(folder)).append('{"a":1}\n', true);
  const [name] = await readdir(folder);
  await appendFile(join(folder, name!), '{"a":2');
  expect(await readAll()).toBe('{"a":1}\n');
});

test('old segments go, the newest stays', async () => {
  const files = await openSampleFiles(folder);
  await files.append('{"a":1}\n', true);
  await files.append('{"a":2}\n', true);
  for (const name of await readdir(folder)) await utimes(join(folder, name), 1000, 1000);
  await files.forgetBefore(2_000_000);
  expect(await readAll()).toBe('{"a":2}\n');
});
