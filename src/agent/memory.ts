import { join } from 'node:path';
import type { ActionOrder, ExecuteOrder } from '../api/index.ts';
import type { FailureCard, OperationOutcome, TaskReport, TaskState } from '../model/index.ts';
import { Reserve } from './reserve.ts';
import { type Change, Rows } from './rows.ts';

/** What is remembered of an index of a job, also after its task is gone. */
export interface IndexMemory {
  readonly job: string;
  readonly index: number;
  readonly highestIncarnation: number;
  readonly highestEpoch: number;
  /** The ports it had last, by name: it gets them again when they are free. */
  readonly ports: Readonly<Record<string, number>>;
}

/** An operation that was written down: `written` → `begun` (nothing refuses it any more) → `ended`. */
export interface OperationMemory {
  readonly order: ExecuteOrder;
  /** Order of arrival. */
  readonly number: number;
  readonly state: 'written' | 'begun' | 'ended';
  /** Found too old when it arrived. */
  readonly refusal: string | null;
  readonly outcome: OperationOutcome | null;
}

/** One incarnation that was started here. */
export interface TaskMemory {
  readonly job: string;
  readonly index: number;
  readonly incarnation: number;
  readonly order: ExecuteOrder;
  readonly ports: Readonly<Record<string, number>>;
  readonly address: string;
  readonly wanted: 'running' | 'stopped';
  /** Name of its newest keeper's folder; null before the first. */
  readonly keeper: string | null;
  /** The life the next keeper begins with. */
  readonly nextLife: number;
  readonly reported: Reported;
}

/** The newest word on a task. */
export interface Reported {
  readonly state: TaskState;
  readonly life: number;
  readonly sequence: number;
  readonly atMs: number;
  readonly failure: FailureCard | null;
}

export interface ActionMemory {
  readonly order: ActionOrder;
  readonly keeper: string | null;
  readonly shippedBytes: number;
  readonly isCancelled: boolean;
  /** The end, as reported; null while it runs. */
  readonly report: unknown;
  readonly isDelivered: boolean;
}

interface Counters {
  readonly sequence: number;
  readonly operationNumber: number;
  readonly batch: number;
  readonly samplesBatch: number;
  readonly keeper: number;
}

// Batch numbers only have to grow, so they are reserved in blocks: one write per thousand heartbeats.
const batchBlock = 1000;
const endedOperationsKept = 50;
const tombstoneMs = 30 * 86_400_000;
/** Enough for some hundreds of operations and reports. */
const reserveBytes = 4 * 1024 * 1024;

export const taskKey = (job: string, index: number, incarnation: number): string => `${job}/${index}/${incarnation}`;
export const indexKey = (job: string, index: number): string => `${job}/${index}`;

/**
 * Everything an agent remembers, in memory for reading and on disk before anything depends on it. Each method that
 * changes something is one durable transaction.
 */
export class Memory {
  readonly #rows: Rows;
  readonly #indices: Map<string, IndexMemory>;
  readonly #operations: Map<string, OperationMemory>;
  readonly #tasks: Map<string, TaskMemory>;
  readonly #actions: Map<string, ActionMemory>;
  readonly #reports: Map<string, TaskReport>;
  readonly #reserve: Reserve;
  #counters: Counters;
  #nextBatch: number;
  #nextSamplesBatch: number;

  constructor(folder: string) {
    this.#reserve = new Reserve(join(folder, 'reserve'), reserveBytes);
    this.#rows = new Rows(join(folder, 'agent.sqlite'), this.#reserve);
    const all = <T>(kind: string): T[] => this.#rows.list(kind) as T[];
    this.#indices = new Map(all<IndexMemory>('index').map((one) => [indexKey(one.job, one.index), one]));
    this.#operations = new Map(all<OperationMemory>('operation').map((one) => [one.order.id, one]));
    this.#tasks = new Map(all<TaskMemory>('task').map((one) => [taskKey(one.job, one.index, one.incarnation), one]));
    this.#actions = new Map(all<ActionMemory>('action').map((one) => [one.order.id, one]));
    this.#reports = new Map(all<TaskReport>('report').map((one) => [reportKey(one.sequence), one]));
    const none: Counters = { sequence: 0, operationNumber: 0, batch: 0, samplesBatch: 0, keeper: 0 };
    this.#counters = { ...none, ...(this.#rows.find('meta', 'counters') as Partial<Counters> | undefined) };
    this.#nextBatch = this.#counters.batch;
    this.#forgetOldTombstones(all<{ id: string; atMs: number }>('tombstone'));
    this.#nextSamplesBatch = this.#counters.samplesBatch;
  }

