interface Question {
  readonly report: number;
  readonly resolve: (isHeard: boolean) => void;
}

/**
 * Whether the server hears this host, and since when without a break. Whoever reads discovery can know of a change
 * only while there is a server that answers, so a drain lasts for a time of contact, not for a time by the clock.
 */
export class Contact {
  readonly #nowMs: () => number;
  /** Sends a report at once. */
  readonly #nudge: () => void;
  #openedAtMs: number | undefined;
  #begun = 0;
  #opening = Promise.withResolvers<void>();
  #questions: Question[] = [];

  constructor(nowMs: () => number, nudge: () => void) {
    this.#nowMs = nowMs;
    this.#nudge = nudge;
  }

  open(): void {
    this.#openedAtMs = this.#nowMs();
    this.#opening.resolve();
  }

  close(): void {
    if (this.#openedAtMs === undefined) return;
    this.#openedAtMs = undefined;
    this.#opening = Promise.withResolvers();
    const questions = this.#questions;
    this.#questions = [];
    for (const { resolve } of questions) resolve(false);
  }

  /** A report is about to be sent; gives its number. */
  beginReport(): number {
    this.#begun += 1;
    return this.#begun;
  }

  /** The server has accepted that report. */
  endReport(number: number): void {
    const answered = this.#questions.filter(({ report }) => report <= number);
    this.#questions = this.#questions.filter(({ report }) => report > number);
    for (const { resolve } of answered) resolve(true);
  }

  /** Resolves with the time since when there is contact; rejects when the signal is aborted first. */
  async whenOpen(signal: AbortSignal): Promise<number> {
    while (this.#openedAtMs === undefined) await orAborted(this.#opening.promise, signal);
    return this.#openedAtMs;
  }

  /** Asks now. True: the server answered, and contact has not broken since `sinceMs`, an answer of `whenOpen`. */
  async isUnbroken(sinceMs: number, signal: AbortSignal): Promise<boolean> {
    if (this.#openedAtMs !== sinceMs) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#questions.push({ report: this.#begun + 1, resolve });
    this.#nudge();
    return await orAborted(promise, signal);
  }
}

async function orAborted<T>(promise: Promise<T>, signal: AbortSignal): Promise<T> {
  signal.throwIfAborted();
  const { promise: aborted, reject } = Promise.withResolvers<never>();
  const onAbort = (): void => reject(signal.reason);
  signal.addEventListener('abort', onAbort, { once: true });
  try {
    return await Promise.race([promise, aborted]);
  } finally {
    signal.removeEventListener('abort', onAbort);
  }
}
