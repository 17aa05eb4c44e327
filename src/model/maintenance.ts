import { z } from 'zod';
import type { Actor } from './actor.ts';
import type { HostId, MaintenanceId } from './ids.ts';

/**
 * What becomes of a task on a host under maintenance, before the deadline:
 * - `move`: it is started on another host, then stopped
 * - `hold`: it is stopped shortly before the deadline and started again in its place when the work is over
 * - `ignore`: nothing; it rides it out, or is stopped at the deadline when the work stops its host
 */
export const maintenanceAnswers = ['move', 'hold', 'ignore'] as const;
export const maintenanceAnswerSchema = z.enum(maintenanceAnswers);
export type MaintenanceAnswer = z.infer<typeof maintenanceAnswerSchema>;

/** One host, or all that have a label. */
export type MaintenanceScope = { readonly host: HostId } | { readonly label: string; readonly value: string };

/** Work on hosts that a person announced. Times are epoch milliseconds. */
export interface Maintenance {
  readonly id: MaintenanceId;
  readonly scope: MaintenanceScope;
  /** Those the scope meant when it was opened. */
  readonly hosts: readonly HostId[];
  readonly reason: string;
  readonly openedBy: Actor;
  readonly openedAtMs: number;
  /** From then on tasks leave, within the budget. */
  readonly leaveAtMs: number;
  /** The work begins: what is left is stopped then, whatever the budget says. */
  readonly deadlineAtMs: number;
  /** The work is expected to be over; whoever waits for its host waits no longer. */
  readonly untilMs: number;
  /** A switch is restarted, not the hosts: whoever rides it out is not stopped. */
  readonly hostsStayUp: boolean;
  /** It does not wait for others: its times stand. */
  readonly isFixed: boolean;
  /** Others, which together with it would break a budget; undefined: it is not waiting. */
  readonly waitsFor: { readonly ids: readonly MaintenanceId[]; readonly sentence: string } | undefined;
  readonly endedAtMs: number | undefined;
  readonly end: 'ended' | 'cancelled' | undefined;
}

/** `empty`: nothing runs there, the work may begin; `overdue`: it takes longer than it was said to. */
export const maintenanceStates = [
  'waiting',
  'announced',
  'leaving',
  'empty',
  'working',
  'overdue',
  'ended',
  'cancelled',
] as const;
export type MaintenanceState = (typeof maintenanceStates)[number];

/** `rack=a`, `host-3` */
export function scopeName(scope: MaintenanceScope): string {
  return 'host' in scope ? scope.host : `${scope.label}=${scope.value}`;
}
