import type { CommitGraphs } from '../blame/index.ts';
import { blameWork } from '../blame/work.ts';
import { fleetWatch } from '../fleet/work.ts';
import { judgeWork } from '../judge/work.ts';
import type { AgentServer } from './agents/index.ts';
import type { ServerContext } from './context.ts';

/** Registers the work and the effects of every area: the only place that knows them all. */
export function registerAreas(context: ServerContext, _agents: AgentServer): void {
  const { engine, samples } = context;
  const graphs: CommitGraphs = new Map();
  engine.registerWork(fleetWatch());
  engine.registerWork(judgeWork({ samples }));
  for (const kind of blameWork({ graphs })) engine.registerWork(kind);
}
