import type { Chance, Clock } from '../kit/index.ts';
import type { Actor, NewEvent, StoredEvent } from '../model/index.ts';
import type { Store, Tx } from '../store/index.ts';
import type { Trouble } from './core.ts';
import type { Hooks } from './hooks.ts';
import type { CommandRow, EffectKind, Enqueue, NewEffect, Proposal, View, WorkKind } from './port.ts';
import type { EngineSettings } from './settings.ts';
import type { RanDue } from './step.ts';

export interface EngineOptions {
  readonly store: Store;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Names this process in leases; a new one for every start. */
  readonly processId: string;
  readonly settings?: Partial<EngineSettings>;
  /** For crash tests; see `Hooks`. */
  readonly hooks?: Hooks;
  /** Told of failures that nobody waits for; a server logs them. */
  readonly onTrouble?: (trouble: Trouble) => void;
}

/** What an edge (HTTP handler, agent report) writes without deciding anything. */
export interface Addition {
  readonly write?: (tx: Tx) => Promise<void>;
  readonly effects?: readonly NewEffect[];
  readonly events?: readonly NewEvent[];
  readonly work?: readonly Enqueue[];
}

export interface ParkedWork {
  readonly kind: string;
  readonly key: string;
  readonly attempts: number;
  readonly parkedAtMs: number;
  readonly lastError: string;
}

export interface ParkedEffect {
  readonly id: string;
  readonly kind: string;
  readonly receiver: string;
  readonly attempts: number;
  readonly lastError: string;
  /** A crash left it unknown whether it was done: only a person may say "again". */
  readonly isUncertain: boolean;
}

export interface ChainReport {
  readonly ok: boolean;
  readonly events: number;
  /** The first thing found wrong, in words. */
  readonly broken?: { readonly stream: string; readonly sequence: number; readonly reason: string };
}

export interface Engine {
  registerWork(kind: WorkKind): void;
  registerEffect(kind: EffectKind): void;

  /** Asks for a run in a transaction of its own. Inside one use `Proposal.work` or `Addition.work`. */
  enqueue(...work: readonly Enqueue[]): Promise<void>;
  /** Inserts rows, events, effects and work in one transaction, comparing no guard: the inbox's way in. */
  append(addition: Addition): Promise<void>;
  /**
   * Guard → load → decide → commit, as a turn does, for edges that must answer at once. Events by a person must be by
   * this actor.
   */
  commitAs<T>(actor: Actor, attempt: (view: View) => Promise<Proposal<T> | undefined>): Promise<T | undefined>;
  /** Writes a person's command and wakes (urgently, also out of parking) the work that decides it. */
  submitCommand(...commands: readonly Omit<CommandRow, 'outcome'>[]): Promise<void>;
  /** A command with its outcome once it is answered. */
  findCommand(id: string): Promise<CommandRow | undefined>;

  /**
   * Runs at most one due effect or work row and says whether there was one. Deterministic: what simulator and tests
   * drive. After it, this engine holds no lease.
   */
  step(): Promise<boolean>;
  /**
   * Runs everything that is due now, in the order in which `step` would, with fewer transactions. After it, this
   * engine holds no lease.
   */
  runDue(): Promise<RanDue>;
  /** When the next step will have something to do: now or earlier if it is due; undefined if nothing ever will be. */
  nextDueAtMs(): Promise<number | undefined>;
  /** Runs everything until aborted, then waits for what is under way. */
  run(signal: AbortSignal): Promise<void>;

  listParked(): Promise<{ readonly work: readonly ParkedWork[]; readonly effects: readonly ParkedEffect[] }>;
  /** Gives parked rows another chance now: one work row, one effect, or all. Returns how many. */
  retryParked(which: { kind: string; key: string } | { effect: string } | 'all'): Promise<number>;
  /** A receiver that could not be reached is back: what failed for it does not wait any longer. Returns how many. */
  hasten(receiver: string): Promise<number>;
  /** A person says what became of an uncertain effect: it ends as `failed`, and what waits behind it goes on. */
  dropEffect(id: string): Promise<boolean>;

  /** Sealed events after a position, oldest first. */
  readEvents(afterPosition: number, limit: number): Promise<StoredEvent[]>;
  /** One stream's events after a sequence number, sealed or not. */
  readStream(stream: string, afterSequence: number, limit: number): Promise<StoredEvent[]>;
  /** The newest events of one stream, oldest first, sealed or not. */
  readNewest(stream: string, limit: number): Promise<StoredEvent[]>;
  /** The last sealed position. */
  lastPosition(): Promise<number>;
  /** Called with the last position whenever new events were sealed. Returns how to stop. */
  subscribe(listener: (position: number) => void): () => void;
  /** Recomputes hashes of a stream, or of all streams and of the global order. */
  verifyChain(which: { stream: string } | 'all'): Promise<ChainReport>;
}
