/** PostgreSQL gave up this transaction in favour of another one: a deadlock or a serialisation failure. */
export function isConflict(error: unknown): boolean {
  const code = error instanceof Error && 'code' in error ? error.code : undefined;
  return code === '40P01' || code === '40001';
}

/** Each one means that somebody else's transaction went through; so many in a row are worth an error. */
const maxTries = 20;

/** Runs a transaction again when it was given up in favour of another one: nothing of it has happened. */
export async function despiteConflicts<T>(transaction: () => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    try {
      return await transaction();
    } catch (error) {
      if (tries >= maxTries || !isConflict(error)) throw error;
    }
  }
}
