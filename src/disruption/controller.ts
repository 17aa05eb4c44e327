import type { HostId, JobId, OperationId, Outage, TaskIndex } from '../model/index.ts';
import type { LedgerOperation } from './facts.ts';

/** What a TaskController is asked (TaskControl's published fields). */
export interface ControllerRequest {
  readonly jobHandle: JobId;
  /** Operations that wait for its word, in the order Rollway would take them. */
  readonly request: readonly LedgerOperation[];
  /** Ended since the sequence number it last acknowledged. */
  readonly completed: readonly OperationId[];
  /** Maintenance to come, with deadlines. */
  readonly advanceNotices: readonly Outage[];
  /** Whatever the cause. */
  readonly allUnhealthyTasks: readonly TaskIndex[];
  readonly sequenceNumber: number;
}

export interface ControllerReply {
  /** Operations that may begin now: any subset, in any order. Necessary, not sufficient. */
  readonly ack: readonly OperationId[];
  readonly acknowledgedSequence?: number;
  /** What to do with tasks on hosts that will be maintained; default: move. */
  readonly maintenance?: Readonly<Record<HostId, 'move' | 'hold' | 'ignore'>>;
}

/**
 * The service's own voice. Built-in ones answer at once and purely; one over HTTP answers later through an inbox of
 * its own (then operations stay `requested` until it has).
 */
export type TaskController = (request: ControllerRequest) => ControllerReply;

/** The default: the budget is the only limit. */
export const budgetOnly: TaskController = ({ request }) => ({ ack: request.map((operation) => operation.id) });
