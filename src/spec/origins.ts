import type { Origin } from './compiled.ts';
import type { Leaf } from './layers.ts';

/** Collects, while the canonical form is put together, where each of its values comes from. */
export interface OriginBook {
  /** Notes the origin of the value at a path and gives the value. */
  at<T>(path: string, leaf: Leaf<T>): T;
  /** The same for a value that follows from others. */
  derived<T>(path: string, value: T): T;
  all(): Origin[];
}

export function openOriginBook(): OriginBook {
  const found = new Map<string, Origin>();
  const note = <T>(path: string, value: T, layer: string): T => {
    for (const [leaf, part] of leavesOf(path, value)) found.set(leaf, { path: leaf, value: part, layer });
    return value;
  };
  return {
    at: (path, { value, layer }) => note(path, value, layer),
    derived: (path, value) => note(path, value, 'derived'),
    all: () => [...found.values()].sort((a, b) => (a.path < b.path ? -1 : a.path > b.path ? 1 : 0)),
  };
}

/**
 * The values of a tree with their paths. Lists of named things are followed by name (`phases.one-task.select`); other
 * lists, and what is empty, are one value.
 */
export function leavesOf(path: string, value: unknown): [string, unknown][] {
  const below = (key: string) => (path === '' ? key : `${path}.${key}`);
  if (Array.isArray(value)) {
    const isNamed = value.length > 0 && value.every((item) => typeof item?.name === 'string');
    if (!isNamed) return [[path, value]];
    return value.flatMap((item) => leavesOf(below(item.name), item));
  }
  if (value === null || typeof value !== 'object' || Object.keys(value).length === 0) return [[path, value]];
  return Object.entries(value).flatMap(([key, part]) => (part === undefined ? [] : leavesOf(below(key), part)));
}
