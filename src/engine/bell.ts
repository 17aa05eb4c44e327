/** Wakes whoever waits; a ring while nobody waits is heard by the next wait. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring (at once if one was missed), or when aborted. */
  heard(signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let isMissed = false;
  let waiting: (() => void)[] = [];
  return {
    ring() {
      if (waiting.length === 0) {
        isMissed = true;
        return;
      }
      const woken = waiting;
      waiting = [];
      for (const wake of woken) wake();
    },
    heard(signal) {
      if (isMissed || signal.aborted) {
        isMissed = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        const wake = () => {
          signal.removeEventListener('abort', wake);
          resolve();
        };
        waiting.push(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    },
  };
}
