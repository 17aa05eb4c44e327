/** Lets one through at a time, in order of arrival. */
export interface Turnstile {
  enter(): Promise<void>;
  leave(): void;
}

export function createTurnstile(): Turnstile {
  let isTaken = false;
  const waiting: (() => void)[] = [];
  return {
    enter() {
      if (isTaken) return new Promise((resolve) => waiting.push(resolve));
      isTaken = true;
      return Promise.resolve();
    },
    leave() {
      const next = waiting.shift();
      if (next === undefined) isTaken = false;
      else next();
    },
  };
}
