import type { Clock } from '../../kit/index.ts';
import type { HostId } from '../../model/index.ts';

/**
 * Heartbeats are kept in memory and written down once per interval, all in one transaction, together with the word
 * that this server listens: silence counts only while somebody does.
 */
export interface HeardOptions {
  readonly clock: Clock;
  readonly intervalMs: number;
  /** Writes that this server listens, and who was heard since the last time. */
  readonly write: (hosts: readonly HostId[], atMs: number) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export class Heard {
  readonly #options: HeardOptions;
  #hosts = new Set<HostId>();

  constructor(options: HeardOptions) {
    this.#options = options;
  }

  mark(host: HostId): void {
    this.#hosts.add(host);
  }

  async flush(): Promise<void> {
    const hosts = this.#hosts;
    this.#hosts = new Set();
    await this.#options.write([...hosts].sort(), this.#options.clock.nowMs());
  }

  /** Writes each interval until aborted. A write that fails is made good by the next one. */
  async run(signal: AbortSignal): Promise<void> {
    const { clock, intervalMs, onError } = this.#options;
    while (!signal.aborted) {
      await this.flush().catch(onError);
      await clock.sleepUntil(clock.nowMs() + intervalMs, signal).catch(() => undefined);
    }
  }
}
