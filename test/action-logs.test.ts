import { afterAll, beforeAll, expect, test } from 'vitest';
import { run } from '../src/cli/verbs/logs.ts';
import { openTestFace, type TestFace } from './server-face.ts';

let face: TestFace;
beforeAll(async () => {
  face = await openTestFace();
});
afterAll(() => face.close());

const id = 'run_long';

async function logged(text: string, state: string): Promise<void> {
  const { store, agents } = face.house;
  const about = { release: 'rel_1', service: 'shop', action: 'build', kind: 'action' as const, attempt: 1 };
  const none = { outputs: '{}', inputs: '{}', is_machine_fault: 0, created_at_ms: 1 };
  const row = { id, ...about, ...none, state };
  await store.transaction(async (tx) => {
    await tx
      .insertInto('action_run')
      .values(row)
      .onConflict((on) => on.column('id').doUpdateSet({ state }))
      .execute();
  });
  await agents.actionLogs.delete(id);
  await agents.actionLogs.append(id, 0, Buffer.from(text));
}

interface Page {
  readonly text: string;
  readonly sizeBytes: number;
  readonly isComplete: boolean;
}

async function readByCommand(): Promise<Page[]> {
  const pages: Page[] = [];
  const out = { format: 'json', line: (line: string) => pages.push(JSON.parse(line) as Page) };
  const session = { client: face.client('viewer'), out, signal: new AbortController().signal };
  await run(session as unknown as Parameters<typeof run>[0], [id], { lines: 10 });
  return pages;
}

test('a log of several pages is read to its end, whether its run goes on or not', async () => {
  const text = 'täglich 99 €\n'.repeat(60_000);
  for (const state of ['succeeded', 'running']) {
    await logged(text, state);
    const pages = await readByCommand();
    expect(pages.length).toBeGreaterThan(3);
    expect(pages.map((page) => page.text).join('') === text).toBe(true);
    expect(new Set(pages.map(({ sizeBytes }) => sizeBytes))).toEqual(new Set([Buffer.byteLength(text)]));
    expect(pages.map(({ isComplete }) => isComplete)).toEqual(
      pages.map((_, at) => state === 'succeeded' && at === pages.length - 1),
    );
  }
});

test('a log that fills its page exactly is complete, and one that is empty too', async () => {
  await logged('x'.repeat(262_144), 'failed');
  expect((await readByCommand()).map(({ isComplete }) => isComplete)).toEqual([true]);
  await logged('', 'failed');
  expect(await readByCommand()).toMatchObject([{ text: '', sizeBytes: 0, isComplete: true }]);
});
