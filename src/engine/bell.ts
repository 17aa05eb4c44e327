/** Wakes whoever waits; a ring while nobody waits is heard by the next wait. */
export interface Bell {
  ring(): void;
  /** Resolves at the next ring (at once if one was missed), or when aborted. */
  heard(signal: AbortSignal): Promise<void>;
}

export function createBell(): Bell {
  let isMissed = false;
  const waiting = new Set<() => void>();
  return {
    ring() {
      isMissed = waiting.size === 0;
      for (const wake of [...waiting]) wake();
    },
    heard(signal) {
      if (isMissed || signal.aborted) {
        isMissed = false;
        return Promise.resolve();
      }
      return new Promise((resolve) => {
        // Whoever stopped waiting hears nothing: it must not keep a ring from those who come later.
        const wake = () => {
          waiting.delete(wake);
          signal.removeEventListener('abort', wake);
          resolve();
        };
        waiting.add(wake);
        signal.addEventListener('abort', wake, { once: true });
      });
    },
  };
}
