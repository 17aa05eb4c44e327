import { spawn } from 'node:child_process';
import { mkdtempSync, readdirSync, rmSync, statSync, truncateSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { LineSplitter, maxLineChars } from './lines.ts';
import { LogSegments, listSegments, readLastLines, readSegment } from './log-segments.ts';

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rw-log-'));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

const texts = (count: number): string[] => readLastLines(folder, count).map(({ text }) => text);

test('lines come back in order, over several openings', async () => {
  for (const part of ['a', 'b']) {
    const log = new LogSegments(folder, 1024 * 1024, () => {});
    for (let i = 0; i < 3; i++) log.append({ atMs: i, stream: 'out', text: `${part}${i}` });
    await log.close();
  }
  expect(texts(4)).toEqual(['a2', 'b0', 'b1', 'b2']);
  expect(listSegments(folder)).toHaveLength(2);
});

test('TWG-5 the folder never grows beyond its bound; the newest lines stay', async () => {
  const maxBytes = 1024 * 1024;
  let dropped = 0;
  const log = new LogSegments(folder, maxBytes, () => {
    dropped += 1;
  });
  const line = (i: number): string =>
    `${i} ${Array.from({ length: 40 }, (_, k) => ((i * 7919 + k * 104_729) % 1e9).toString(36)).join('')}`;
  let largest = 0;
  for (let i = 0; i < 16_000; i++) {
    log.append({ atMs: i, stream: 'out', text: line(i) });
    // Lets it compress: a writer in one piece is what the drop test below is about.
    if (i % 20 === 19) {
      await appendLast(log, () => dropped);
      largest = Math.max(largest, sizeOf(folder));
    }
  }
  await appendLast(log, () => dropped);
  await log.close();
  expect(Math.max(largest, sizeOf(folder))).toBeLessThanOrEqual(maxBytes * 1.1);
  expect(listSegments(folder).length).toBeGreaterThan(3);
  expect(sizeOf(folder)).toBeGreaterThan(maxBytes / 2);
  expect(texts(1)).toEqual(['last']);
});

test('TWG-5 a writer that is faster than the disk is not held up: lines are dropped, counted, and the log says so', async () => {
  let dropped = 0;
  const log = new LogSegments(folder, 100 * 1024 * 1024, () => {
    dropped += 1;
  });
  const text = 'x'.repeat(8000);
  for (let i = 0; i < 3000; i++) log.append({ atMs: i, stream: 'out', text });
  expect(dropped).toBeGreaterThan(0);
  await appendLast(log, () => dropped);
  await log.close();
  const notes = readLastLines(folder, 5000).filter(({ stream }) => stream === 'rollway');
  expect(notes[0]?.text).toMatch(/^\d+ lines dropped/);
});

test('TWG-5 after SIGKILL all but a small tail can be read', async () => {
  const script = `import { LogSegments } from ${JSON.stringify(join(import.meta.dirname, 'log-segments.ts'))};
    const log = new LogSegments(${JSON.stringify(folder)}, 100 << 20, () => {});
    let i = 0;
    setInterval(() => { for (let k = 0; k < 100; k++) { log.append({ atMs: i, stream: 'out', text: 'line ' + i++ }); }
      process.stdout.write(i + '\\n'); }, 5);`;
  const file = join(folder, 'writer.mts');
  writeFileSync(file, script);
  const child = spawn(process.execPath, [file], { stdio: ['ignore', 'pipe', 'inherit'] });
  let written = 0;
  await new Promise<void>((resolve) => {
    child.stdout.on('data', (text: Buffer) => {
      written = Number(text.toString().trim().split('\n').at(-1));
      if (written > 20_000) resolve();
    });
  });
  child.kill('SIGKILL');
  await new Promise((resolve) => child.once('close', resolve));
  const last = Number(texts(1)[0]?.split(' ')[1]);
  const lostBytes = (written - last) * 'line 20000\n'.length;
  expect(lostBytes).toBeLessThan(128 * 1024);
  expect(texts(1000)).toHaveLength(1000);
});

test('a segment cut anywhere is read up to the cut', async () => {
  const log = new LogSegments(folder, 1024 * 1024, () => {});
  for (let i = 0; i < 2000; i++) log.append({ atMs: i, stream: 'err', text: `line ${i}` });
  await log.close();
  const file = join(folder, listSegments(folder)[0]!);
  const { size } = statSync(file);
  truncateSync(file, Math.floor(size / 2));
  const lines = readSegment(file);
  expect(lines.length).toBeGreaterThan(100);
  expect(lines[7]).toEqual({ atMs: 7, stream: 'err', text: 'line 7' });
  truncateSync(file, 3);
  expect(readSegment(file)).toEqual([]);
});

test.each([
  ['pieces that end anywhere', ['a', 'b\nc', '\n\nd'], ['ab', 'c', '', 'd']],
  ['Windows line ends', ['a\r\nb\r\n'], ['a', 'b']],
  ['a line that never ends is cut', ['x'.repeat(maxLineChars + 5)], ['x'.repeat(maxLineChars), 'xxxxx']],
  ['a long line that ends is cut too', [`${'x'.repeat(maxLineChars + 5)}\n`], ['x'.repeat(maxLineChars), 'xxxxx']],
])('lines: %s', (_, pieces, expected) => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const piece of pieces) splitter.push(Buffer.from(piece));
  splitter.end();
  expect(lines).toEqual(expected);
});

test('a character cut in two arrives whole', () => {
  const lines: string[] = [];
  const splitter = new LineSplitter((line) => lines.push(line));
  for (const byte of Buffer.from('größe 🚀\n')) splitter.push(Buffer.from([byte]));
  expect(lines).toEqual(['größe 🚀']);
});

/** Appends as soon as there is room again. */
async function appendLast(log: LogSegments, dropped: () => number): Promise<void> {
  for (let before = -1; before !== dropped(); ) {
    await new Promise((resolve) => setTimeout(resolve, 5));
    before = dropped();
    log.append({ atMs: 1, stream: 'out', text: 'last' });
  }
}

function sizeOf(path: string): number {
  return readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
}
