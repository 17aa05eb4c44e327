import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, expect, test } from 'vitest';
import { realClock } from '../io/clock.ts';
import { seededChance } from '../kit/index.ts';
import { openStore } from '../store/index.ts';
import { createEngine } from './index.ts';
import { runConformance } from './run.conformance.ts';

const folder = mkdtempSync(join(tmpdir(), 'rollway-run-'));
let files = 0;

runConformance('SQLite in a file', 1, async () => {
  files += 1;
  return openStore({ kind: 'sqlite', path: join(folder, `${files}.db`) });
});

afterAll(() => rmSync(folder, { recursive: true, force: true }));

test('a database that fails for a moment is told about, and nothing is lost', async () => {
  const store = await openStore({ kind: 'sqlite', path: ':memory:' });
  const troubles: string[] = [];
  let failures = 2;
  let isRunning = false;
  const engine = createEngine({
    store: {
      ...store,
      transaction: (work) => {
        if (isRunning && failures > 0) {
          failures -= 1;
          return Promise.reject(new Error('disk I/O error'));
        }
        return store.transaction(work);
      },
    },
    clock: realClock,
    chance: seededChance(1),
    processId: 'p',
    onTrouble: ({ what }) => troubles.push(what),
  });
  const stop = new AbortController();
  engine.registerWork({ kind: 'once', run: async () => stop.abort() });
  await engine.enqueue({ kind: 'once', key: 'a' });
  const running = engine.run(stop.signal);
  isRunning = true;
  await running;
  expect(troubles.length).toBeGreaterThan(0);
  expect(await engine.nextDueAtMs()).toBeUndefined();
  await store.close();
});
