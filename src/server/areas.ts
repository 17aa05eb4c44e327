import { fleetWatch } from '../fleet/work.ts';
import type { AgentServer } from './agents/index.ts';
import type { ServerContext } from './context.ts';

/** Registers the work and the effects of every area: the only place that knows them all. */
export function registerAreas(context: ServerContext, _agents: AgentServer): void {
  const { engine } = context;
  engine.registerWork(fleetWatch());
}
