import type { Reports } from '../api/index.ts';
import { orAborted } from '../kit/index.ts';
import type { TaskReport } from '../model/index.ts';
import type { ActionMemory, Memory, TaskMemory } from './memory.ts';

const maxReportsPerBatch = 500;

/** What is to be told to the server: everything that changed and was not yet accepted. */
export class Outbox {
  readonly #memory: Memory;
  readonly #host: string;
  readonly #waiting = new Map<number, (() => void)[]>();
  readonly #begun = new Set<string>();
  readonly #actions = new Set<string>();
  #wake: () => void = () => {};
  #hasNews = false;
  #delivered = 0;

  constructor(memory: Memory, host: string) {
    this.#memory = memory;
    this.#host = host;
    this.#delivered = (memory.undelivered()[0]?.sequence ?? Number.POSITIVE_INFINITY) - 1;
  }

  add(report: Omit<TaskReport, 'sequence' | 'host'>): TaskReport {
    const numbered = this.#memory.addReport({ ...report, host: this.#host });
    this.#delivered = Math.min(this.#delivered, numbered.sequence - 1);
    this.#announce();
    return numbered;
  }

  addBegun(id: string): void {
    this.#begun.add(id);
    this.#announce();
  }

  addAction(id: string): void {
    this.#actions.add(id);
    this.#announce();
  }

  /** A batch goes out at once, with news or without. */
  sendNow(): void {
    this.#announce();
  }

  /** Resolves when the server has accepted that report. */
  async whenDelivered(sequence: number, signal: AbortSignal): Promise<void> {
    if (this.#delivered >= sequence) return;
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#waiting.set(sequence, [...(this.#waiting.get(sequence) ?? []), resolve]);
    await orAborted(promise, signal);
  }

  /** Resolves when there is something new, or after `ms`. */
  async whenChanged(ms: number, signal: AbortSignal): Promise<void> {
    if (this.#hasNews) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, ms);
      this.#wake = () => {
        clearTimeout(timer);
        resolve();
      };
      signal.addEventListener('abort', this.#wake, { once: true });
    });
    this.#wake = () => {};
  }

  /** The next batch. A snapshot holds every task too, whether the server knows it already or not. */
  makeBatch(isSnapshot: boolean, freeDiskRatio: number): Reports {
    this.#hasNews = false;
    const undelivered = this.#memory.undelivered();
    const tasks = isSnapshot
      ? withAllTasks(undelivered, this.#memory, this.#host)
      : undelivered.slice(0, maxReportsPerBatch);
    const actions = isSnapshot
      ? this.#memory.actions().filter(({ isDelivered }) => !isDelivered)
      : this.#memory.actions().filter(({ order }) => this.#actions.has(order.id));
    const batch = {
      host: this.#host,
      batch: this.#memory.takeBatchNumber(),
      snapshot: isSnapshot,
      atMs: Date.now(),
      freeDiskRatio,
      tasks: tasks.map((report) => ({ ...report })),
      actions: actions.map(actionReport),
      begun: [...this.#begun],
    };
    return batch as unknown as Reports;
  }

  /** The server has accepted this batch. */
  settle(batch: Reports): void {
    this.#memory.removeReports(batch.tasks.map(({ sequence }) => sequence));
    for (const id of batch.begun) this.#begun.delete(id);
    for (const report of batch.actions) {
      const action = this.#memory.action(report.id);
      this.#actions.delete(report.id);
      if (action?.report && report.state !== 'running') this.#memory.putAction({ ...action, isDelivered: true });
    }
    const first = this.#memory.undelivered()[0]?.sequence;
    this.#delivered = first === undefined ? Number.MAX_SAFE_INTEGER : first - 1;
    for (const [sequence, resolvers] of this.#waiting) {
      if (sequence > this.#delivered) continue;
      this.#waiting.delete(sequence);
      for (const resolve of resolvers) resolve();
    }
    if (first !== undefined) this.#announce();
  }

  #announce(): void {
    this.#hasNews = true;
    this.#wake();
  }
}

function actionReport({ order, report }: ActionMemory): Reports['actions'][number] {
  return (report ?? { id: order.id, state: 'running', summary: '' }) as Reports['actions'][number];
}

function withAllTasks(undelivered: readonly TaskReport[], memory: Memory, host: string): TaskReport[] {
  const known = new Set(undelivered.map(({ sequence }) => sequence));
  const others = memory
    .tasks()
    .filter(({ reported }) => reported.sequence > 0 && !known.has(reported.sequence))
    .map((task) => asReport(task, host));
  return [...undelivered, ...others].sort((a, b) => a.sequence - b.sequence);
}

function asReport(task: TaskMemory, host: string): TaskReport {
  const { state, life, sequence, atMs, failure } = task.reported;
  return {
    ...taskFacts(task, task.address),
    host,
    life,
    state,
    sequence,
    atMs,
    ports: portsWhile(state, task),
    ...(failure && { failure }),
  };
}

/** What every report of a task says. */
export function taskFacts(
  { job, index, incarnation, order }: TaskMemory,
  address: string,
): Pick<TaskReport, 'job' | 'index' | 'incarnation' | 'version' | 'address'> {
  const version = (order.version?.id ?? 'v_none') as TaskReport['version'];
  return { job: job as TaskReport['job'], index, incarnation, version, address };
}

/** A port is told only while a process may listen on it. */
export function portsWhile(state: TaskReport['state'], { ports }: TaskMemory): Readonly<Record<string, number>> {
  return state === 'starting' || state === 'serving' || state === 'draining' || state === 'crash-looping' ? ports : {};
}
