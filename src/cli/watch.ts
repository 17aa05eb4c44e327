import { backoffMs, formatDuration } from '../kit/index.ts';
import { ProblemError } from '../model/index.ts';
import { createLiveRegion } from './render/live-region.ts';
import type { Session } from './session.ts';

/** How often a watching command looks. */
const watchEveryMs = 500;

/** Between two tries to reach a server that has gone away: it is most likely being started again. */
const [firstRetryMs, longestRetryMs] = [500, 10_000];
/** Then somebody should know; what is watched goes on without. */
const givesUpAfterMs = 15 * 60_000;

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

export interface WatchOptions {
  /** The server has answered before: when it does not at the first look, it is waited for too. */
  readonly isKnown?: boolean;
  readonly nowMs?: () => number;
  readonly wait?: typeof pause;
}

/**
 * Shows a thing again and again until `isOver` or Ctrl-C: in place on a terminal, else only lines that changed.
 * With `-o json` one JSON line per change. A server that goes away meanwhile is waited for, and it is said so.
 */
export async function watchLoop<T>(
  session: Session,
  read: () => Promise<T>,
  linesOf: (value: T) => string[],
  isOver: (value: T) => boolean = () => false,
  { isKnown = false, nowMs = Date.now, wait = pause }: WatchOptions = {},
): Promise<number | undefined> {
  const region = session.out.isTty && session.out.format === 'table' ? createLiveRegion(process.stdout) : undefined;
  let before: string[] = [];
  let beforeJson = '';
  let shown: string[] = [];
  const say = (note: string): void => {
    if (session.out.format === 'json') process.stderr.write(`${note}\n`);
    else if (region !== undefined) region.print(note, shown);
    else session.out.line(note);
  };
  let away: { readonly sinceMs: number; tries: number } | undefined;
  while (!session.signal.aborted) {
    let value: T;
    try {
      value = await read();
    } catch (error) {
      if (!isAway(error) || (!isKnown && beforeJson === '')) throw error;
      away ??= { sinceMs: nowMs(), tries: 0 };
      away.tries += 1;
      if (nowMs() - away.sinceMs > givesUpAfterMs) throw error;
      if (away.tries === 1) say(`! ${session.url} does not answer; what it does goes on there. Trying again …`);
      await wait(backoffMs(away.tries, firstRetryMs, longestRetryMs, { next: Math.random }), session.signal);
      continue;
    }
    if (away !== undefined) say(`${session.url} answers again, after ${formatDuration(nowMs() - away.sinceMs)}.`);
    away = undefined;
    const json = JSON.stringify(value);
    if (session.out.format === 'json') {
      if (json !== beforeJson) session.out.line(json);
    } else {
      const lines = linesOf(value);
      shown = lines;
      if (region !== undefined) region.update(lines);
      else for (const line of lines.filter((line) => !before.includes(withoutTimes(line)))) session.out.line(line);
      before = lines.map(withoutTimes);
    }
    beforeJson = json;
    if (isOver(value)) break;
    await wait(watchEveryMs, session.signal);
  }
  region?.end();
  return undefined;
}

/** Nobody listens, or whoever does is not ready: a server that is started again. */
function isAway(error: unknown): boolean {
  return error instanceof ProblemError && error.problem.code === 'api/unavailable';
}
