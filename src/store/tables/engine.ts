import type { Generated } from 'kysely';

/** Tables of `engine/`. Times are epoch milliseconds, booleans 0 or 1, structured values JSON text. */
export interface EngineTables {
  guard: GuardTable;
  work: WorkTable;
  effect: EffectTable;
  command: CommandTable;
  event: EventTable;
  fact: FactTable;
  event_seal: EventSealTable;
  engine_note: EngineNoteTable;
}

/** The rows that serialise decisions. Missing means revision 0. */
export interface GuardTable {
  kind: string;
  id: string;
  revision: number;
}

/** One row for each (kind, key) that was ever wanted. */
export interface WorkTable {
  kind: string;
  key: string;
  /** Raised by every enqueue. */
  wanted: number;
  /** The `wanted` that the last finished turn saw. Equal to `wanted`: idle. */
  done: number;
  /** The `wanted` that the running turn saw. */
  seen: number;
  /** When it may be claimed: due time, end of a back-off, end of a lease; `never` when idle. The only column searched. */
  ready_at: number;
  /** The earliest due time among requests that no turn has seen. */
  due_at: number;
  /** The earliest due time that lay in the future when it was asked for and has not come yet. */
  timer_at: number;
  urgent: number;
  /** Grows with every claim; a commit carries it. */
  epoch: number;
  /** The process that runs it; null when nobody does. */
  owner: string | null;
  /** Failures in a row. */
  attempts: number;
  parked_at: number | null;
  last_error: string | null;
}

export type EffectState = 'pending' | 'leased' | 'done' | 'failed' | 'parked' | 'withdrawn';

export interface EffectTable {
  /** Order of insertion; effects of one (receiver, order_key) begin in this order. */
  sequence: Generated<number>;
  id: string;
  kind: string;
  receiver: string;
  /** Null: unordered. */
  order_key: string | null;
  payload: string;
  state: EffectState;
  /** When it may be claimed: due time, end of a back-off, end of a lease, hourly retry; `never` once it ended. */
  ready_at: number;
  epoch: number;
  owner: string | null;
  attempts: number;
  last_error: string | null;
  created_at: number;
  ended_at: number | null;
}

export interface CommandTable {
  sequence: Generated<number>;
  id: string;
  kind: string;
  key: string;
  name: string;
  arguments: string;
  actor: string;
  reason: string | null;
  at_ms: number;
  answered_at: number | null;
  ok: number | null;
  detail: string | null;
}

export interface EventTable {
  /** Order of insertion, not of commits. */
  id: Generated<number>;
  stream: string;
  sequence: number;
  type: string;
  at_ms: number;
  actor: string;
  /** Stable JSON; members above 4 kB stand in `fact`. */
  data: string;
  /** Whether `data` names facts. */
  facts: number;
  hash: string;
  /** Global, gap-free; null until sealed. */
  position: number | null;
}

/** A large part of an event's data, by the digest of its stable JSON. */
export interface FactTable {
  digest: string;
  content: string;
}

/** The one row (id 1) that says how far the global order reaches, and who extends it. */
export interface EventSealTable {
  id: number;
  position: number;
  /** Rolling: SHA-256 over the previous digest and the hash of the event at `position`. */
  digest: string;
  epoch: number;
  owner: string | null;
  lease_until: number;
}

/** Small things the engine remembers about itself, such as the program's version at the last start. */
export interface EngineNoteTable {
  name: string;
  value: string;
}
