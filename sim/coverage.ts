import { type OperationState, operationStates, operationTransitions, rolloutStates } from '../src/model/index.ts';
import { type JobDecision, type JobState, ownTransitions, transitions } from '../src/rollout/index.ts';

/** Names the states and edges that a decision went through. */
export function coverDecision(before: JobState, decision: JobDecision, cover: (edge: string) => void): void {
  const known = [...(before.watched ?? []), ...before.rollouts];
  const were = new Map(known.map((one) => [one.id, one.state as string]));
  for (const rollout of decision.changed.rollouts.values()) {
    const from = were.get(rollout.id) ?? 'new';
    if (from !== rollout.state) cover(`rollout ${from} → ${rollout.state}`);
    for (const phase of rollout.phases) if (phase.passedBy !== undefined) cover(`phase passed by ${phase.passedBy.by}`);
    if (rollout.hold !== undefined) cover(`hold by ${rollout.hold.by}`);
    if (rollout.failure !== undefined) cover(`failed by ${rollout.failure.by}`);
    if (rollout.watch !== undefined) cover(`watch ${rollout.watch.state}`);
  }
  const had = new Map(before.operations.map((one) => [one.id as string, one.state]));
  for (const operation of decision.changed.operations.values()) {
    const from = had.get(operation.id) ?? 'proposed';
    for (const edge of edgesOf(from, operation.state)) cover(edge);
    if (operation.exemption !== undefined) cover(`exemption ${operation.exemption}`);
    cover(`operation ${operation.kind}`);
    if (operation.blockedBy !== undefined) cover(`blocked: ${operation.blockedBy.replaceAll(/\d+/g, 'n')}`);
  }
  for (const command of before.commands) {
    const isObeyed = decision.outcomes.some((one) => one.id === command.id && one.ok);
    cover(`command ${command.command} ${isObeyed ? 'obeyed' : 'refused'}`);
    const state = were.get(command.rollout);
    if (isObeyed && state !== undefined) cover(commandEdge(state, command.command));
  }
}

const commandEdge = (state: string, command: string): string => `a person says ${command} to one that is ${state}`;
function operationEdge(from: string, to: string): string {
  return `operation ${from} → ${to}`;
}

/** One turn may take an operation along several edges; only where it stands at the end is ever seen by others. */
function edgesOf(from: OperationState, to: OperationState): readonly string[] {
  const edges = edgesBetween.get(`${from} ${to}`);
  if (edges === undefined) throw new Error(`an operation cannot come from ${from} to ${to}`);
  return edges;
}

function shortestPath(from: OperationState, to: OperationState): readonly OperationState[] | undefined {
  let paths: (readonly OperationState[])[] = [[from]];
  for (let steps = 0; steps < operationStates.length; steps++) {
    const found = paths.find((path) => path.at(-1) === to);
    if (found !== undefined) return found;
    paths = paths.flatMap((path) => operationTransitions[path.at(-1)!].map((state) => [...path, state]));
  }
  return undefined;
}

/** The shortest way from each state to each other one, of those that there are. */
const edgesBetween: ReadonlyMap<string, readonly string[]> = new Map(
  operationStates.flatMap((from) =>
    operationStates.flatMap((to) => {
      const path = shortestPath(from, to);
      if (path === undefined) return [];
      return [[`${from} ${to}`, path.slice(1).map((state, at) => operationEdge(path[at]!, state))] as const];
    }),
  ),
);

/** Every edge of the state tables, under the names by which `coverDecision` tells of it. */
export function edgesOfTables(): readonly string[] {
  const edges: string[] = [];
  for (const state of rolloutStates) {
    for (const command of Object.keys(transitions[state])) edges.push(commandEdge(state, command));
    for (const next of ownTransitions[state]) edges.push(`rollout ${state} → ${next}`);
  }
  for (const from of operationStates) for (const to of operationTransitions[from]) edges.push(operationEdge(from, to));
  return edges;
}

/**
 * Edges that no commit ever shows: a turn that proposes an operation also asks for it or blocks it, and one that gets
 * an ack also admits it, blocks it or ends it. They are in the table because the turn goes along them.
 */
export const edgesWithinTurns: readonly string[] = [
  operationEdge('proposed', 'cancelled'),
  operationEdge('requested', 'cancelled'),
  operationEdge('blocked', 'requested'),
  operationEdge('acked', 'blocked'),
  operationEdge('acked', 'cancelled'),
];

/** Only where several jobs go together; a world has one job. Those are gone along in `src/rollout/together.test.ts`. */
export const edgesOfGroups: readonly string[] = ['waiting', 'running', 'held'].map((state) =>
  commandEdge(state, 'pass-barrier'),
);

/** Edges of the state tables that nobody went along, of those that a commit can show. */
export function missingEdges(covered: ReadonlySet<string> | Readonly<Record<string, number>>): readonly string[] {
  const seen = covered instanceof Set ? covered : new Set(Object.keys(covered));
  return edgesOfTables().filter(
    (edge) => !seen.has(edge) && !edgesWithinTurns.includes(edge) && !edgesOfGroups.includes(edge),
  );
}
