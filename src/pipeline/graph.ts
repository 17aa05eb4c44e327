import { type ActionSpec, err, ok, problem, type Result } from '../model/index.ts';

type Vertex = Pick<ActionSpec, 'name' | 'needs'>;

/**
 * Actions in an order in which each comes after all it needs; those that could go side by side keep the order in
 * which they were written. A cycle or an unknown need is a problem that names it.
 */
export function sortActions<T extends Vertex>(actions: readonly T[]): Result<T[]> {
  const byName = new Map(actions.map((action) => [action.name, action]));
  for (const action of actions) {
    const unknown = action.needs.find((need) => !byName.has(need));
    if (unknown !== undefined)
      return err(problem('spec/unknown-action', `"${action.name}" needs "${unknown}"`, { action: action.name }));
  }
  const sorted: T[] = [];
  const state = new Map<string, 'open' | 'done'>();
  const path: string[] = [];
  const visit = (action: T): string[] | undefined => {
    if (state.get(action.name) === 'done') return undefined;
    if (state.get(action.name) === 'open') return [...path.slice(path.indexOf(action.name)), action.name];
    state.set(action.name, 'open');
    path.push(action.name);
    for (const need of action.needs) {
      const cycle = visit(byName.get(need)!);
      if (cycle) return cycle;
    }
    path.pop();
    state.set(action.name, 'done');
    sorted.push(action);
    return undefined;
  };
  for (const action of actions) {
    const cycle = visit(action);
    if (cycle) return err(problem('spec/cycle', cycle.join(' needs '), { cycle }));
  }
  return ok(sorted);
}

/** Whether `action` can only come after `other`. */
export function comesAfter(actions: readonly Vertex[], action: string, other: string): boolean {
  const needs = actions.find(({ name }) => name === action)?.needs ?? [];
  return needs.some((need) => need === other || comesAfter(actions, need, other));
}
