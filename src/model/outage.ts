import type { HostId, JobId, MaintenanceId, OperationId, OutageId, TaskIndex } from './ids.ts';

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
  /** Of a host under maintenance. */
  readonly work?: PlannedWork | undefined;
}

/** What is known of the work for which a host is out. */
export interface PlannedWork {
  readonly maintenance: MaintenanceId;
  /** `rack=a`, `host-3` */
  readonly scope: string;
  readonly reason: string;
  /** When it is expected to be over: whoever waits for the host waits no longer. */
  readonly untilMs: number;
  /** The work leaves processes alone: whoever rides it out is not stopped at the deadline. */
  readonly hostsStayUp: boolean;
}
