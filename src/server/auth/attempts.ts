/** Lets `limit` failures pass within `windowMs`; afterwards nobody may try until the window has moved on. */
export interface Attempts {
  mayTry(nowMs: number): boolean;
  recordFailure(nowMs: number): void;
}

export function createAttempts(limit: number, windowMs: number): Attempts {
  let failures: number[] = [];
  return {
    mayTry(nowMs) {
      failures = failures.filter((atMs) => atMs > nowMs - windowMs);
      return failures.length < limit;
    },
    recordFailure(nowMs) {
      failures.push(nowMs);
    },
  };
}
