import { spawn } from 'node:child_process';
import { existsSync, readFileSync } from 'node:fs';
import { mkdir, mkdtemp, readdir, rm, symlink, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { openConfigSandbox, sandboxAbilities } from '../src/io/index.ts';
import { evaluateConfig } from '../src/spec/index.ts';
import { needsThat } from './skip.ts';

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'rollway-sandbox-'));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

async function write(files: Record<string, string>): Promise<void> {
  for (const [path, content] of Object.entries(files)) {
    await mkdir(join(folder, path, '..'), { recursive: true });
    await writeFile(join(folder, path), content);
  }
}

const config = (body: string, before = '') =>
  `import { defineService } from 'rollway/config';\n${before}\nexport default defineService({ name: 'web', command: 'x', ${body} });\n`;

async function evaluate(limits = {}) {
  return evaluateConfig(folder, { sandbox: openConfigSandbox(limits) });
}

async function specOf(body: string, before = '') {
  await write({ 'rollway.config.ts': config(body, before) });
  const evaluated = await evaluate();
  if (!evaluated.ok) throw new Error(evaluated.error.map(({ detail }) => detail).join('\n'));
  return evaluated.value;
}

async function refusalOf(text: string, limits = {}) {
  await write({ 'rollway.config.ts': text });
  const evaluated = await evaluate(limits);
  const [problem] = evaluated.ok ? [] : evaluated.error;
  return { code: problem?.code, detail: problem?.detail ?? '' };
}

describe('TWS-2 a configuration is a program', () => {
  it('that imports the module rollway/config without any installation, and files of its repository', async () => {
    await write({
      'deploy/shared.ts': 'export const tasks: number = 4;\n',
      'package.json': '{ "version": "1.2.3" }',
    });
    const { spec, file, files } = await specOf(
      'tasks, env: { VERSION: JSON.parse(readFileSync(new URL("./package.json", import.meta.url), "utf8")).version }',
      "import { readFileSync } from 'node:fs';\nimport { tasks } from './deploy/shared.ts';",
    );
    expect(spec.environments[0]?.tasks).toBe(4);
    expect(spec.task.env).toEqual({ VERSION: '1.2.3' });
    expect([file, files]).toEqual(['rollway.config.ts', ['deploy/shared.ts', 'rollway.config.ts']]);
  });

  it('or plain JavaScript, or a value that has to be waited for', async () => {
    await write({ 'rollway.config.mjs': "export default Promise.resolve({ name: 'web', command: 'x' });\n" });
    const evaluated = await evaluate();
    expect(evaluated.ok && evaluated.value.spec.name).toBe('web');
  });

  it('is an ES module, whatever package.json says of the repository', async () => {
    await write({ 'package.json': '{ "type": "commonjs" }', 'shared.ts': 'export const tasks: number = 5;\n' });
    const { spec } = await specOf('tasks', "import { tasks } from './shared.ts';");
    expect(spec.environments[0]?.tasks).toBe(5);
  });

  it('or YAML, which is only read', async () => {
    await write({ 'rollway.yaml': 'name: web\ncommand: node server.js\nfoo: 1\n' });
    const evaluated = await evaluate();
    expect(!evaluated.ok && evaluated.error[0]?.detail).toBe('rollway.yaml:3:1: foo is not known');
  });

  it('gives the same hash in another folder at another time', async () => {
    const first = await specOf('tasks: 2');
    const other = await mkdtemp(join(tmpdir(), 'rollway-sandbox-other-'));
    await writeFile(join(other, 'rollway.config.ts'), readFileSync(join(folder, 'rollway.config.ts')));
    const second = await evaluateConfig(other, { sandbox: openConfigSandbox() });
    await rm(other, { recursive: true });
    expect(second.ok && second.value.hash).toBe(first.hash);
  });
});

