import { type ChildProcess, spawn } from 'node:child_process';
import { createWriteStream } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { ensureFolder } from '../../io/index.ts';

/** One process of the demo: its output goes to a file, its life is tied to ours by its standard input. */
export interface Child {
  readonly name: string;
  readonly process: ChildProcess;
  readonly logFile: string;
  /** Resolves with the exit code, or the signal's name. */
  readonly exited: Promise<number | string>;
  isRunning(): boolean;
}

const entry = fileURLToPath(new URL(`../main${import.meta.url.endsWith('.ts') ? '.ts' : '.js'}`, import.meta.url));

/**
 * Starts `rollway …` as a child in a process group of its own, so that Ctrl-C in the terminal reaches only the demo,
 * which then stops everything in order.
 */
export async function startChild(name: string, argv: readonly string[], logFolder: string): Promise<Child> {
  await ensureFolder(logFolder);
  const logFile = join(logFolder, `${name}.log`);
  const log = createWriteStream(logFile, { flags: 'a', mode: 0o600 });
  const child = spawn(process.execPath, ['--disable-warning=ExperimentalWarning', entry, ...argv], {
    detached: true,
    stdio: ['pipe', 'pipe', 'pipe'],
  });
  child.stdin.on('error', () => undefined);
  child.stdout.pipe(log, { end: false });
  child.stderr.pipe(log, { end: false });
  const exited = new Promise<number | string>((resolve) => {
    child.once('error', (error) => resolve(error.message));
    child.once('exit', (code, signal) => resolve(signal ?? code ?? 0));
  });
  void exited.then(() => log.end());
  return {
    name,
    process: child,
    logFile,
    exited,
    isRunning: () => child.exitCode === null && child.signalCode === null,
  };
}

/** SIGTERM, and SIGKILL after `graceMs`; resolves when it is gone. */
export async function stopChild(child: Child, graceMs: number): Promise<void> {
  if (!child.isRunning()) return;
  child.process.kill('SIGTERM');
  const timer = setTimeout(() => child.process.kill('SIGKILL'), graceMs);
  await child.exited;
  clearTimeout(timer);
}
