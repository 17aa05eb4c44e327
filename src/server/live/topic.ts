import type { Topic } from '../../api/index.ts';
import { deltaBetween } from '../../api/index.ts';
import type { Problem } from '../../model/index.ts';
import { encodeFrame } from './frames.ts';

/** What a topic looks like now; or why it cannot be shown. */
export type Loaded = { readonly ok: true; readonly data: Model } | { readonly ok: false; readonly problem: Problem };
export type Model = Readonly<Record<string, unknown>>;

/** One state of a topic, shared by all who watch it; `position` was taken before the rows were read. */
export interface State {
  readonly position: number;
  readonly loaded: Loaded;
  readonly atMs: number;
}

/** Deltas from one state to another, encoded once however many watch. */
const encoded = new WeakMap<State, WeakMap<State, Uint8Array | null>>();
const snapshots = new WeakMap<State, Uint8Array>();

export function encodeSnapshot(topic: Topic, state: State, data: Model): Uint8Array {
  const known = snapshots.get(state);
  if (known) return known;
  const bytes = encodeFrame('snapshot', { topic, position: state.position, data });
  snapshots.set(state, bytes);
  return bytes;
}

/** undefined: nothing changed between the two. */
export function encodeDelta(topic: Topic, from: State, to: State): Uint8Array | undefined {
  if (from === to || !from.loaded.ok || !to.loaded.ok) return undefined;
  const targets = encoded.get(from) ?? new WeakMap<State, Uint8Array | null>();
  encoded.set(from, targets);
  let bytes = targets.get(to);
  if (bytes === undefined) {
    const delta = deltaBetween(from.loaded.data, to.loaded.data);
    bytes = delta ? encodeFrame('delta', { topic, position: to.position, delta }) : null;
    targets.set(to, bytes);
  }
  return bytes ?? undefined;
}
