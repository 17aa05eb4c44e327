import type { ArtifactStore } from '../../artifact/index.ts';
import type { FleetDriver, OrderBook } from '../../drivers/fleet/index.ts';
import type { Engine } from '../../engine/index.ts';
import type { FindingBook, SampleStore } from '../../judge/index.ts';
import type { Chance, Clock } from '../../kit/index.ts';
import type { HostId } from '../../model/index.ts';
import type { Store } from '../../store/index.ts';
import type { Log } from '../log.ts';
import type { Refusals } from '../refusals.ts';
import type { ActionLogs } from './action-logs.ts';
import type { Heard } from './heard.ts';
import type { HeldPackages } from './held-packages.ts';
import type { KnownAgents } from './known-agents.ts';
import type { Tails } from './tails.ts';

export interface AgentSettings {
  readonly heartbeatMs: number;
  /** Width of the grid on which agents scrape metrics. */
  readonly binMs: number;
  /** The server's own version: agents must have the same. */
  readonly version: string;
  /** How long a join token is good. */
  readonly joinTokenMs: number;
  /** Output kept of one action run. */
  readonly maxActionLogBytes: number;
}

export const defaultAgentSettings: Omit<AgentSettings, 'version'> = {
  heartbeatMs: 1000,
  binMs: 1000,
  joinTokenMs: 3_600_000,
  maxActionLogBytes: 32 * 1024 * 1024,
};

/** What the handlers of agents' requests work with; made once by `createAgentServer`. */
export interface AgentContext {
  readonly store: Store;
  readonly engine: Engine;
  readonly clock: Clock;
  readonly chance: Chance;
  readonly log: Log;
  readonly settings: AgentSettings;
  readonly artifactStore: Pick<
    ArtifactStore,
    'fetchManifest' | 'fetchChunk' | 'missingChunks' | 'putChunk' | 'putManifest'
  >;
  readonly sampleStore: Pick<SampleStore, 'append'>;
  /** What is wrong with the metrics that agents read. */
  readonly sourceFindings: FindingBook;
  readonly agents: KnownAgents;
  readonly book: OrderBook;
  readonly driver: FleetDriver;
  readonly heard: Heard;
  readonly tails: Tails;
  readonly held: HeldPackages;
  readonly actionLogs: ActionLogs;
  /** Hosts that were given up: nothing they report counts until they have said hello. */
  readonly absent: Set<HostId>;
  readonly refusals: Refusals;
  /** How many events about a host that spoke for another were written in the newest such minute. */
  readonly foreignEvents: Map<HostId, { readonly minute: number; readonly count: number }>;
  /** The newest batch of samples taken from each host. */
  readonly sampleBatches: Map<HostId, number>;
}
