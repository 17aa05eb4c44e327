import type { ActionSpec } from '../model/index.ts';
import type { ConfigError } from './config-errors.ts';
import { suggest } from './suggest.ts';

/** The parts of actions by which they hang together. */
export type Vertex = Pick<ActionSpec, 'name' | 'needs' | 'inputs' | 'type'> & {
  readonly output?: string | null | undefined;
};

/**
 * Whether actions can run at all: names are unique, each need and each artifact exists, nothing waits for itself, and
 * nothing waits for what can never run. All mistakes at once; a cycle is named once, from its first action on.
 */
export function validatePipeline(actions: readonly Vertex[]): ConfigError[] {
  const byName = new Map<string, Vertex>();
  const errors: ConfigError[] = [];
  for (const action of actions) {
    if (byName.has(action.name)) errors.push(mistake(action, 'spec/invalid', 'is the name of two actions'));
    else byName.set(action.name, action);
  }
  for (const action of byName.values()) errors.push(...unknownNeeds(action, byName));
  const knots = findKnots(byName);
  for (const { cycle } of knots) {
    const detail = `is in a cycle: ${[...cycle, cycle[0]].join(' needs ')}`;
    errors.push(mistake(byName.get(cycle[0]!)!, 'spec/cycle', detail, 'needs'));
  }
  const knotted = new Set(knots.flatMap(({ members }) => members));
  for (const action of byName.values()) {
    if (knotted.has(action.name)) continue;
    const behind = knots.find(({ cycle }) => ancestorsOf(action, byName).has(cycle[0]!))?.cycle;
    if (behind) {
      errors.push(mistake(action, 'spec/invalid', `can never run: it comes after the cycle of ${behind[0]}`, 'needs'));
    } else errors.push(...unknownArtifacts(action, byName));
  }
  return errors;
}

function unknownNeeds(action: Vertex, byName: ReadonlyMap<string, Vertex>): ConfigError[] {
  const others = [...byName.keys()].filter((name) => name !== action.name);
  return action.needs.flatMap((need, at) => {
    if (byName.has(need)) return [];
    const meant = suggest(need, others);
    const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
    return [mistake(action, 'spec/unknown-action', `needs "${need}", which is no action${hint}`, 'needs', at)];
  });
}

function unknownArtifacts(action: Vertex, byName: ReadonlyMap<string, Vertex>): ConfigError[] {
  const made = [...ancestorsOf(action, byName)].flatMap((name) => byName.get(name)?.output ?? []);
  return action.inputs.flatMap((input, at) => {
    if (made.includes(input)) return [];
    const meant = suggest(input, made);
    const hint = meant === undefined ? '' : `; did you mean "${meant}"?`;
    const detail = `takes "${input}", which no action before it makes${hint}`;
    return [mistake(action, 'spec/unknown-artifact', detail, 'inputs', at)];
  });
}

/** All actions that come before one; itself only when it is in a cycle. */
function ancestorsOf(action: Vertex, byName: ReadonlyMap<string, Vertex>): Set<string> {
  const found = new Set<string>();
  const waiting = [...action.needs];
  for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
    if (found.has(name)) continue;
    found.add(name);
    waiting.push(...(byName.get(name)?.needs ?? []));
  }
  return found;
}

interface Knot {
  /** The shortest way from its first action back to itself. */
  readonly cycle: readonly string[];
  /** All actions that wait for each other. */
  readonly members: readonly string[];
}

function findKnots(byName: ReadonlyMap<string, Vertex>): Knot[] {
  const knots: Knot[] = [];
  const seen = new Set<string>();
  for (const action of byName.values()) {
    if (seen.has(action.name)) continue;
    const cycle = wayBackTo(action.name, byName);
    if (cycle === undefined) continue;
    const members = [...ancestorsOf(action, byName)].filter((name) => {
      const other = byName.get(name);
      return other !== undefined && ancestorsOf(other, byName).has(action.name);
    });
    for (const name of members) seen.add(name);
    knots.push({ cycle, members });
  }
  return knots;
}

/** The shortest way along `needs` from an action back to itself, without the repeated end. */
function wayBackTo(start: string, byName: ReadonlyMap<string, Vertex>): string[] | undefined {
  const cameFrom = new Map<string, string>();
  const waiting = [start];
  for (let name = waiting.shift(); name !== undefined; name = waiting.shift()) {
    for (const need of byName.get(name)?.needs ?? []) {
      if (need === start) {
        const way = [name];
        while (way[0] !== start) way.unshift(cameFrom.get(way[0]!)!);
        return way;
      }
      if (cameFrom.has(need) || !byName.has(need)) continue;
      cameFrom.set(need, name);
      waiting.push(need);
    }
  }
  return undefined;
}

function mistake(
  action: Vertex,
  code: ConfigError['code'],
  message: string,
  ...below: (string | number)[]
): ConfigError {
  return { code, path: ['pipeline', 'actions', action.name, ...below], message };
}
