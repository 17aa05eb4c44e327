import { spawn } from 'node:child_process';
import { constants } from 'node:fs';
import { access, mkdtemp, open, readFile, realpath, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, relative, sep } from 'node:path';
import type { Readable } from 'node:stream';
import { fileURLToPath } from 'node:url';
import { err, ok, problem, type Result } from '../model/index.ts';
import type { ConfigSandbox, EvaluatedConfig } from '../spec/index.ts';
import { killGroup } from './git-command.ts';

export interface SandboxLimits {
  readonly timeoutMs?: number;
  readonly maxHeapMb?: number;
  /** Of the whole process: what lies outside the heap counts too. */
  readonly maxMemoryMb?: number;
  readonly maxJsonBytes?: number;
}

const defaults = { timeoutMs: 10_000, maxHeapMb: 256, maxMemoryMb: 512, maxJsonBytes: 1024 * 1024 };
type Limits = Required<SandboxLimits>;

const names = ['rollway.config.ts', 'rollway.config.mts', 'rollway.config.js', 'rollway.config.mjs'];
const yamlNames = ['rollway.yaml', 'rollway.yml'];

// Compiled, the sources are .js; run as they are, .ts.
const extension = import.meta.url.endsWith('.ts') ? 'ts' : 'js';
const runner = new URL(`./config-runner.${extension}`, import.meta.url);
const configModule = new URL(`../spec/config.${extension}`, import.meta.url);

/**
 * Evaluates a configuration in a child process of its own: it may read the checkout and the module `rollway/config`,
 * and nothing else; no environment, no children, no workers, no native code, no network where that can be taken away;
 * ten seconds, 256 MB, 1 MB of JSON. Twice, with other clocks, time zones, folders and random numbers.
 */
export function openConfigSandbox(limits: SandboxLimits = {}): ConfigSandbox {
  const all: Limits = { ...defaults, ...limits };
  return {
    async evaluate(folder, path, signal) {
      const root = await realpath(folder).catch(() => undefined);
      if (root === undefined) return err(problem('spec/not-found', `There is no folder ${folder}.`, { folder }));
      const file = await findFile(root, path);
      if (!file.ok) return file;
      if (/\.ya?ml$/.test(file.value)) return readYaml(root, file.value, all);
      return evaluateModule(root, file.value, all, signal);
    },
  };
}

/** What of the isolation this machine gives, for `doctor` and the UI; `wrapper` is the command that takes the network. */
export async function sandboxAbilities(): Promise<{
  readonly noNetwork: boolean;
  readonly detail: string;
  readonly wrapper: readonly string[];
}> {
  const found = await networkWrapper();
  const detail =
    found.length > 0
      ? 'configurations are evaluated without a network'
      : 'this machine does not let a process give up its network; a configuration is refused the modules for it';
  return { noNetwork: found.length > 0, detail, wrapper: found };
}

async function findFile(root: string, path: string | undefined): Promise<Result<string>> {
  const candidates = path === undefined ? [...names, ...yamlNames] : [path];
  const there: string[] = [];
  for (const candidate of candidates) {
    const real = await realpath(join(root, candidate)).catch(() => undefined);
    if (real === undefined) continue;
    if (!real.startsWith(root + sep)) {
      return err(problem('spec/not-found', `${candidate} leads out of the repository.`, { file: candidate }));
    }
    there.push(relative(root, real));
  }
  const [only, another] = there;
  if (only === undefined) {
    const wanted = path ?? 'rollway.config.ts or rollway.yaml';
    return err(problem('spec/not-found', `There is no ${wanted} in ${root}.`, { folder: root }));
  }
  if (another === undefined) return ok(only);
  return err(problem('spec/invalid', `There are both ${only} and ${another}.`, { there }, 'Keep one of them.'));
}

async function readYaml(root: string, file: string, { maxJsonBytes }: Limits): Promise<Result<EvaluatedConfig>> {
  const handle = await open(join(root, file), constants.O_RDONLY | constants.O_NOFOLLOW);
  try {
    const { size } = await handle.stat();
    if (size > maxJsonBytes) return err(tooLarge(file, maxJsonBytes));
    return ok({ file, files: [file], content: { kind: 'yaml', text: await handle.readFile('utf8') } });
  } finally {
    await handle.close();
  }
}

