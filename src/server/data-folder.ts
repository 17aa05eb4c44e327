import { chmodSync, readdirSync, rmSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { makeFolders } from '../io/index.ts';
import { ProblemError, problem } from '../model/index.ts';
import { takeFileLock } from '../store/index.ts';

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
    makeFolders(path);
    if (!statSync(path).isDirectory()) throw new Error('it is not a folder');
    chmodSync(path, 0o700);
    for (const part of ['packages', 'git', 'keys']) makeFolders(join(path, part));
  } catch (cause) {
    throw unusable(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  const release = takeLock(path);
  removeLeftovers(join(path, 'git'));
  return { path, release };
}

/** Checkouts and uploads end with what they were made for; a crash leaves them behind. */
function removeLeftovers(folder: string): void {
  for (const name of readdirSync(folder)) {
    if (/^(checkout|upload)-/.test(name)) rmSync(join(folder, name), { recursive: true, force: true });
  }
}

function takeLock(path: string): () => void {
  let release: (() => void) | undefined;
  try {
    release = takeFileLock(join(path, 'server.lock'));
  } catch (cause) {
    throw unusable(path, cause instanceof Error ? cause.message : String(cause), cause);
  }
  if (release) return release;
  throw new ProblemError(
    problem(
      'server/data-folder',
      `Another Rollway server uses ${path}.`,
      { path },
      'Use that one, stop it, or start this one with another folder: --data <folder>.',
    ),
  );
}

function unusable(path: string, why: string, cause: unknown): ProblemError {
  return new ProblemError(problem('server/data-folder', `${path} cannot be used: ${why}.`, { path }), { cause });
}
