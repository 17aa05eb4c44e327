import { chmodSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { ProblemError, problem } from '../model/index.ts';

export interface DataFolder {
  readonly path: string;
  /** Gives the lock back. */
  release(): void;
}

/**
 * Makes the data folder (mode 0700), and takes it for this process: one server per folder. The lock is one of the
 * operating system's on a file, so it ends with the process however that ends. Throws `server/data-folder`.
 */
export function openDataFolder(path: string): DataFolder {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    if (!statSync(path).isDirectory()) throw new Error('it is not a folder');
    chmodSync(path, 0o700);
    for (const part of ['packages', 'git', 'keys']) mkdirSync(join(path, part), { recursive: true, mode: 0o700 });
  } catch (cause) {
    throw unusable(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  return { path, release: takeLock(path) };
}

function takeLock(path: string): () => void {
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(join(path, 'server.lock'));
    lock.exec('pragma journal_mode = delete; pragma locking_mode = exclusive; begin exclusive');
  } catch (cause) {
    lock?.close();
    const isTaken = cause instanceof Error && /locked/.test(cause.message);
    if (!isTaken) throw unusable(path, cause instanceof Error ? cause.message : String(cause), cause);
    throw new ProblemError(
      problem(
        'server/data-folder',
        `Another Rollway server uses ${path}.`,
        { path },
        'Use that one, stop it, or start this one with another folder: --data <folder>.',
      ),
    );
  }
  const held = lock;
  return () => held.close();
}

function unusable(path: string, why: string, cause: unknown): ProblemError {
  return new ProblemError(problem('server/data-folder', `${path} cannot be used: ${why}.`, { path }), { cause });
}