async function evaluateModule(
  root: string,
  file: string,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<Result<EvaluatedConfig>> {
  const [first, second] = await Promise.all([
    runOnce(root, file, 1, limits, signal),
    runOnce(root, file, 2, limits, signal),
  ]);
  if (!first.ok) return first;
  if (!second.ok) return second;
  if (first.value !== second.value) return err(notDeterministic(file, first.value, second.value));
  const { files, value } = JSON.parse(first.value) as { files: string[]; value: unknown };
  return ok({ file, files, content: { kind: 'module', json: JSON.stringify(value ?? null) } });
}

/** Everything that is the same for two evaluations of one configuration differs between the two runs. */
const surroundings = [
  { timeZone: 'Pacific/Kiritimati', cwd: '/' },
  { timeZone: 'America/Anchorage', cwd: undefined },
] as const;

async function runOnce(
  root: string,
  file: string,
  run: 1 | 2,
  limits: Limits,
  signal: AbortSignal | undefined,
): Promise<Result<string>> {
  const { timeZone, cwd } = surroundings[run - 1]!;
  const scratch = cwd === undefined ? await mkdtemp(join(tmpdir(), 'rollway-config-')) : undefined;
  const reads = [root, fileURLToPath(runner), fileURLToPath(configModule)];
  const argv = [
    ...(await networkWrapper()),
    process.execPath,
    '--permission',
    ...reads.map((path) => `--allow-fs-read=${path}`),
    `--max-old-space-size=${limits.maxHeapMb}`,
    '--no-warnings',
    '--disable-proto=delete',
    fileURLToPath(runner),
    join(root, file),
    configModule.href,
    String(run),
    root,
  ];
  try {
    return await runChild(argv, { TZ: timeZone }, cwd ?? scratch!, { root, file, limits, signal });
  } finally {
    if (scratch !== undefined) await rm(scratch, { recursive: true, force: true });
  }
}

interface Run {
  readonly root: string;
  readonly file: string;
  readonly limits: Limits;
  readonly signal: AbortSignal | undefined;
}

async function runChild(
  [command = '', ...args]: readonly string[],
  env: Record<string, string>,
  cwd: string,
  { root, file, limits, signal }: Run,
): Promise<Result<string>> {
  signal?.throwIfAborted();
  const child = spawn(command, args, { env, cwd, detached: true, stdio: ['ignore', 'ignore', 'pipe', 'pipe'] });
  let stopped: 'late' | 'large' | 'memory' | 'aborted' | undefined;
  const stop = (why: NonNullable<typeof stopped>) => {
    stopped ??= why;
    killGroup(child.pid);
  };
  const answer: Buffer[] = [];
  let answerBytes = 0;
  (child.stdio[3] as Readable).on('data', (part: Buffer) => {
    answerBytes += part.length;
    if (answerBytes > limits.maxJsonBytes) stop('large');
    else answer.push(part);
  });
  let complaint = '';
  child.stderr!.on('data', (part: Buffer) => {
    if (complaint.length < 20_000) complaint += part.toString('utf8');
  });
  const timer = setTimeout(() => stop('late'), limits.timeoutMs);
  const watch = setInterval(async () => {
    if ((await memoryMbOf(child.pid)) > limits.maxMemoryMb) stop('memory');
  }, 50);
  const onAbort = () => stop('aborted');
  signal?.addEventListener('abort', onAbort, { once: true });
  try {
    const code = await new Promise<number | null>((resolve, reject) => {
      child.once('error', reject);
      child.once('close', resolve);
    });
    if (stopped === 'aborted') signal?.throwIfAborted();
    if (stopped === 'large') return err(tooLarge(file, limits.maxJsonBytes));
    if (stopped === 'late') return err(failed(file, `it did not end within ${limits.timeoutMs / 1000} s`));
    const isOutOfMemory = stopped === 'memory' || /heap out of memory/.test(complaint);
    if (isOutOfMemory) return err(failed(file, `it needs more than ${limits.maxHeapMb} MB of memory`));
    if (code === 0 && answerBytes > 0) return ok(Buffer.concat(answer).toString('utf8'));
    return err(explainFailure(root, file, complaint, code));
  } finally {
    clearTimeout(timer);
    clearInterval(watch);
    signal?.removeEventListener('abort', onAbort);
  }
}

/** `rollway.config.ts:3: SyntaxError: Unexpected token`, from what Node wrote when it gave up. */
function explainFailure(root: string, file: string, complaint: string, code: number | null) {
  const found = /^(?:Uncaught )?\w*(?:Error|Exception)\b.*$/m.exec(complaint)?.[0] ?? '';
  const message = found.replaceAll(`file://${root}/`, '').replaceAll(`${root}/`, '');
  const places = complaint.matchAll(/(?:file:\/\/)?(\/[^\s():]+):(\d+)(?::\d+)?/g);
  for (const [, path, line] of places) {
    const inside = relative(root, decodeURIComponent(path!));
    if (inside.startsWith('..')) continue;
    return failed(`${inside}:${line}`, inPlainWords(message), { file: inside, line: Number(line) });
  }
  return failed(file, inPlainWords(message) || `it ended with code ${code} and exported nothing`);
}

function inPlainWords(message: string): string {
  if (/ERR_ACCESS_DENIED|Access to this API has been restricted/.test(message)) {
    return 'it does what a configuration may not: it can read its own repository, and nothing else';
  }
  return message.replace(/^Error: /, '').slice(0, 1000);
}

function failed(place: string, why: string, facts: Record<string, unknown> = {}) {
  return problem('spec/evaluation-failed', `${place}: ${why}`, { file: place, ...facts });
}

function tooLarge(file: string, maxBytes: number) {
  return problem('spec/too-large', `${file}: the configuration has more than ${maxBytes} bytes.`, { file });
}

function notDeterministic(file: string, first: string, second: string) {
  const path = firstDifference(JSON.parse(first).value, JSON.parse(second).value, '');
  return problem(
    'spec/not-deterministic',
    `${file}: ${path === '' ? 'it' : path} is different each time: it depends on the clock, on chance or on where it runs.`,
    { file, path },
  );
}

function firstDifference(a: unknown, b: unknown, path: string): string {
  if (typeof a !== 'object' || typeof b !== 'object' || a === null || b === null) return path;
  for (const key of new Set([...Object.keys(a), ...Object.keys(b)])) {
    const [left, right] = [(a as Record<string, unknown>)[key], (b as Record<string, unknown>)[key]];
    if (JSON.stringify(left) === JSON.stringify(right)) continue;
    return firstDifference(left, right, path === '' ? key : `${path}.${key}`);
  }
  return path;
}

async function memoryMbOf(pid: number | undefined): Promise<number> {
  const pages = await readFile(`/proc/${pid}/statm`, 'utf8').catch(() => '');
  return (Number(pages.split(' ')[1] ?? 0) * 4096) / 1024 / 1024;
}

let wrapper: Promise<readonly string[]> | undefined;

/** The command that starts another one without a network, where this machine permits it. */
function networkWrapper(): Promise<readonly string[]> {
  wrapper ??= (async () => {
    const unshare = await firstThere(['/usr/bin/unshare', '/bin/unshare']);
    if (unshare === undefined) return [];
    for (const flags of [['--net'], ['--map-root-user', '--net']]) {
      if (await succeeds(unshare, [...flags, '--', process.execPath, '--version'])) return [unshare, ...flags, '--'];
    }
    return [];
  })();
  return wrapper;
}

async function firstThere(paths: readonly string[]): Promise<string | undefined> {
  for (const path of paths) {
    const isThere = await access(path, constants.X_OK).then(
      () => true,
      () => false,
    );
    if (isThere) return path;
  }
  return undefined;
}

function succeeds(command: string, args: readonly string[]): Promise<boolean> {
  return new Promise((resolve) => {
    const child = spawn(command, args, { env: {}, stdio: 'ignore' });
    child.once('error', () => resolve(false));
    child.once('close', (code) => resolve(code === 0));
  });
}
