// The real thing on one machine: `rollway server` and `rollway agent` as processes, and a person at a terminal.
import { type ChildProcess, spawn } from 'node:child_process';
import { appendFileSync, mkdirSync, mkdtempSync, readFileSync, readlinkSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect } from 'vitest';
import { groupNameOf } from '../../src/agent/confinement.ts';
import { type Client, createClient } from '../../src/api/index.ts';
import { closeCgroups, probeCgroups } from '../../src/io/cgroup.ts';
import { realChance } from '../../src/io/chance.ts';
import { findFreePort } from '../../src/io/ports.ts';
import { listProcesses } from '../../src/io/process.ts';

export const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));

export interface Answer {
  readonly code: number | null;
  /** What went to standard output, and what went to standard error. */
  readonly out: string;
  readonly err: string;
}

/** A `rollway …` that runs. */
export interface Command {
  readonly child: ChildProcess;
  readonly ended: Promise<Answer>;
  output(): string;
  /** Resolves when the output matches; fails when the command ends first or the deadline passes. */
  whenSaid(pattern: RegExp, timeoutMs?: number): Promise<void>;
}

export interface CommandOptions {
  readonly cwd?: string;
  readonly env?: Readonly<Record<string, string>>;
  readonly timeoutMs?: number;
}

export interface Installation {
  readonly folder: string;
  client(): Client;
  /** Runs a command to its end. */
  rollway(words: readonly string[], options?: CommandOptions): Promise<Answer>;
  /** The same with `-o json`, parsed. */
  json<T = unknown>(words: readonly string[], options?: CommandOptions): Promise<T>;
  begin(words: readonly string[], options?: CommandOptions): Command;
  startServer(): Promise<ChildProcess>;
  /** Joins the first time, as the printed lines say. */
  startAgent(host: string): Promise<ChildProcess>;
  /** SIGTERM, and waits until it has ended. */
  stop(child: ChildProcess, signal?: NodeJS.Signals): Promise<void>;
  server(): ChildProcess;
  agent(host: string): ChildProcess;
  /** Ends everything, keepers and tasks too. */
  close(): Promise<void>;
}

export interface InstallationOptions {
  readonly hosts: readonly string[];
  /** Of the hosts' addresses: 127.0.<net>.1, .2 … */
  readonly net: number;
  /** Further words for `rollway server`. */
  readonly server?: readonly string[];
}

