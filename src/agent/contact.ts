import { orAborted } from '../kit/index.ts';

interface Question {
  readonly report: number;
  readonly resolve: (isHeard: boolean) => void;
}

/**
 * Whether the server hears this host, and whether it did so without a break. Whoever reads discovery can know of a change
 * only while there is a server that answers, so a drain lasts for a time of contact, not for a time by the clock.
 */
export class Contact {
  /** Sends a report at once. */
  readonly #nudge: () => void;
  /** Each time of contact has a number of its own. */
  #session = 0;
  #isOpen = false;
  #begun = 0;
  #opening = Promise.withResolvers<void>();
  #questions: Question[] = [];

  constructor(nudge: () => void) {
    this.#nudge = nudge;
  }

  open(): void {
    this.#session += 1;
    this.#isOpen = true;
    this.#opening.resolve();
  }

  close(): void {
    if (!this.#isOpen) return;
    this.#isOpen = false;
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

  /** Resolves with the number of this time of contact; rejects when the signal is aborted first. */
  async whenOpen(signal: AbortSignal): Promise<number> {
    while (!this.#isOpen) await orAborted(this.#opening.promise, signal);
    return this.#session;
  }

  /** Asks now. True: the server answered, and contact is still the one that `whenOpen` named. */
  async isUnbroken(session: number, signal: AbortSignal): Promise<boolean> {
    if (!this.#isOpen || this.#session !== session) return false;
    const { promise, resolve } = Promise.withResolvers<boolean>();
    this.#questions.push({ report: this.#begun + 1, resolve });
    this.#nudge();
    return await orAborted(promise, signal);
  }
}
