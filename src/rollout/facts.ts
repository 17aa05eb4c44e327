import type { JobLimits } from '../disruption/index.ts';
import type {
  Amount,
  DriverId,
  EnvironmentName,
  JobId,
  MaintenanceAnswer,
  PluginSettings,
  ServiceName,
  TaskControlSpec,
  Traffic,
  VersionId,
} from '../model/index.ts';

/** A job as its rows say. What an owner wants (`wantedSize`, `budget`, …) comes from the environment's specification. */
export interface JobFacts {
  readonly id: JobId;
  readonly service: ServiceName;
  readonly environment: EnvironmentName;
  readonly wantedSize: number;
  readonly budget: Amount;
  /** What limits it beside the budget. */
  readonly limits: JobLimits;
  readonly env: Readonly<Record<string, string>>;
  /** Only hosts with all these labels. */
  readonly hostLabels: Readonly<Record<string, string>>;
  readonly driver: DriverId;
  /** What it is told, where it is a plug-in. */
  readonly driverSettings?: PluginSettings | undefined;
  /** Whose acks its operations need; undefined: the budget is the only limit. */
  readonly taskControl?: TaskControlSpec | undefined;
  /** What becomes of a task on a host under maintenance, when the controller does not say; left out: it is moved. */
  readonly onMaintenance?: MaintenanceAnswer | undefined;
  /** In force; `job/decide` brings it to `wantedSize`. */
  readonly size: number;
  /** The size before, until a resize is through: meanwhile the smaller budget is in force. */
  readonly resizingFrom: number | undefined;
  /** Those that passed their last phase, newest first. */
  readonly goodVersions: readonly VersionId[];
  /** Which tasks clients are told of; undefined: all. Set while a second set stands beside the first (blue/green). */
  readonly traffic?: Traffic | undefined;
  readonly createdAtMs: number;
}

/** What an environment's specification says of the job: the part of `JobFacts` that others write. */
export type JobWish = Omit<JobFacts, 'size' | 'resizingFrom' | 'goodVersions' | 'traffic' | 'createdAtMs'>;
