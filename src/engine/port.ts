import type { Chance } from '../kit/index.ts';
import type { Actor, EffectId, NewEvent } from '../model/index.ts';
import type { Tx } from '../store/index.ts';

/**
 * What an area needs of the engine. An area's `work.ts` exports work kinds and effect kinds; the server (or the
 * simulator) registers them. The engine imports no area.
 */

/** The rows that serialise decisions: whoever decides on a job's facts bumps the job's guard, and so on. */
export type GuardKind = 'repository' | 'pipeline' | 'job' | 'host' | 'rollout-group' | 'maintenance';
export interface GuardRef {
  readonly kind: GuardKind;
  readonly id: string;
}

/** Asks for one more run of (kind, key). Idempotent: enqueueing what is already wanted loses and doubles nothing. */
export interface Enqueue {
  readonly kind: string;
  readonly key: string;
  /**
   * Not before this time (a timer). Default: now. Of several times the earliest is kept; a time still to come survives
   * a run that comes before it, so a turn that is woken early need not remember its timer.
   */
  readonly dueAtMs?: number;
  readonly urgent?: boolean;
}

/** Something to be done outside, written in the same transaction as the decision that wants it. */
export interface NewEffect {
  readonly id: EffectId;
  readonly kind: string;
  /** Who receives it (`agent/host-3`, `git`, …); effects of one (receiver, orderKey) run one after another. */
  readonly receiver: string;
  readonly orderKey: string;
  /** Waits for nobody, and nobody waits for it. Kinds whose name ends in `cancel` never wait anyway. */
  readonly unordered?: boolean;
  readonly payload: unknown;
  readonly dueAtMs?: number;
}

/** What became of a person's command. */
export interface CommandAnswer {
  readonly id: string;
  readonly ok: boolean;
  /** In words, for the person who gave it. */
  readonly detail: string;
}

/** What a decision wants committed, all of it or nothing. */
export interface Proposal<T = void> {
  /** Guards (each read through `view.guard` before) whose revision this decision raises. */
  readonly bump?: readonly GuardRef[];
  /** Writes the rows of state; only functions of `rows.ts` files are called in here. */
  readonly write?: (tx: Tx) => Promise<void>;
  readonly effects?: readonly NewEffect[];
  /** Pending effects that shall not begin any more (by id). Those already leased go on. */
  readonly withdraw?: readonly EffectId[];
  /** All pending effects for these receivers shall not begin any more: `agent/<host>` of a lost host. */
  readonly withdrawFrom?: readonly string[];
  /** Commands (read by `pendingCommands`) that this decision answers. */
  readonly answers?: readonly CommandAnswer[];
  readonly events?: readonly NewEvent[];
  readonly work?: readonly Enqueue[];
  readonly result: T;
}

/** What an attempt reads from: a transaction's view, which remembers the guards it read. */
export interface View {
  readonly tx: Tx;
  /** The guard's revision (0 if it never was bumped). Checked at commit: changed meanwhile → the attempt runs again. */
  guard(kind: GuardKind, id: string): Promise<number>;
}

/** One run of one work row. */
export interface Turn {
  readonly key: string;
  readonly nowMs: number;
  readonly chance: Chance;
  readonly signal: AbortSignal;
  /** `makeId(prefix)` with this turn's clock and chance. */
  id<P extends string>(prefix: P): `${P}_${string}`;
  /**
   * Guard → load → decide → one transaction. `attempt` must only read (and decide); it is called again when a guard
   * it read has changed. Fenced by the work row's epoch. A turn may commit several times; each is durable by itself.
   * Undefined: nothing to do.
   */
  commit<T>(attempt: (view: View) => Promise<Proposal<T> | undefined>): Promise<T | undefined>;
}

export interface WorkKind {
  readonly kind: string;
  /** Runs one turn. Throwing backs the row off; after `maxAttempts` failures in a row it is parked. */
  run(turn: Turn): Promise<void>;
  /** Default 8. The sealer is never parked. */
  readonly maxAttempts?: number;
}

/** What an effect's receiver answered; committed together with `done`. */
export interface EffectOutcome {
  readonly events?: readonly NewEvent[];
  readonly work?: readonly Enqueue[];
  readonly write?: (tx: Tx) => Promise<void>;
}

export interface EffectKind {
  readonly kind: string;
  /** Whether it may run again after a crash between doing and recording: the receiver remembers effect ids. */
  readonly safeToRepeat: boolean;
  /** Default 5 minutes: how long one attempt may take before another process may take it over. */
  readonly leaseMs?: number;
  /** Default: tries for ever with back-off. Then it is parked. One that is not safe to repeat is parked at once. */
  readonly maxAttempts?: number;
  /** A throw means that it could not be done: it is tried again. What the receiver said is an outcome, not a throw. */
  run(effect: LeasedEffect): Promise<EffectOutcome>;
}

export interface LeasedEffect {
  readonly id: EffectId;
  readonly kind: string;
  readonly receiver: string;
  readonly payload: unknown;
  readonly attempt: number;
  readonly signal: AbortSignal;
}

/** A person's command: a row of its own, decided by the work kind of its subject. */
export interface CommandRow {
  readonly id: string;
  /** Work kind and key that will decide it: `('rollout/decide', 'ro_…')`. */
  readonly kind: string;
  readonly key: string;
  readonly name: string;
  readonly arguments: Readonly<Record<string, unknown>>;
  readonly actor: Actor;
  readonly reason: string | undefined;
  readonly atMs: number;
  readonly outcome: { readonly ok: boolean; readonly detail: string } | undefined;
}
