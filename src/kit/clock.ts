/** The port of time: the only way to know what time it is. Real in `io/`, virtual in `sim/`. */
export interface Clock {
  /** Epoch milliseconds. */
  nowMs(): number;
  /** Resolves at or after `atMs`, or rejects with the signal's reason when aborted first. */
  sleepUntil(atMs: number, signal?: AbortSignal): Promise<void>;
}
