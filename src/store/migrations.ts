import type { Kysely } from 'kysely';
import { up as artifact } from './migrations/artifact.ts';
import { up as blame } from './migrations/blame.ts';
import { up as disruption } from './migrations/disruption.ts';
import { up as disruption2 } from './migrations/disruption-2.ts';
import { up as disruption3 } from './migrations/disruption-3.ts';
import { up as engine } from './migrations/engine.ts';
import { up as fleet } from './migrations/fleet.ts';
import { up as fleet2 } from './migrations/fleet-2.ts';
import { up as fleet3 } from './migrations/fleet-3.ts';
import { up as fleet4 } from './migrations/fleet-4.ts';
import { up as fleet5 } from './migrations/fleet-5.ts';
import { up as judge } from './migrations/judge.ts';
import { up as judge2 } from './migrations/judge-2.ts';
import { up as judge3 } from './migrations/judge-3.ts';
import { up as judge4 } from './migrations/judge-4.ts';
import { up as judge5 } from './migrations/judge-5.ts';
import { up as pipeline } from './migrations/pipeline.ts';
import { up as pipeline2 } from './migrations/pipeline-2.ts';
import { up as pipeline3 } from './migrations/pipeline-3.ts';
import { up as pipeline4 } from './migrations/pipeline-4.ts';
import { up as pipeline5 } from './migrations/pipeline-5.ts';
import { up as rollout } from './migrations/rollout.ts';
import { up as rollout2 } from './migrations/rollout-2.ts';
import { up as rollout3 } from './migrations/rollout-3.ts';
import { up as rollout4 } from './migrations/rollout-4.ts';
import { up as rollout5 } from './migrations/rollout-5.ts';
import { up as server } from './migrations/server.ts';
import { up as server2 } from './migrations/server-2.ts';

/** One step of the schema. Once released it never changes; a later change is a new step at the end of the list. */
export interface Migration {
  readonly name: string;
  readonly up: (db: Kysely<unknown>) => Promise<void>;
}

/** In this order, on both databases. An area's second step is `migrations/<area>-2.ts`, named `<area>-2`, appended. */
export const migrations: readonly Migration[] = [
  { name: 'engine-1', up: engine },
  { name: 'artifact-1', up: artifact },
  { name: 'blame-1', up: blame },
  { name: 'disruption-1', up: disruption },
  { name: 'fleet-1', up: fleet },
  { name: 'judge-1', up: judge },
  { name: 'pipeline-1', up: pipeline },
  { name: 'rollout-1', up: rollout },
  { name: 'server-1', up: server },
  { name: 'disruption-2', up: disruption2 },
  { name: 'pipeline-2', up: pipeline2 },
  { name: 'disruption-3', up: disruption3 },
  { name: 'server-2', up: server2 },
  { name: 'rollout-2', up: rollout2 },
  { name: 'judge-2', up: judge2 },
  { name: 'fleet-2', up: fleet2 },
  { name: 'rollout-3', up: rollout3 },
  { name: 'judge-3', up: judge3 },
  { name: 'pipeline-3', up: pipeline3 },
  { name: 'fleet-3', up: fleet3 },
  { name: 'judge-4', up: judge4 },
  { name: 'pipeline-4', up: pipeline4 },
  { name: 'rollout-4', up: rollout4 },
  { name: 'judge-5', up: judge5 },
  { name: 'fleet-4', up: fleet4 },
  { name: 'rollout-5', up: rollout5 },
  { name: 'fleet-5', up: fleet5 },
  { name: 'pipeline-5', up: pipeline5 },
];