describe('a configuration that depends on more than its repository', () => {
  it.each([
    ['the clock', 'env: { T: String(Date.now()) }'],
    ['the date', 'env: { T: new Date().toISOString() }'],
    ['the date as a call', 'env: { T: Date() }'],
    ['the year', 'tasks: new Date().getFullYear() % 7 + 1'],
    ['the hour', 'tasks: new Date().getHours() > 12 ? 1 : 2'],
    ['a formatted date', 'env: { T: new Intl.DateTimeFormat("en").format() }'],
    ['chance', 'env: { T: String(Math.random()) }'],
    ['a coin', 'tasks: Math.random() < 0.5 ? 1 : 2'],
    ['a random id', 'env: { T: crypto.randomUUID() }'],
    ['time since start', 'env: { T: String(performance.now()) }'],
    ['the high-resolution time', 'env: { T: String(process.hrtime.bigint()) }'],
    ['the process', 'env: { T: String(process.pid) }'],
    ['the folder it runs in', 'env: { T: process.cwd() }'],
    ['the time zone', 'env: { T: String(new Date(0).getHours()) }'],
  ])('%s is refused', async (_name, body) => {
    const { code, detail } = await refusalOf(config(body));
    expect(code).toBe('spec/not-deterministic');
    expect(detail).toMatch(/^rollway\.config\.ts: (env\.T|tasks) is different each time/);
  });

  it('the environment: there is none', async () => {
    process.env.ROLLWAY_TEST_SECRET = 'hidden';
    const { spec } = await specOf('env: { NAMES: Object.keys(process.env).filter((n) => n !== "TZ").join() }');
    expect(spec.task.env).toEqual({ NAMES: '' });
  });
});

describe('a hostile configuration', () => {
  it.each([
    [
      'reads outside',
      "import { readFileSync } from 'node:fs'; readFileSync('/etc/passwd');",
      /can read its own repository/,
    ],
    ['reads outside by import', "import x from '/etc/hostname.js';", /hostname\.js/],
    [
      'writes a file',
      "import { writeFileSync } from 'node:fs'; writeFileSync('pwned', '');",
      /can read its own repository/,
    ],
    [
      'starts a process',
      "import { execSync } from 'node:child_process'; execSync('id');",
      /may not use node:child_process/,
    ],
    ['opens a socket', "import net from 'node:net'; net.connect(80, '127.0.0.1');", /may not use node:net/],
    [
      'asks a name server',
      "const dns = await import('node:dns'); await dns.promises.lookup('x');",
      /may not use node:dns/,
    ],
    [
      'starts a worker',
      "import { Worker } from 'node:worker_threads'; new Worker('x');",
      /may not use node:worker_threads/,
    ],
    ['goes round the import', "process.getBuiltinModule('child_process').execSync('id');", /may not use child_process/],
    ['fetches', "await fetch('http://127.0.0.1:1');", /fetch is not defined/],
    ['loads native code', "process.dlopen({ exports: {} }, 'x.node');", /may not: it can read its own|cannot|disabled/],
    ['binds inside', "process.binding('spawn_sync');", /may not|denied|restricted|No such/i],
  ])('that %s is refused', async (_name, line, why) => {
    const { code, detail } = await refusalOf(config('', line));
    expect([code, detail]).toEqual(['spec/evaluation-failed', expect.stringMatching(why)]);
    expect(detail).toMatch(/^(rollway\.config\.ts|[\w.-]+\.js)/);
    expect((await readdir(folder)).sort()).toEqual(['rollway.config.ts']);
  });

  it('cannot read a neighbour of its repository through a link', async () => {
    const outside = await mkdtemp(join(tmpdir(), 'rollway-secret-'));
    await writeFile(join(outside, 'rollway.yaml'), 'name: a\ncommand: x\n');
    await symlink(join(outside, 'rollway.yaml'), join(folder, 'rollway.yaml'));
    const evaluated = await evaluate();
    await rm(outside, { recursive: true });
    expect(!evaluated.ok && evaluated.error[0]?.detail).toMatch(/leads out of the repository/);
  });

  it('that never ends is stopped', async () => {
    const { code, detail } = await refusalOf('while (true);\nexport default {};\n', { timeoutMs: 800 });
    expect([code, detail]).toEqual(['spec/evaluation-failed', expect.stringContaining('did not end within 0.8 s')]);
    const waits = await refusalOf('setInterval(() => {}, 1000);\nawait new Promise(() => {});\n', { timeoutMs: 800 });
    expect(waits.code).toBe('spec/evaluation-failed');
  });

  it('that takes all memory is stopped, in the heap and outside it', async () => {
    const heap = 'const all = []; for (;;) all.push(new Array(1e5).fill(Math.random()));';
    expect((await refusalOf(config('', heap), { maxHeapMb: 64 })).detail).toContain('more than 64 MB');
    const outside = 'const all = []; for (;;) all.push(Buffer.alloc(2e7, 1));';
    expect((await refusalOf(config('', outside), { maxMemoryMb: 200 })).detail).toMatch(/of memory/);
  });

  it('that gives too much is refused', async () => {
    expect((await refusalOf(config('env: { A: "x".repeat(2e6) }'))).code).toBe('spec/too-large');
    await rm(join(folder, 'rollway.config.ts'));
    await write({ 'rollway.yaml': `name: web\ncommand: x\nenv: { A: ${'x'.repeat(1_100_000)} }\n` });
    const evaluated = await evaluate();
    expect(!evaluated.ok && evaluated.error[0]?.code).toBe('spec/too-large');
  });

  it('that talks without end is not listened to', async () => {
    const { spec } = await specOf(
      '',
      "for (let i = 0; i < 2e4; i++) console.error('x'.repeat(100)); console.log('y');",
    );
    expect(spec.name).toBe('web');
  });
});

