import type { Actor } from './actor.ts';

/**
 * One decision or fact that was committed. `stream` is the aggregate (`job/guestbook@production`,
 * `rollout/ro_…`, `release/rel_…`, `host/host-1`, `repository/…`), `sequence` grows by one within it, `hash` chains
 * it to its predecessor. The global `position` is given by the sealer and is gap-free.
 */
export interface StoredEvent {
  readonly stream: string;
  readonly sequence: number;
  readonly type: string;
  readonly atMs: number;
  readonly actor: Actor;
  readonly data: Readonly<Record<string, unknown>>;
  readonly hash: string;
  readonly position: number | undefined;
}

export interface NewEvent {
  readonly stream: string;
  readonly type: string;
  readonly actor: Actor;
  readonly data: Readonly<Record<string, unknown>>;
}
