import type { Tx } from './schema.ts';

/** An open database with the newest schema. */
export interface Store {
  readonly kind: 'sqlite' | 'postgres';
  /** Reads a consistent snapshot. */
  read<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  /**
   * All of `work` or nothing of it. Inside, await nothing but statements on `tx`: on SQLite everybody else waits.
   * SQLite: one at a time (`begin immediate`). PostgreSQL: read committed; what must not change is locked.
   */
  transaction<T>(work: (tx: Tx) => Promise<T>): Promise<T>;
  close(): Promise<void>;
}

export type StoreOptions =
  | { readonly kind: 'sqlite'; readonly path: string }
  | { readonly kind: 'postgres'; readonly url: string; readonly connections?: number };
