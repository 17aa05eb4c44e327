import { createLiveRegion } from './render/live-region.ts';
import type { Session } from './session.ts';

/** How often a watching command looks. */
const watchEveryMs = 500;

/** Waits, or returns early when the signal is aborted. */
export function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) return resolve();
    const timer = setTimeout(done, ms);
    function done() {
      clearTimeout(timer);
      signal.removeEventListener('abort', done);
      resolve();
    }
    signal.addEventListener('abort', done, { once: true });
  });
}

/** A clock that runs is no news: `about 40 s` and `about 39 s` are the same line. */
export function withoutTimes(line: string): string {
  return line.replaceAll(/\b\d+(?:\.\d+)? (?:ms|s|m|h|d)\b/g, '#').replaceAll(/#(?: #)+/g, '#');
}

/**
 * Shows a thing again and again until `isOver` or Ctrl-C: in place on a terminal, else only lines that changed.
 * With `-o json` one JSON line per change.
 */
export async function watchLoop<T>(
  session: Session,
  read: () => Promise<T>,
  linesOf: (value: T) => string[],
  isOver: (value: T) => boolean = () => false,
): Promise<number | undefined> {
  const region = session.out.isTty && session.out.format === 'table' ? createLiveRegion(process.stdout) : undefined;
  let before: string[] = [];
  let beforeJson = '';
  while (!session.signal.aborted) {
    const value = await read();
    const json = JSON.stringify(value);
    if (session.out.format === 'json') {
      if (json !== beforeJson) session.out.line(json);
      beforeJson = json;
    } else {
      const lines = linesOf(value);
      if (region !== undefined) region.update(lines);
      else for (const line of lines.filter((line) => !before.includes(withoutTimes(line)))) session.out.line(line);
      before = lines.map(withoutTimes);
    }
    if (isOver(value)) break;
    await pause(watchEveryMs, session.signal);
  }
  region?.end();
  return undefined;
}
