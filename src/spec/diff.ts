import { stableJson } from '../kit/index.ts';
import type { ServiceSpec } from '../model/index.ts';
import { leavesOf } from './origins.ts';

export interface SpecChange {
  /** `environments.production.tasks`; actions, environments, checks and phases stand by their names. */
  readonly path: string;
  readonly before: unknown;
  readonly after: unknown;
}

/** What differs between two specs, sorted by path. `undefined` on one side: not there. */
export function diffSpecs(before: ServiceSpec, after: ServiceSpec): SpecChange[] {
  const old = new Map(leavesOf('', before));
  const now = new Map(leavesOf('', after));
  const changes: SpecChange[] = [];
  for (const path of new Set([...old.keys(), ...now.keys()])) {
    const change = { path, before: old.get(path), after: now.get(path) };
    if (stableJson(change.before) !== stableJson(change.after)) changes.push(change);
  }
  const order = (actions: ServiceSpec) => actions.pipeline.actions.map(({ name }) => name);
  const isReordered = stableJson(order(before).toSorted()) === stableJson(order(after).toSorted());
  if (isReordered && stableJson(order(before)) !== stableJson(order(after))) {
    changes.push({ path: 'pipeline.actions', before: order(before), after: order(after) });
  }
  return changes.sort((a, b) => (a.path < b.path ? -1 : 1));
}
