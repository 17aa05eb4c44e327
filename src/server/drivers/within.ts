import { type Clock, whenAborted } from '../../kit/index.ts';
import { ProblemError, problem } from '../../model/index.ts';

/** What a plug-in does not finish in time has failed; it may go on as it likes, nobody listens any more. */
export async function within<T>(
  clock: Clock,
  ms: number,
  what: string,
  signal: AbortSignal,
  act: (signal: AbortSignal) => Promise<T> | T,
): Promise<T> {
  const ended = new AbortController();
  const own = AbortSignal.any([signal, ended.signal]);
  const late = async (): Promise<never> => {
    await clock.sleepUntil(clock.nowMs() + ms, own).catch(() => undefined);
    if (signal.aborted) throw stopping(what);
    throw new ProblemError(problem('driver/unavailable', `${what} took longer than ${ms / 1000} s.`));
  };
  try {
    // In a promise, so that what it throws at once is no different.
    return await Promise.race([
      (async () => act(own))(),
      late(),
      whenAborted(signal).then(() => Promise.reject(stopping(what))),
    ]);
  } finally {
    ended.abort();
  }
}

function stopping(what: string): ProblemError {
  return new ProblemError(problem('driver/unavailable', `${what} was cut short.`));
}

/** In a line, for a person: never more than they can read. */
export function inWords(error: unknown): string {
  const text = error instanceof Error ? error.message : String(error);
  return text.replaceAll(/\s+/g, ' ').slice(0, 300);
}
