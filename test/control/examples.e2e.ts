// The controllers in examples/taskcontrol are rehearsed with by the command, as anybody would with his own.
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, describe, expect, test } from 'vitest';
import { realChance } from '../../src/io/chance.ts';
import { findFreePort } from '../../src/io/ports.ts';
import { ackEach, serveTaskControl } from '../../src/sdk/index.ts';
import { needs } from '../skip.ts';
import { main } from '../stories/installation.ts';

const children: ChildProcess[] = [];
afterEach(async () => {
  for (const child of children.splice(0)) {
    if (child.exitCode !== null || child.signalCode !== null) continue;
    const gone = once(child, 'close');
    child.kill('SIGKILL');
    await gone;
  }
});

async function firstLineOf(child: ChildProcess): Promise<string> {
  let text = '';
  for await (const chunk of child.stdout!) {
    text += String(chunk);
    if (text.includes('\n')) break;
  }
  return text.trim();
}

async function rollway(...words: string[]): Promise<{ code: number | null; out: string }> {
  const child = spawn(process.execPath, [main, ...words], { stdio: ['ignore', 'pipe', 'inherit'] });
  children.push(child);
  let out = '';
  child.stdout.on('data', (chunk) => {
    out += String(chunk);
  });
  const [code] = await once(child, 'close');
  return { code, out };
}

const python = needs('python3', 'the example controller in Python is run');

describe.skipIf(!python)('the example in Python', () => {
  test('C3 R1 keeps all rules of the conformance test', async () => {
    const port = await findFreePort('127.0.0.1', new Set(), 18_950, realChance);
    const child = spawn(python!, ['examples/taskcontrol/controller.py', String(port)], {
      stdio: ['ignore', 'pipe', 'ignore'],
    });
    children.push(child);
    const url = await firstLineOf(child);
    const { code, out } = await rollway('taskcontrol', 'test', url, '--max-out', '1', '-o', 'json');
    expect(JSON.parse(out)).toMatchObject({ passed: true });
    expect(code).toBe(0);
  });
});

const go = needs('go', 'the example controller in Go is built and run');

describe.skipIf(!go)('the example in Go', () => {
  test('C3 R1 keeps all rules of the conformance test', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'rollway-go-'));
    const program = join(folder, 'controller');
    const build = spawn(go!, ['build', '-o', program, 'examples/taskcontrol/controller.go'], {
      env: { ...process.env, GOCACHE: join(folder, 'cache'), GOFLAGS: '-mod=mod' },
      stdio: 'inherit',
    });
    expect((await once(build, 'close'))[0]).toBe(0);
    const child = spawn(program, { stdio: ['ignore', 'pipe', 'ignore'] });
    children.push(child);
    const url = await firstLineOf(child);
    const { code } = await rollway('taskcontrol', 'test', url, '--max-out', '1');
    rmSync(folder, { recursive: true, force: true });
    expect(code).toBe(0);
  });
});

test('a controller that breaks a rule is named with it, and the command fails', async () => {
  const server = await serveTaskControl({ decide: ackEach(() => true) });
  try {
    const { code, out } = await rollway('taskcontrol', 'test', server.url, '--max-out', '2');
    expect(out).toMatch(/✗ a release: .*\n {4}5 tasks are out by its acks/);
    expect(code).toBe(3);
  } finally {
    await server.close();
  }
});
