import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { takeFileLock } from './index.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollway-lock-'));
afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('one at a time has the file, and the next one gets it when it is given back', () => {
  const path = join(folder, 'server.lock');
  const release = takeFileLock(path);
  expect(release).toBeTypeOf('function');
  expect(takeFileLock(path)).toBeUndefined();
  release?.();
  const again = takeFileLock(path);
  expect(again).toBeTypeOf('function');
  again?.();
  expect(() => takeFileLock(join(folder, 'missing', 'x'))).toThrow();
});
