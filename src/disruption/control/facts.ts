import type { CompletedOperation, MaintenanceAnswer, OperationId, TaskControlResponse } from '../../model/index.ts';

/** What a job remembers of the calls to its TaskController. */
export interface ControlFacts {
  /** Of the newest call; 0: none yet. Never falls, whoever sends. */
  readonly sequence: number;
  readonly calledAtMs: number;
  /** The newest call has neither an answer nor a failure yet. */
  readonly isAwaited: boolean;
  /** What the newest call asked for, and what it told. */
  readonly asked: readonly OperationId[];
  readonly told: readonly string[];
  /** The controller is known to have taken in everything up to this call. */
  readonly acknowledgedSequence: number;
  /** Ended, and not known to have been taken in. */
  readonly completed: readonly ToldCompletion[];
  /** Why operations are not acked, as the newest answer has it. */
  readonly reasons: Readonly<Record<string, string>>;
  readonly answeredAtMs: number | undefined;
  /** Since the first call that was not answered; undefined while calls are. */
  readonly silentSinceMs: number | undefined;
  readonly lastFailure: string | undefined;
  /** Since when something waits and nothing of it is acked. */
  readonly withheldSinceMs: number | undefined;
  /** What a person was told of. */
  readonly alarm: 'silent' | 'withholding' | undefined;
  /** Acks for what was not asked for, and answers that came too late: they changed nothing. */
  readonly ignored: number;
  /** What it wants done with tasks under maintenance: notice → task, or `all` → answer. */
  readonly stays?: Readonly<Record<string, Readonly<Record<string, MaintenanceAnswer>>>> | undefined;
}

export interface ToldCompletion {
  readonly operation: CompletedOperation;
  /** The call that told it first; undefined: none yet. */
  readonly sequence: number | undefined;
}

export const noCalls: ControlFacts = {
  sequence: 0,
  calledAtMs: 0,
  isAwaited: false,
  asked: [],
  told: [],
  acknowledgedSequence: 0,
  completed: [],
  reasons: {},
  answeredAtMs: undefined,
  silentSinceMs: undefined,
  lastFailure: undefined,
  withheldSinceMs: undefined,
  alarm: undefined,
  ignored: 0,
};

/** What came of one call: the reply, or why there is none, in words. */
export interface ControlAnswer {
  readonly sequence: number;
  readonly atMs: number;
  readonly reply: TaskControlResponse | undefined;
  readonly failure: string | undefined;
}

/** An ack that its operation could not use within this time is void (by our clock). */
export const ackLifeMs = 60_000;
