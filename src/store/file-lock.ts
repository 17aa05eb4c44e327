import { DatabaseSync } from 'node:sqlite';

/**
 * Takes a lock on a file for this process; gives what releases it, undefined when another process has it. It is a lock
 * of the operating system (SQLite's own), so it ends with the process however that ends, and leaves nothing stale.
 */
export function takeFileLock(path: string): (() => void) | undefined {
  const lock = new DatabaseSync(path);
  try {
    lock.exec('pragma journal_mode = delete; pragma locking_mode = exclusive; begin exclusive');
  } catch (cause) {
    lock.close();
    if (cause instanceof Error && /locked/.test(cause.message)) return undefined;
    throw cause;
  }
  return () => lock.close();
}
