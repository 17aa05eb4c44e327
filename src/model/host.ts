import type { HostId } from './ids.ts';

/**
 * `up` reports; `suspected` missed 5 heartbeats (out, left out of discovery, nothing moves); `lost` for 30 s (its
 * tasks are placed again); `fenced`: a person said it is dead; `leaving`: drained for good.
 */
export const hostStates = ['up', 'suspected', 'lost', 'fenced', 'leaving'] as const;
export type HostState = (typeof hostStates)[number];

export interface HostCapacity {
  /** Thousandths of a core. */
  readonly cpuMillis: number;
  readonly memoryMb: number;
  readonly maxTasks: number;
}

export interface Host {
  readonly id: HostId;
  readonly address: string;
  /** `region`, `rack` and whatever else the operator says; placement spreads over region, then rack, then host. */
  readonly labels: Readonly<Record<string, string>>;
  readonly capacity: HostCapacity;
  readonly agentVersion: string;
  readonly state: HostState;
  readonly lastSeenAtMs: number;
}
