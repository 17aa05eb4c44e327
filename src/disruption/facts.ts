import type {
  FailureCard,
  HostId,
  Incarnation,
  Operation,
  OperationId,
  TaskIndex,
  TaskState,
  VersionId,
} from '../model/index.ts';

/** What is known of one incarnation: its newest folded report. */
export interface IncarnationFacts {
  readonly incarnation: Incarnation;
  readonly life: number;
  readonly host: HostId;
  readonly version: VersionId;
  readonly state: TaskState;
  readonly ports: Readonly<Record<string, number>>;
  readonly address: string;
  /** The agent's own: orders the reports of this incarnation. */
  readonly sequence: number;
  readonly reportedAtMs: number;
  /** Since when this incarnation has served without a break; undefined while it does not. */
  readonly servingSinceMs: number | undefined;
  /** The newest failure it was reported with. */
  readonly failure: FailureCard | undefined;
}

/** What is known of one index of a job. */
export interface TaskFacts {
  readonly index: TaskIndex;
  /** The highest number ever given out for it, also to operations of which nothing was heard yet. */
  readonly highestIncarnation: Incarnation;
  /** It has served at least once: from then on it counts as out whenever it does not serve (invariant I1). */
  readonly servedOnce: boolean;
  /** Since when it has been out; undefined while it serves or has never served. */
  readonly outSinceMs: number | undefined;
  /** Repairs that failed in a row, and before which time no further one begins. */
  readonly failedTries: number;
  readonly notBeforeMs: number;
  /** Hosts on which these tries failed: the next start goes somewhere else while it can. */
  readonly failedOn: readonly HostId[];
  /** The newest incarnation that was reported. */
  readonly current: IncarnationFacts | undefined;
  /** Other incarnations: superseded ones that may still live, and the last few known to be gone. */
  readonly others: readonly IncarnationFacts[];
}

/** Why an operation was admitted although it did not fit, or did not need to (invariant I1). */
export type Exemption = 'no-living-incarnation' | 'still-out' | 'forced';

/** An operation as the ledger keeps it. */
export interface LedgerOperation extends Operation {
  readonly exemption: Exemption | undefined;
  /** When it was told to be cancelled, until the receiver has answered. */
  readonly cancelAskedAtMs: number | undefined;
  /** Its host was lost before it was written down there: the order was taken back, until the host is heard again. */
  readonly isWithdrawn: boolean;
  /** How often it was sent out: an order that was taken back is sent again as another one. */
  readonly dispatches: number;
  /** It was put to the TaskController, which therefore hears of its end. */
  readonly isAsked?: boolean | undefined;
  /** When the controller's ack was taken in; void when it is not admitted within a minute. */
  readonly ackedAtMs?: number | undefined;
  /** How it ended, in words. */
  readonly outcome: string | undefined;
}

/** What a receiver answered: `begun` to an execute; the three answers to a cancel. */
export interface OperationAnswer {
  readonly operation: OperationId;
  readonly answer: 'begun' | 'never-began' | 'done';
  readonly atMs: number;
}

export function newTask(index: TaskIndex): TaskFacts {
  return {
    index,
    highestIncarnation: 0,
    servedOnce: false,
    outSinceMs: undefined,
    failedTries: 0,
    notBeforeMs: 0,
    failedOn: [],
    current: undefined,
    others: [],
  };
}

/**
 * An index that has left its job: nothing of it lives. Its highest incarnation stays known, because agents remember it
 * too: a later start under a lower number would be refused.
 */
export function goneTask({ index, highestIncarnation }: TaskFacts): TaskFacts {
  return { ...newTask(index), highestIncarnation };
}

/** Nothing is known of it but its numbers. */
export function isGone({ current, others }: TaskFacts): boolean {
  return current === undefined && others.length === 0;
}
