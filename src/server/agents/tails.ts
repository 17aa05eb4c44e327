import type { TailAnswer } from '../../api/index.ts';
import { AgentUnreachable, type OrderBook } from '../../drivers/fleet/index.ts';
import type { Clock } from '../../kit/index.ts';
import type { HostId, JobId, TaskIndex } from '../../model/index.ts';

interface Waiting {
  readonly host: HostId;
  settle(answer: TailAnswer): void;
}

/** Requests for the last lines of a task, on their way to its host and back. */
export class Tails {
  readonly #book: OrderBook;
  readonly #clock: Clock;
  readonly #newId: () => string;
  readonly #waiting = new Map<string, Waiting>();

  constructor(book: OrderBook, clock: Clock, newId: () => string) {
    this.#book = book;
    this.#clock = clock;
    this.#newId = newId;
  }

  /** The last lines of a task, oldest first; rejects as unreachable when its host does not answer in time. */
  async ask(host: HostId, job: JobId, index: TaskIndex, lines: number, signal: AbortSignal): Promise<TailAnswer> {
    const request = this.#newId();
    const timeout = new AbortController();
    const ended = AbortSignal.any([signal, timeout.signal]);
    try {
      return await new Promise<TailAnswer>((settle, fail) => {
        this.#waiting.set(request, { host, settle });
        this.#book.send(host, { type: 'tail', request, job, index, lines }, ended).catch(fail);
        this.#clock
          .sleepUntil(this.#clock.nowMs() + tailTimeoutMs, ended)
          .then(() => fail(new AgentUnreachable(host, `${host} did not send the log in time.`)), fail);
      });
    } finally {
      this.#waiting.delete(request);
      timeout.abort();
    }
  }

  /** False: nobody asked this host for it (any more). */
  answer(host: HostId, request: string, answer: TailAnswer): boolean {
    const waiting = this.#waiting.get(request);
    if (waiting?.host !== host) return false;
    waiting.settle(answer);
    return true;
  }
}

const tailTimeoutMs = 10_000;
