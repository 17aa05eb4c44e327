import { readdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ExecuteOrder, Hello, HelloAnswer, TailAnswer } from '../api/index.ts';
import type { OperationId } from '../model/index.ts';
import { whyTooOld } from './decide-order.ts';
import { indexFolder } from './folders.ts';
import { HeldTask } from './held-task.ts';
import { readLastLines } from './keeper/log-segments.ts';
import { indexKey, type TaskMemory, taskKey } from './memory.ts';
import type { Parts } from './parts.ts';
import { type HeldIndex, runOperation } from './run-operation.ts';

const retryMs = 1000;

/** All tasks of this host, and the operations on them: those of one index in order, of different ones in parallel. */
export class Tasks {
  readonly #parts: Parts;
  readonly #held = new Map<string, HeldTask>();
  readonly #queues = new Map<string, Promise<void>>();
  readonly #superseded = new Set<string>();
  readonly #asked: { readonly promise: Promise<void>; readonly resolve: () => void } = Promise.withResolvers<void>();

  constructor(parts: Parts) {
    this.#parts = parts;
  }

  /** Finds again what an earlier agent process started, and goes on with its operations. */
  async open(): Promise<void> {
    const { memory } = this.#parts;
    const open = memory.openOperations().map(({ order }) => taskKey(order.job, order.index, order.nextIncarnation));
    for (const task of memory.tasks()) {
      const held = this.#hold(task);
      // Without a keeper yet its operation will start it; with one, or without an operation, it is picked up here.
      const isAwaited = task.keeper === null && open.includes(keyOf(task));
      if (!isAwaited && (task.keeper !== null || task.wanted === 'running')) held.adopt();
      if (task.wanted === 'stopped' && task.keeper !== null) void held.end();
    }
    for (const { order } of memory.openOperations()) this.#enqueue(order);
    await this.#removeLeftovers();
  }

  /** Writes an order down; what it does follows. Seen before: its end is told again. */
  accept(order: ExecuteOrder): void {
    const { memory, outbox } = this.#parts;
    const known = memory.operation(order.id);
    if (known) {
      outbox.addBegun(order.id);
      if (known.state === 'ended' && known.outcome) this.#retell(order, known.outcome);
      return;
    }
    const tooOld = memory.isTombstoned(order.id)
      ? 'it was cancelled before it arrived'
      : (whyTooOld(order, memory.index(order.job, order.index)) ?? null);
    memory.writeOperation(order, tooOld);
    outbox.addBegun(order.id);
    this.#enqueue(order);
  }

  cancel(id: string): 'never-began' | 'begun' | 'done' {
    const operation = this.#parts.memory.operation(id);
    if (operation) return operation.state === 'ended' ? 'done' : 'begun';
    this.#parts.memory.addTombstone(id);
    return 'never-began';
  }

  /** The server's answer to a hello: now dead tasks may be started again, unless something newer runs elsewhere. */
  settleHello({ superseded }: HelloAnswer): void {
    for (const { job, index, incarnation } of superseded) this.#superseded.add(taskKey(job, index, incarnation));
    this.#asked.resolve();
  }

