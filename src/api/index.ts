/**
 * The contract between the server and everybody who talks to it: one table of routes (`routes.ts`) from which come
 * validation, the OpenAPI document and the typed client; the shapes of what travels; the frames of live updates; the
 * protocol of agents. No server code, nothing of Node: it runs in a browser.
 */
/** How durations are written everywhere: `4 m 10 s`. */
export { formatDuration } from '../kit/index.ts';
export * from './agent-protocol.ts';
export { type CallOptions, type Client, type ClientOptions, createClient, problemOf } from './client.ts';
export { applyDelta, deltaBetween } from './delta.ts';
export {
  type DataOf,
  type Delta,
  type FrameName,
  type Frames,
  frameSchemas,
  keyedLists,
  type ListDelta,
  type Topic,
  type TopicData,
  topicSchemas,
  topicText,
} from './live.ts';
export { type LiveHandlers, type LiveOptions, openLive } from './open-live.ts';
export { openApiDocument } from './openapi.ts';
export { type InputOf, type Method, type OutputOf, type ParsedOf, type Role, type Route, roles } from './route.ts';
export { type RouteName, type Routes, routes } from './routes.ts';
export type {
  CommitRef,
  EventView,
  ProblemDocument,
  VersionRef,
} from './shapes/basics.ts';
export { commitish, problemDocument } from './shapes/basics.ts';
export type {
  AlarmView,
  CalibrationTurnView,
  CalibrationView,
  JudgeDiscovery,
  ReplayView,
  TrustView,
  TunedRollout,
} from './shapes/judge.ts';
export type { DoctorReport, Finding, JoinToken, ParkedWork, Person, TokenView } from './shapes/machine.ts';
export type { MaintenancePlanView, MaintenanceView } from './shapes/maintenance.ts';
export type { CarrierView, MarkDetail, MarkSummary } from './shapes/marks.ts';
export type { BacktestView, Explanation, JobPlan, PlanView, TaskPlanView } from './shapes/plans.ts';
export type {
  CheckPoint,
  CheckView,
  CommandView,
  ComponentView,
  LegalCommand,
  PhaseView,
  RolloutDetail,
  RolloutSummary,
} from './shapes/rollouts.ts';
export type { PushBody } from './shapes/samples.ts';
export type {
  ActionLog,
  ActionRunView,
  Attention,
  EnvironmentSummary,
  JobState,
  PipelineView,
  ReleaseDetail,
  ReleaseSummary,
  RepositoryView,
  ServiceDetail,
  ServiceSummary,
} from './shapes/services.ts';
export type {
  BudgetLine,
  DotState,
  Endpoints,
  HostView,
  JobDetail,
  OperationView,
  TaskDot,
  TaskLog,
} from './shapes/tasks.ts';
export {
  type ConformanceOptions,
  type ConformanceResult,
  type ControllerUnderTest,
  testTaskController,
} from './task-control-conformance.ts';
export { taskControlDocument } from './task-control-openapi.ts';
