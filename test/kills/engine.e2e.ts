// One process with an engine and one that remembers its effects, killed at any moment.
import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { createWorld } from '../../src/engine/testing/world.ts';
import { pickBelow, seededChance } from '../../src/kit/index.ts';
import { openStore } from '../../src/store/index.ts';

const trials = process.env.TEST_LONG ? 20 : 3;
const [keys, steps] = [4, 12];
const kills = process.env.TEST_LONG ? 10 : 2;
const folders: string[] = [];
afterAll(() => {
  for (const folder of folders) rmSync(folder, { recursive: true, force: true });
});

describe('a process that is killed', () => {
  const seeds = Array.from({ length: trials }, (_, i) => i + 1);
  test.each(seeds)('goes on where it was, and does everything once (seed %i)', { timeout: 60_000 }, async (seed) => {
    const folder = mkdtempSync(join(tmpdir(), 'rollway-kill-'));
    folders.push(folder);
    const chance = seededChance(seed, 'kill');
    const lines = Math.floor((keys * steps) / (kills + 1));
    for (let i = 0; i < kills; i++) {
      expect(await runUntil(folder, 1 + pickBelow(chance, lines))).toBe('killed');
      await expectConsistent(folder);
    }
    expect(await runUntil(folder, Number.POSITIVE_INFINITY)).toBe('finished');
    await expectConsistent(folder);
    const made = readdirSync(join(folder, 'made')).filter((name) => !name.endsWith('.again'));
    expect(made).toHaveLength(keys * steps);
    // Asked for again after a kill, and only then; the receiver remembered.
    const again = readdirSync(join(folder, 'made')).length - made.length;
    expect(again).toBeLessThanOrEqual(kills * keys);
    expect(await countEvents(folder)).toBe(keys * steps);
  });
});

/** Starts it and kills it after so many lines. */
function runUntil(folder: string, lines: number): Promise<'killed' | 'finished'> {
  const script = join(import.meta.dirname, '../../src/engine/counting-server.conformance.ts');
  const child = spawn(process.execPath, [script, folder, String(keys), String(steps)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  let output = '';
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString();
    if (output.split('\n').length > lines) child.kill('SIGKILL');
  });
  return new Promise((resolve, reject) => {
    child.once('error', reject);
    child.once('exit', (code, signal) => {
      if (signal === 'SIGKILL') resolve('killed');
      else if (code === 0) resolve('finished');
      else reject(new Error(`it ended with code ${code}: ${output}`));
    });
  });
}

/** What can be read at any moment: unbroken chains, and as many events as the guards were raised. */
async function expectConsistent(folder: string): Promise<void> {
  const store = await openStore({ kind: 'sqlite', path: join(folder, 'store.db') });
  const { engine } = createWorld(store);
  const report = await engine.verifyChain('all');
  expect(report).toMatchObject({ ok: true });
  const guards = await store.read((tx) => tx.selectFrom('guard').select('revision').execute());
  expect(guards.reduce((sum, guard) => sum + guard.revision, 0)).toBe(report.events);
  await store.close();
}

async function countEvents(folder: string): Promise<number> {
  const store = await openStore({ kind: 'sqlite', path: join(folder, 'store.db') });
  const { engine } = createWorld(store);
  const count = await engine.lastPosition();
  await store.close();
  return count;
}