  forHello(): Hello['tasks'] {
    return [...this.#held.values()]
      .filter(({ memory }) => memory.wanted === 'running')
      .map((task) => {
        const { job, index, incarnation, order } = task.memory;
        const version = order.version?.id ?? 'v_none';
        return { job, index, incarnation, version, isAlive: task.hasKeeper };
      });
  }

  list(): HeldTask[] {
    return [...this.#held.values()];
  }

  packagesInUse(): Set<string> {
    const digests = this.list().map(({ memory }) => memory.order.version?.package);
    return new Set(digests.filter((digest) => digest !== undefined));
  }

  async tail(job: string, index: number, lines: number): Promise<TailAnswer> {
    const newest = this.#ofIndex(job, index).at(-1);
    const recent = (await newest?.tail(Math.min(lines, 1000))) ?? [];
    if (recent.length >= Math.min(lines, 1000) && lines <= 1000) return { lines: [...recent] };
    const stored = readLastLines(join(indexFolder(this.#parts.folders, job, index), 'log'), lines);
    const all = stored.length > recent.length ? stored : recent;
    return all.length > 0
      ? { lines: [...all] }
      : { lines: [], note: `${job}/${index} has written nothing on this host` };
  }

  /** Ends every process and keeps every wish. */
  async pauseAll(): Promise<void> {
    await Promise.all(this.list().map((task) => task.pause()));
  }

  /** All queues have come to rest; only after the agent's signal was aborted. */
  async settled(): Promise<void> {
    await Promise.all(this.#queues.values());
  }

  detachAll(): void {
    for (const task of this.list()) task.detach();
  }

  #enqueue(order: ExecuteOrder): void {
    const key = indexKey(order.job, order.index);
    const before = this.#queues.get(key) ?? Promise.resolve();
    this.#queues.set(
      key,
      before.then(() => this.#run(order)),
    );
  }

  async #run(order: ExecuteOrder): Promise<void> {
    const { signal, log } = this.#parts;
    while (!signal.aborted) {
      try {
        return await runOperation(this.#parts, order.id, this.#indexOf(order));
      } catch (cause) {
        if (signal.aborted) return;
        log(`${order.kind} of ${order.job}/${order.index} is tried again: ${String(cause)}`);
        await sleep(retryMs, undefined, { signal }).catch(() => {});
      }
    }
  }

  #retell(order: ExecuteOrder, outcome: NonNullable<ReturnType<Parts['memory']['operation']>>['outcome']): void {
    const newest = this.#ofIndex(order.job, order.index).at(-1);
    if (outcome && newest) newest.reportOutcome({ ...outcome, id: outcome.id as OperationId });
  }

  #indexOf({ job, index }: ExecuteOrder): HeldIndex {
    return {
      list: () => this.#ofIndex(job, index),
      find: (incarnation) => this.#held.get(taskKey(job, index, incarnation)),
      add: (task) => {
        this.#parts.memory.putTask(task);
        return this.#hold(task);
      },
      dropOlderThan: (incarnation) => {
        for (const { memory } of this.#ofIndex(job, index)) {
          if (memory.incarnation >= incarnation || memory.wanted === 'running') continue;
          this.#held.delete(keyOf(memory));
          this.#parts.memory.removeTask(memory);
        }
      },
    };
  }

  #ofIndex(job: string, index: number): HeldTask[] {
    return this.list()
      .filter(({ memory }) => memory.job === job && memory.index === index)
      .sort((a, b) => a.memory.incarnation - b.memory.incarnation);
  }

  #hold(task: TaskMemory): HeldTask {
    const held = new HeldTask(this.#parts, task, (memory) => this.#mayRestart(memory));
    this.#held.set(keyOf(task), held);
    return held;
  }

  /** Asks first. Without an answer a common task starts after a while by itself; a singleton never does. */
  async #mayRestart(task: TaskMemory): Promise<boolean> {
    const { times, signal } = this.#parts;
    const isSingleton = task.order.version?.task.singleton ?? false;
    const patience = isSingleton ? new Promise<never>(() => {}) : sleep(times.askMs, undefined, { ref: false });
    const ended = new Promise<void>((resolve) => signal.addEventListener('abort', () => resolve(), { once: true }));
    await Promise.race([this.#asked.promise, patience, ended]);
    if (signal.aborted) return false;
    if (!this.#superseded.has(keyOf(task))) return true;
    // Dead, and nobody misses it: a newer incarnation serves elsewhere.
    void this.#held.get(keyOf(task))?.end();
    return false;
  }

  /** Folders of keepers that were prepared and never used. */
  async #removeLeftovers(): Promise<void> {
    const { memory, folders } = this.#parts;
    const used = new Set([...memory.tasks(), ...memory.actions()].map(({ keeper }) => keeper));
    for (const name of await readdir(folders.keepers)) {
      if (!used.has(name)) await rm(join(folders.keepers, name), { recursive: true, force: true });
    }
  }
}

function keyOf({ job, index, incarnation }: TaskMemory): string {
  return taskKey(job, index, incarnation);
}