export async function openInstallation({ hosts, net, server: more = [] }: InstallationOptions): Promise<Installation> {
  const folder = mkdtempSync(join(tmpdir(), 'rollway-story-'));
  const port = await findFreePort('127.0.0.1', new Set(), 17100 + net, realChance);
  const agentPort = await findFreePort('0.0.0.0', new Set([port]), 17400 + net, realChance);
  const serverFolder = join(folder, 'server');
  const environment = {
    ...process.env,
    XDG_CONFIG_HOME: join(folder, 'config'),
    GIT_CONFIG_GLOBAL: '/dev/null',
    NO_COLOR: '1',
  };
  const agents = new Map<string, ChildProcess>();
  const joined = new Set<string>();
  const commands = new Set<ChildProcess>();
  let server: ChildProcess | undefined;

  const begin = (words: readonly string[], options: CommandOptions = {}): Command => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...words], {
      cwd: options.cwd ?? folder,
      env: { ...environment, ...options.env },
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    commands.add(child);
    let out = '';
    let err = '';
    child.stdout?.setEncoding('utf8').on('data', (text: string) => {
      out += text;
    });
    child.stderr?.setEncoding('utf8').on('data', (text: string) => {
      err += text;
    });
    const timeoutMs = options.timeoutMs ?? 60_000;
    const ended = new Promise<Answer>((resolve, reject) => {
      const timer = setTimeout(() => {
        child.kill('SIGKILL');
        reject(new Error(`rollway ${words.join(' ')}: not within ${timeoutMs / 1000} s\n${out}${err}`));
      }, timeoutMs);
      child.once('close', (code) => {
        clearTimeout(timer);
        commands.delete(child);
        resolve({ code, out, err });
      });
    });
    ended.catch(() => {});
    return {
      child,
      ended,
      output: () => out + err,
      async whenSaid(pattern, ms = 60_000) {
        await until(
          () => {
            if (pattern.test(out + err)) return true;
            if (child.exitCode !== null)
              throw new Error(`it ended with ${child.exitCode} without ${pattern}\n${out}${err}`);
            return false;
          },
          `rollway ${words.join(' ')} says ${pattern}`,
          ms,
        ).catch((error: Error) => {
          throw new Error(`${error.message}\n${out}${err}`);
        });
      },
    };
  };

  /** A process that stays, with its output in a file. */
  const stay = (name: string, words: readonly string[]): ChildProcess => {
    const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', main, ...words], {
      cwd: folder,
      env: environment,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    const log = (text: Buffer) => appendFileSync(join(folder, `${name}.log`), text);
    child.stdout?.on('data', log);
    child.stderr?.on('data', log);
    return child;
  };
  const logOf = (name: string) => readFileSync(join(folder, `${name}.log`), { encoding: 'utf8', flag: 'a+' });
  const client = () => {
    const { url } = JSON.parse(readFileSync(join(serverFolder, 'address.json'), 'utf8')) as { url: string };
    const token = readFileSync(join(serverFolder, 'admin-token'), 'utf8').trim();
    return createClient({ baseUrl: url, token, fetch });
  };

  const answers = async () => {
    try {
      await client().listHosts();
      return true;
    } catch {
      return false;
    }
  };

  const installation: Installation = {
    folder,
    client,
    begin,
    rollway: (words, options) => begin(words, options).ended,
    async json<T>(words: readonly string[], options?: CommandOptions) {
      const answer = await begin([...words, '-o', 'json'], options).ended;
      try {
        return JSON.parse(answer.out) as T;
      } catch {
        throw new Error(`rollway ${words.join(' ')} -o json gave ${answer.code}:\n${answer.out}\n${answer.err}`);
      }
    },
    async startServer() {
      const words = ['server', '--data', serverFolder, '--port', String(port), '--agent-port', String(agentPort)];
      const child = stay('server', [...words, ...more]);
      server = child;
      await until(async () => {
        if (child.exitCode !== null) throw new Error(`the server ended:\n${logOf('server')}`);
        return await answers();
      }, 'the server answers');
      return child;
    },
    async startAgent(host) {
      const words = ['agent', '--data', join(folder, host), '--name', host, '--hide', serverFolder];
      words.push('--address', `127.0.${net}.${hosts.indexOf(host) + 1}`, '--label', `rack=${host}`, '--tasks', '50');
      if (!joined.has(host)) {
        const file = join(folder, `${host}.join`);
        const answer = await installation.rollway(['agent', 'token', '--out', file]);
        if (answer.code !== 0) throw new Error(answer.out + answer.err);
        words.push('--join', file);
        joined.add(host);
      }
      const child = stay(host, words);
      agents.set(host, child);
      await until(async () => {
        if (child.exitCode !== null) throw new Error(`${host} ended:\n${logOf(host)}`);
        const { items } = await client().listHosts();
        return items.some((item) => item.id === host && item.state === 'up');
      }, `${host} is up`);
      return child;
    },
    async stop(child, signal = 'SIGTERM') {
      if (child.exitCode !== null || child.signalCode !== null) return;
      const gone = new Promise((resolve) => child.once('exit', resolve));
      child.kill(signal);
      const timer = setTimeout(() => child.kill('SIGKILL'), 30_000);
      await gone;
      clearTimeout(timer);
      if (signal !== 'SIGKILL') expect(child.signalCode, 'it did not stop by itself within 30 s').not.toBe('SIGKILL');
    },
    server: () => server as ChildProcess,
    agent: (host) => agents.get(host) as ChildProcess,
    async close() {
      for (const child of commands) child.kill('SIGKILL');
      await Promise.all([...agents.values()].map((child) => installation.stop(child)));
      if (server !== undefined) await installation.stop(server);
      const errors = logOf('server')
        .split('\n')
        .filter((line) => line.includes('"level":"error"'));
      if (errors.length > 0) console.error(`the server logged errors:\n${errors.join('\n')}`);
      for (const pid of processesOf(folder)) kill(pid);
      await until(() => processesOf(folder).length === 0, 'nothing is left');
      for (const host of hosts) {
        const cgroups = probeCgroups(groupNameOf(join(folder, host)));
        if (cgroups) closeCgroups(cgroups);
      }
      if (process.env.ROLLWAY_KEEP) console.log(`kept: ${folder}`);
      else rmSync(folder, { recursive: true, force: true });
    },
  };
  mkdirSync(serverFolder, { recursive: true, mode: 0o700 });
  await installation.startServer();
  await Promise.all(hosts.map((host) => installation.startAgent(host)));
  return installation;
}

/** Processes that belong to a folder: they name it, or they work in it. */
export function processesOf(folder: string): number[] {
  return listProcesses()
    .map(({ pid }) => pid)
    .filter(
      (pid) => pid !== process.pid && (workingFolder(pid).startsWith(folder) || commandLine(pid).includes(folder)),
    );
}

export function commandLine(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    return '';
  }
}

function workingFolder(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/cwd`);
  } catch {
    return '';
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, 'SIGKILL');
  } catch {
    // gone meanwhile
  }
}

/** Waits for a condition; names it when it does not come true. */
export async function until(
  condition: () => boolean | Promise<boolean>,
  what: string,
  timeoutMs = 60_000,
): Promise<void> {
  const deadline = Date.now() + timeoutMs;
  while (!(await condition())) {
    if (Date.now() > deadline) throw new Error(`not within ${timeoutMs / 1000} s: ${what}`);
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
}
