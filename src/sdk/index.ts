/**
 * What a service links to speak with Rollway: the server side of TaskControl for Node. A controller is one function
 * that says which of the waiting operations may proceed; `docs/taskcontrol.md` tells the protocol.
 */
export type {
  AdvanceNotice,
  CompletedOperation,
  MaintenanceAnswer,
  MaintenanceReply,
  TaskControlRequest,
  TaskControlResponse,
  TaskOperation,
} from '../model/index.ts';
export * from './serve-task-control.ts';
export * from './task-control.ts';
