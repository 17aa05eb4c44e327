import type { HostId, JobId, OperationId, OutageId, TaskIndex } from './ids.ts';

export const outageCauses = ['rollout', 'failure', 'maintenance', 'resize', 'rebalance', 'restart'] as const;
export type OutageCause = (typeof outageCauses)[number];

/** One reason why a task or a host is, or will be, unavailable. */
export interface Outage {
  readonly id: OutageId;
  readonly cause: OutageCause;
  readonly scope: { readonly job: JobId; readonly index: TaskIndex } | { readonly host: HostId };
  readonly operation: OperationId | undefined;
  readonly startsAtMs: number;
  /** Maintenance only: what is left is stopped then, whatever the budget says. */
  readonly deadlineAtMs: number | undefined;
  readonly endedAtMs: number | undefined;
}
