/**
 * What plug-ins are written against, published as `rollway/plugins`: for a strategy of one's own its port and the suite
 * of rules that every strategy keeps; for a driver the same. Templates stand in `examples/plugins/`.
 */

export type {
  CancelAnswer,
  CancelPlace,
  Cluster,
  ClusterDriver,
  DriverContext,
  DriverHost,
  DriverObservation,
  DriverPlugin,
  DriverTrial,
  ExecuteRequest,
  Launch,
  LaunchPlace,
  OpenDriver,
  TaskChange,
  TaskEnd,
  TaskInHand,
  TaskSteps,
} from '../../drivers/index.ts';
export { type DriverTrialResult, tryDriver } from '../../drivers/index.ts';
export type { TaskReport, TaskSpec } from '../../model/index.ts';
export type { TaskPlace } from '../select.ts';
export * from './port.ts';
export * from './try-strategy.ts';
