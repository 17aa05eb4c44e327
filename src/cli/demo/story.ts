import type { Style } from '../render/style.ts';
import { stopwatch } from '../render/time.ts';

/** Tells what happens in plain lines: time since the start, who, what. */
export interface Story {
  tell(who: string, what: string, tone?: 'good' | 'bad' | 'held' | 'bold'): void;
  /** Replaces itself on a terminal until the next line is told; elsewhere it is left out. */
  progress(what: string): void;
}

export function createStory(style: Style, stream: NodeJS.WriteStream, startedAtMs: number): Story {
  const isTty = stream.isTTY === true;
  let isProgressShown = false;
  const clear = () => {
    if (isProgressShown) stream.write('\r\u001b[2K');
    isProgressShown = false;
  };
  const at = () => style.dim(stopwatch(Date.now() - startedAtMs));
  return {
    tell(who, what, tone) {
      clear();
      const paint = tone === undefined ? (text: string) => text : style[tone];
      stream.write(`${at()}  ${who.padEnd(9)} ${paint(what)}\n`);
    },
    progress(what) {
      if (!isTty) return;
      clear();
      stream.write(`${at()}  ${style.dim(what.slice(0, Math.max(20, (stream.columns ?? 100) - 10)))}`);
      isProgressShown = true;
    },
  };
}
