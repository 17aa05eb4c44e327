import { type Delta, keyedLists, type ListDelta } from './live.ts';

type Json = Readonly<Record<string, unknown>>;

/**
 * What turns `before` into `after`; undefined when nothing changed.
 * `applyDelta(before, deltaBetween(before, after))` equals `after`, key by key.
 */
export function deltaBetween(before: Json, after: Json): Delta | undefined {
  const set: Record<string, unknown> = {};
  const lists: Record<string, ListDelta> = {};
  for (const [member, value] of Object.entries(after)) {
    const old = before[member];
    if (isSame(old, value)) continue;
    const key = keyedLists[member];
    if (key !== undefined && isKeyedList(old, key) && isKeyedList(value, key))
      lists[member] = listBetween(old, value, key);
    else set[member] = value;
  }
  const hasSet = Object.keys(set).length > 0;
  const hasLists = Object.keys(lists).length > 0;
  if (!hasSet && !hasLists) return undefined;
  return { ...(hasSet ? { set } : {}), ...(hasLists ? { lists } : {}) };
}

/** The state after a delta; members that did not change keep their identity, so that a view can skip them. */
export function applyDelta<T extends object>(before: T, delta: Delta): T {
  const after: Record<string, unknown> = { ...before, ...delta.set };
  for (const [member, change] of Object.entries(delta.lists ?? {})) {
    const key = keyedLists[member] ?? 'id';
    const old = (after[member] ?? []) as Json[];
    after[member] = applyList(old, change, key);
  }
  return after as T;
}

function listBetween(before: readonly Json[], after: readonly Json[], key: string): ListDelta {
  const olds = new Map(before.map((entry) => [keyOf(entry, key), entry]));
  const news = new Set(after.map((entry) => keyOf(entry, key)));
  const put = after.filter((entry) => !isSame(olds.get(keyOf(entry, key)), entry));
  const drop = [...olds.keys()].filter((k) => !news.has(k));
  const change: ListDelta = { ...(put.length > 0 ? { put } : {}), ...(drop.length > 0 ? { drop } : {}) };
  const result = applyList(before, change, key).map((entry) => keyOf(entry, key));
  const wanted = after.map((entry) => keyOf(entry, key));
  return isSame(result, wanted) ? change : { ...change, order: wanted };
}

function applyList(before: readonly Json[], change: ListDelta, key: string): Json[] {
  const entries = new Map(before.map((entry) => [keyOf(entry, key), entry]));
  for (const k of change.drop ?? []) entries.delete(k);
  for (const entry of (change.put ?? []) as Json[]) entries.set(keyOf(entry, key), entry);
  if (!change.order) return [...entries.values()];
  return change.order.flatMap((k) => {
    const entry = entries.get(k);
    return entry === undefined ? [] : [entry];
  });
}

function keyOf(entry: Json, key: string): string | number {
  return entry[key] as string | number;
}

function isKeyedList(value: unknown, key: string): value is Json[] {
  if (!Array.isArray(value)) return false;
  const keys = new Set<unknown>();
  for (const entry of value) {
    const k: unknown = entry !== null && typeof entry === 'object' ? (entry as Json)[key] : undefined;
    if (typeof k !== 'string' && typeof k !== 'number') return false;
    keys.add(k);
  }
  return keys.size === value.length;
}

/** Deep equality of JSON values. */
function isSame(a: unknown, b: unknown): boolean {
  if (a === b) return true;
  if (a === null || b === null || typeof a !== 'object' || typeof b !== 'object') return false;
  if (Array.isArray(a) !== Array.isArray(b)) return false;
  const keysA = Object.keys(a);
  if (keysA.length !== Object.keys(b).length) return false;
  return keysA.every((key) => key in b && isSame((a as Json)[key], (b as Json)[key]));
}
