import type { Incarnation, JobId, Sample, TaskIndex } from '../model/index.ts';

/** Who a task is at a moment: what travels with each of its samples; labels are those of the task (host, rack, region). */
export type TaskAtTime = Pick<Sample, 'job' | 'index' | 'incarnation' | 'version' | 'state' | 'labels'>;

/** A task as its newest folded report tells it. */
export interface KnownTask extends TaskAtTime {
  /** Since when this incarnation serves; undefined: it does not. */
  readonly servingSinceMs: number | undefined;
  /** `address:port` of each of its ports, by which others name it (`instance`). */
  readonly addresses: readonly string[];
}

interface Kept extends KnownTask {
  readonly lastMs: number;
}

const keepMs = 10 * 60_000;

/**
 * Whose a metric is that comes without an agent: tasks of the last ten minutes by job, index and incarnation, or by
 * address. Refreshed from the tasks' newest reports once per bin.
 */
export class TaskBook {
  readonly #kept = new Map<string, Kept>();
  readonly #newest = new Map<string, Kept>();
  #byAddress = new Map<string, Kept>();

  refresh(tasks: Iterable<KnownTask>, nowMs: number): void {
    for (const task of tasks) {
      const kept = { ...task, lastMs: nowMs };
      this.#kept.set(`${task.job}/${task.index}/${task.incarnation}`, kept);
      const index = `${task.job}/${task.index}`;
      if ((this.#newest.get(index)?.incarnation ?? -1) <= task.incarnation) this.#newest.set(index, kept);
    }
    this.#byAddress = new Map();
    for (const [key, task] of this.#kept) {
      if (task.lastMs > nowMs - keepMs) for (const address of task.addresses) this.#place(address, task);
      else {
        this.#kept.delete(key);
        if (this.#newest.get(`${task.job}/${task.index}`) === task) this.#newest.delete(`${task.job}/${task.index}`);
      }
    }
  }

  /** Ports are used again: the newer one is meant. */
  #place(address: string, task: Kept): void {
    const known = this.#byAddress.get(address);
    if (!known || known.lastMs < task.lastMs) this.#byAddress.set(address, task);
  }

  get isEmpty(): boolean {
    return this.#kept.size === 0;
  }

  /** Every task as it is now. */
  list(): KnownTask[] {
    return [...this.#newest.values()];
  }

  /**
   * The task that is meant. Without an incarnation it is the newest, provided that it served all the time since
   * `fromMs`: what was measured before may be its predecessor's.
   */
  find(
    meant: { readonly job: JobId; readonly index: TaskIndex; readonly incarnation?: Incarnation | undefined },
    fromMs: number,
  ): KnownTask | undefined {
    const { job, index, incarnation } = meant;
    if (incarnation !== undefined) return this.#kept.get(`${job}/${index}/${incarnation}`);
    const newest = this.#newest.get(`${job}/${index}`);
    return newest && newest.servingSinceMs !== undefined && newest.servingSinceMs <= fromMs ? newest : undefined;
  }

  /** Whose `host:port` this is, under the same condition. */
  findByAddress(address: string, fromMs: number): KnownTask | undefined {
    const task = this.#byAddress.get(address);
    return task && task.servingSinceMs !== undefined && task.servingSinceMs <= fromMs ? task : undefined;
  }
}
