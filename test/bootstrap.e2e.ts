// The way in (bootstrap.mjs): exit codes, signals, and two commands at once.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';

let folder: string;
let script: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'rollway-bootstrap-'));
  script = join(folder, 'script.ts');
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test('the exit code of the command is passed on', async () => {
  writeFileSync(script, 'process.exit(7 as number);');
  const [code] = await once(start(), 'exit');
  expect(code).toBe(7);
});

test('arguments and standard output are passed on', async () => {
  writeFileSync(script, 'console.log(process.argv.slice(2).join(" "));');
  const child = start('a', '--b', '--', 'c');
  expect(await outputOf(child)).toBe('a --b -- c\n');
});

const countSignals = `
  let count = 0;
  process.on('SIGINT', () => { count += 1; console.log('int ' + count); if (count === 2) process.exit(3); });
  setInterval(() => {}, 1000);
  console.log('ready');`;

test('a Ctrl-C that arrives twice at once counts once; a second one comes through', async () => {
  writeFileSync(script, countSignals);
  const child = start();
  const ended = once(child, 'exit');
  await seen(child, 'ready');
  child.kill('SIGINT');
  child.kill('SIGINT');
  await seen(child, 'int 1');
  // Longer than what counts as one key press.
  await new Promise((resolve) => setTimeout(resolve, 300));
  child.kill('SIGINT');
  await seen(child, 'int 2');
  expect((await ended)[0]).toBe(3);
});

test('SIGTERM ends a command that does not listen, and the exit code says so', async () => {
  writeFileSync(script, 'setInterval(() => {}, 1000); console.log("ready");');
  const child = start();
  const ended = once(child, 'exit');
  await seen(child, 'ready');
  child.kill('SIGTERM');
  expect((await ended)[0]).toBe(128 + 15);
});

test('the command ends when bootstrap.mjs is killed', async () => {
  const pidFile = join(folder, 'ended');
  writeFileSync(
    script,
    `import { writeFileSync } from 'node:fs';
     process.on('SIGTERM', () => { writeFileSync(${JSON.stringify(pidFile)}, 'ended'); process.exit(); });
     setInterval(() => {}, 1000); console.log('ready');`,
  );
  const child = start();
  await seen(child, 'ready');
  child.kill('SIGKILL');
  await expect.poll(() => readOrEmpty(pidFile), { timeout: 5000 }).toBe('ended');
});

test('an unknown command is refused with the list of commands', async () => {
  const child = spawn(process.execPath, ['bootstrap.mjs', 'nonsense'], { stdio: ['ignore', 'ignore', 'pipe'] });
  let text = '';
  child.stderr.on('data', (chunk) => (text += chunk));
  const [code] = await once(child, 'close');
  expect(code).toBe(1);
  expect(text).toContain('start | dev | test');
});

function start(...args: string[]): ChildProcess {
  return spawn(process.execPath, ['bootstrap.mjs', 'exec', script, ...args], { stdio: ['ignore', 'pipe', 'inherit'] });
}

async function outputOf(child: ChildProcess): Promise<string> {
  let text = '';
  child.stdout?.on('data', (chunk) => (text += chunk));
  await once(child, 'close');
  return text;
}

const outputs = new WeakMap<ChildProcess, { text: string }>();

/** Waits until the child has printed `wanted`. */
async function seen(child: ChildProcess, wanted: string): Promise<void> {
  let output = outputs.get(child);
  if (!output) {
    output = { text: '' };
    outputs.set(child, output);
    child.stdout?.on('data', (chunk) => (output!.text += chunk));
  }
  await expect.poll(() => output.text, { timeout: 10_000 }).toContain(wanted);
}

function readOrEmpty(file: string): string {
  try {
    return readFileSync(file, 'utf8');
  } catch {
    return '';
  }
}
