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
  readonly write: (hosts: readonly HostId[], disks: readonly DiskNews[], atMs: number) => Promise<void>;
  readonly onError: (error: unknown) => void;
}

export interface DiskNews {
  readonly host: HostId;
  readonly freeDiskRatio: number;
}

/** Free disk is written down when it has changed by this much. */
const noteworthyRatio = 0.01;

export class Heard {
  readonly #options: HeardOptions;
  readonly #writtenRatio = new Map<HostId, number>();
  #hosts = new Set<HostId>();
  #disks = new Map<HostId, number>();

  constructor(options: HeardOptions) {
    this.#options = options;
  }

  mark(host: HostId, freeDiskRatio?: number): void {
    this.#hosts.add(host);
    if (freeDiskRatio === undefined) return;
    const written = this.#writtenRatio.get(host);
    if (written === undefined || Math.abs(written - freeDiskRatio) >= noteworthyRatio) {
      this.#disks.set(host, freeDiskRatio);
    }
  }

  async flush(): Promise<void> {
    const hosts = [...this.#hosts].sort();
    const disks = [...this.#disks].map(([host, freeDiskRatio]) => ({ host, freeDiskRatio }));
    this.#hosts = new Set();
    this.#disks = new Map();
    await this.#options.write(hosts, disks, this.#options.clock.nowMs());
    for (const { host, freeDiskRatio } of disks) this.#writtenRatio.set(host, freeDiskRatio);
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
