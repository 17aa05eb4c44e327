import type { Clock } from '../kit/index.ts';

/** Timers of Node hold at most 2³¹ − 1 ms. */
const longestSleepMs = 2_147_000_000;

/** The real time. */
export const realClock: Clock = {
  nowMs: () => Date.now(),
  async sleepUntil(atMs, signal) {
    for (;;) {
      signal?.throwIfAborted();
      const leftMs = atMs - Date.now();
      if (leftMs <= 0) return;
      await sleep(Math.min(leftMs, longestSleepMs), signal);
    }
  },
};

function sleep(forMs: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    const onAbort = () => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener('abort', onAbort);
      resolve();
    }, forMs);
    signal?.addEventListener('abort', onAbort, { once: true });
  });
}