describe('a configuration with a mistake', () => {
  it.each([
    [
      'of syntax',
      'export default {\n  name: "web",\n  command "x",\n};\n',
      /^rollway\.config\.ts:3: .*(SyntaxError|Expected)/,
    ],
    ['of syntax in JavaScript terms', 'export default {\n  name: = 1,\n};\n', /^rollway\.config\.ts:2: /],
    [
      'when it runs',
      '\nconst a: any = undefined;\na.b.c();\nexport default {};\n',
      /^rollway\.config\.ts:3: TypeError: Cannot read/,
    ],
    ['thrown', '\nthrow new Error("no such region");\n', /^rollway\.config\.ts:2: no such region/],
    ['of import', "import './nope.ts';\nexport default {};\n", /nope\.ts/],
    ['of what it leaves out', 'export const x = 1;\n', /^rollway\.config\.ts: it has no default export/],
    [
      'of what it exports',
      'export default { name: () => 1 };\n',
      /^rollway\.config\.ts: name is a function: only plain data/,
    ],
    ['of a number', 'export default { tasks: 1 / 0 };\n', /tasks is Infinity/],
    ['of a class', 'export default { env: new Map() };\n', /env is a Map/],
    ['of a circle', 'const a: any = {}; a.a = a;\nexport default a;\n', /a contains itself/],
  ])('%s says where and what', async (_name, text, why) => {
    const { code, detail } = await refusalOf(text);
    expect([code, detail]).toEqual(['spec/evaluation-failed', expect.stringMatching(why)]);
    expect(detail).not.toContain(folder);
  });

  it('or none at all, or two', async () => {
    expect((await evaluate()).ok).toBe(false);
    const none = await evaluate();
    expect(!none.ok && none.error[0]?.code).toBe('spec/not-found');
    await write({ 'rollway.yaml': 'name: a\n', 'rollway.config.ts': config('') });
    const two = await evaluate();
    expect(!two.ok && two.error[0]?.detail).toBe('There are both rollway.config.ts and rollway.yaml.');
    const chosen = await evaluateConfig(folder, { sandbox: openConfigSandbox(), path: 'rollway.config.ts' });
    expect(chosen.ok).toBe(true);
    const outside = await evaluateConfig(folder, { sandbox: openConfigSandbox(), path: '../../etc/passwd' });
    expect(!outside.ok && outside.error[0]?.code).toBe('spec/not-found');
  });
});

describe('the network', async () => {
  const { noNetwork } = await sandboxAbilities();
  const isThere = needsThat(noNetwork, 'unshare --net', 'a configuration’s network is taken away only where permitted');

  it.skipIf(!isThere)('is gone from the process itself, not only from its modules', async () => {
    const server = createServer((socket) => socket.end());
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    const { port } = server.address() as { port: number };
    // The same start as a configuration's, with a program that may import anything.
    const script = join(folder, 'connect.mjs');
    await writeFile(
      script,
      `import net from 'node:net'; net.connect(${port}, '127.0.0.1').on('connect', () => process.exit(0)).on('error', () => process.exit(7));`,
    );
    const reach = (argv: string[]) =>
      new Promise((resolve) => {
        const child = spawn(argv[0]!, argv.slice(1), { env: {}, stdio: 'ignore' });
        child.once('close', resolve);
      });
    expect(await reach([process.execPath, script])).toBe(0);
    const { wrapper } = await sandboxAbilities();
    expect(await reach([...wrapper, process.execPath, script])).toBe(7);
    await new Promise((resolve) => server.close(resolve));
    expect(existsSync('/proc/self/ns/net')).toBe(true);
  });
});
