import { DatabaseSync } from 'node:sqlite';

/**
 * Takes a file for this process, or says that another one has it (undefined). It is a lock of the operating system's,
 * so it ends with the process however that ends. Returns how to give it back. Throws when the file cannot be made.
 */
export function takeFileLock(path: string): (() => void) | undefined {
  const lock = new DatabaseSync(path);
  try {
    lock.exec('pragma journal_mode = delete; pragma locking_mode = exclusive; begin exclusive');
  } catch (error) {
    lock.close();
    if (error instanceof Error && /locked/.test(error.message)) return undefined;
    throw error;
  }
  return () => lock.close();
}