  close(): void {
    this.#rows.close();
  }

  /** Keeps room on the disk aside for what must be written down when it is full. To be called while there is room. */
  keepReserve(): void {
    this.#reserve.take();
  }

  // ------------------------------------------------------------ reading

  index(job: string, index: number): IndexMemory {
    const none = { job, index, highestIncarnation: 0, highestEpoch: 0, ports: {} };
    return this.#indices.get(indexKey(job, index)) ?? none;
  }

  operation(id: string): OperationMemory | undefined {
    return this.#operations.get(id);
  }

  /** Not ended, in the order in which they came. */
  openOperations(): OperationMemory[] {
    return [...this.#operations.values()].filter(({ state }) => state !== 'ended').sort((a, b) => a.number - b.number);
  }

  task(job: string, index: number, incarnation: number): TaskMemory | undefined {
    return this.#tasks.get(taskKey(job, index, incarnation));
  }

  tasks(): TaskMemory[] {
    return [...this.#tasks.values()];
  }

  /** Of one index, oldest incarnation first. */
  tasksOf(job: string, index: number): TaskMemory[] {
    return this.tasks()
      .filter((task) => task.job === job && task.index === index)
      .sort((a, b) => a.incarnation - b.incarnation);
  }

  actions(): ActionMemory[] {
    return [...this.#actions.values()];
  }

  action(id: string): ActionMemory | undefined {
    return this.#actions.get(id);
  }

  isTombstoned(id: string): boolean {
    return this.#rows.find('tombstone', id) !== undefined;
  }

  /** Not yet accepted by the server, oldest first. */
  undelivered(): TaskReport[] {
    return [...this.#reports.values()].sort((a, b) => a.sequence - b.sequence);
  }

  // ------------------------------------------------------------ writing

  /** Writes an operation down and what it teaches about its index. */
  writeOperation(order: ExecuteOrder, refusal: string | null): OperationMemory {
    const number = this.#counters.operationNumber + 1;
    const operation: OperationMemory = { order, number, state: 'written', refusal, outcome: null };
    const index = this.index(order.job, order.index);
    const highestEpoch = Math.max(index.highestEpoch, order.epoch);
    this.#commit([
      ...this.#count({ operationNumber: number }),
      this.#operationChange(operation),
      this.#indexChange({ ...index, highestEpoch }),
    ]);
    return operation;
  }

  changeOperation(id: string, change: Partial<OperationMemory>): OperationMemory {
    const before = this.#operations.get(id);
    if (!before) throw new Error(`operation ${id} is not known here`);
    const operation = { ...before, ...change };
    this.#commit([this.#operationChange(operation)]);
    return operation;
  }

  addTombstone(id: string): void {
    this.#commit([{ kind: 'tombstone', key: id, value: { id, atMs: Date.now() } }]);
  }

  changeIndex(job: string, index: number, change: Partial<IndexMemory>): void {
    this.#commit([this.#indexChange({ ...this.index(job, index), ...change })]);
  }

  putTask(task: TaskMemory): void {
    this.#commit([this.#taskChange(task)]);
  }

  removeTask({ job, index, incarnation }: TaskMemory): void {
    this.#commit([{ kind: 'task', key: taskKey(job, index, incarnation), value: undefined }]);
  }

  /** Numbers a report, puts it into the outbox, and ends the operation that ends with it. */
  addReport(report: Omit<TaskReport, 'sequence'>): TaskReport {
    const sequence = this.#counters.sequence + 1;
    const numbered: TaskReport = { ...report, sequence };
    const changes: Change[] = [
      ...this.#count({ sequence }),
      { kind: 'report', key: reportKey(sequence), value: numbered },
    ];
    const task = this.task(report.job, report.index, report.incarnation);
    if (task) {
      const { state, life, atMs, failure = null } = report;
      changes.push(this.#taskChange({ ...task, reported: { state, life, sequence, atMs, failure } }));
    }
    const operation = report.operation && this.#operations.get(report.operation.id);
    if (operation) {
      changes.push(this.#operationChange({ ...operation, state: 'ended', outcome: report.operation ?? null }));
    }
    this.#commit(changes);
    if (operation) this.#forgetOldOperations(operation.order.job, operation.order.index);
    return numbered;
  }

  /** The server has these. */
  removeReports(sequences: readonly number[]): void {
    this.#commit(sequences.map((sequence) => ({ kind: 'report', key: reportKey(sequence), value: undefined })));
  }

  putAction(action: ActionMemory): void {
    this.#commit([{ kind: 'action', key: action.order.id, value: action }]);
  }

  removeAction(id: string): void {
    this.#commit([{ kind: 'action', key: id, value: undefined }]);
  }

  takeKeeperNumber(): number {
    const keeper = this.#counters.keeper + 1;
    this.#commit(this.#count({ keeper }));
    return keeper;
  }

  /** Never given twice, also over a crash. */
  takeBatchNumber(): number {
    if (this.#nextBatch >= this.#counters.batch) this.#commit(this.#count({ batch: this.#nextBatch + batchBlock }));
    return this.#nextBatch++;
  }

  takeSamplesBatchNumber(): number {
    if (this.#nextSamplesBatch >= this.#counters.samplesBatch) {
      this.#commit(this.#count({ samplesBatch: this.#nextSamplesBatch + batchBlock }));
    }
    return this.#nextSamplesBatch++;
  }

  // ------------------------------------------------------------ changes

  /** On disk first: what is not written down is not remembered either, and is asked for again. */
  #commit(changes: readonly Change[]): void {
    this.#rows.write(changes);
    for (const { kind, key, value } of changes) {
      if (kind === 'meta') this.#counters = value as Counters;
      const map = this.#remembered(kind);
      if (value === undefined) map?.delete(key);
      else map?.set(key, value);
    }
  }

  #remembered(kind: string): Map<string, unknown> | undefined {
    const maps: Readonly<Record<string, Map<string, unknown>>> = {
      ...{ index: this.#indices, operation: this.#operations, task: this.#tasks },
      ...{ action: this.#actions, report: this.#reports },
    };
    return maps[kind];
  }

  #count(change: Partial<Counters>): Change[] {
    return [{ kind: 'meta', key: 'counters', value: { ...this.#counters, ...change } }];
  }

  #operationChange(operation: OperationMemory): Change {
    return { kind: 'operation', key: operation.order.id, value: operation };
  }

  #indexChange(index: IndexMemory): Change {
    return { kind: 'index', key: indexKey(index.job, index.index), value: index };
  }

  #taskChange(task: TaskMemory): Change {
    return { kind: 'task', key: taskKey(task.job, task.index, task.incarnation), value: task };
  }

  /** An operation that was cancelled a month ago does not arrive any more. */
  #forgetOldTombstones(tombstones: readonly { readonly id: string; readonly atMs: number }[]): void {
    const old = tombstones.filter(({ atMs }) => atMs < Date.now() - tombstoneMs);
    this.#commit(old.map(({ id }) => ({ kind: 'tombstone', key: id, value: undefined })));
  }

  /** Their ids are not needed for ever: an older one is refused by its epoch. */
  #forgetOldOperations(job: string, index: number): void {
    const ended = [...this.#operations.values()]
      .filter(({ order, state }) => order.job === job && order.index === index && state === 'ended')
      .sort((a, b) => b.number - a.number)
      .slice(endedOperationsKept);
    this.#commit(ended.map(({ order }) => ({ kind: 'operation', key: order.id, value: undefined })));
  }
}

const reportKey = (sequence: number): string => String(sequence).padStart(16, '0');
