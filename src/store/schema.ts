import type { Kysely } from 'kysely';
import type { ArtifactTables } from './tables/artifact.ts';
import type { BlameTables } from './tables/blame.ts';
import type { DisruptionTables } from './tables/disruption.ts';
import type { EngineTables } from './tables/engine.ts';
import type { FleetTables } from './tables/fleet.ts';
import type { JudgeTables } from './tables/judge.ts';
import type { PipelineTables } from './tables/pipeline.ts';
import type { RolloutTables } from './tables/rollout.ts';
import type { ServerTables } from './tables/server.ts';

/** All tables. Each area keeps the types of its own in `tables/<area>.ts` and their DDL in `migrations/`. */
export interface Schema
  extends EngineTables,
    ArtifactTables,
    BlameTables,
    DisruptionTables,
    FleetTables,
    JudgeTables,
    PipelineTables,
    RolloutTables,
    ServerTables {}

export type Tx = Kysely<Schema>;
