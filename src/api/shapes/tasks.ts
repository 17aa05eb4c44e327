import { z } from 'zod';
import { hostStates, operationKinds, operationStates, taskStates } from '../../model/index.ts';
import { instant, jobIdText, operationId, rolloutId, versionIdText } from './basics.ts';

/** How a task's dot is drawn: the words of `ui.md`'s table of states. */
export const dotStates = ['old', 'updating', 'new', 'failed', 'suspected', 'held', 'absent'] as const;
export type DotState = (typeof dotStates)[number];

export const failureCard = z.object({
  reason: z.enum(['exited', 'not-ready', 'out-of-memory', 'package', 'cannot-start', 'lost']),
  summary: z.string(),
  exitCode: z.number().int().nullable(),
  signal: z.string().nullable(),
  lastLogLines: z.array(z.string()),
  probe: z.object({ request: z.string(), answer: z.string() }).nullable(),
});

/** One task index of a job: what it is assigned, what it runs, where, since when. */
export const taskDot = z.object({
  index: z.number().int(),
  dot: z.enum(dotStates),
  /** The agent's own word for its newest incarnation; null: it has none. */
  state: z.enum(taskStates).nullable(),
  host: z.string().nullable(),
  rack: z.string().nullable(),
  region: z.string().nullable(),
  /** What it runs. */
  version: versionIdText.nullable(),
  /** What it should run. */
  assigned: versionIdText.nullable(),
  incarnation: z.number().int(),
  life: z.number().int(),
  sinceMs: instant.nullable(),
  /** First phase of the rollout it belongs to; null outside one. */
  phase: z.number().int().nullable(),
  address: z.string().nullable(),
  ports: z.record(z.string(), z.number().int()),
  failure: failureCard.nullable(),
});
export type TaskDot = z.infer<typeof taskDot>;

export const operationView = z.object({
  id: operationId,
  kind: z.enum(operationKinds),
  state: z.enum(operationStates),
  index: z.number().int(),
  host: z.string().nullable(),
  from: versionIdText.nullable(),
  to: versionIdText.nullable(),
  reason: z.string(),
  blockedBy: z.string().nullable(),
  proposedAtMs: instant,
  admittedAtMs: instant.nullable(),
  endedAtMs: instant.nullable(),
});
export type OperationView = z.infer<typeof operationView>;

/** The ledger in one line. */
export const budgetLine = z.object({
  out: z.number().int(),
  budget: z.number().int(),
  /** Indices that are out, whatever the causes. */
  indices: z.array(z.number().int()),
  /** `3 of 5 out`. */
  sentence: z.string(),
});
export type BudgetLine = z.infer<typeof budgetLine>;

export const jobDetail = z.object({
  job: jobIdText,
  service: z.string(),
  environment: z.string(),
  size: z.number().int(),
  budget: budgetLine,
  tasks: z.array(taskDot),
  operations: z.array(operationView),
  rollouts: z.array(rolloutId),
});
export type JobDetail = z.infer<typeof jobDetail>;

export const taskLog = z.object({
  job: jobIdText,
  index: z.number().int(),
  host: z.string().nullable(),
  lines: z.array(z.object({ atMs: instant, stream: z.enum(['out', 'err', 'rollway']), text: z.string() })),
  /** Why there are none, when there are none. */
  note: z.string().nullable(),
});
export type TaskLog = z.infer<typeof taskLog>;

/** Discovery: where the serving tasks of a job answer. `revision` grows with every change. */
export const endpoints = z.object({
  job: jobIdText,
  revision: z.string(),
  endpoints: z.array(
    z.object({
      index: z.number().int(),
      host: z.string(),
      address: z.string(),
      ports: z.record(z.string(), z.number().int()),
      version: versionIdText,
    }),
  ),
});
export type Endpoints = z.infer<typeof endpoints>;

export const hostView = z.object({
  id: z.string(),
  address: z.string(),
  state: z.enum(hostStates),
  region: z.string().nullable(),
  rack: z.string().nullable(),
  labels: z.record(z.string(), z.string()),
  capacity: z.object({ cpuMillis: z.number(), memoryMb: z.number(), maxTasks: z.number() }),
  used: z.object({ cpuMillis: z.number(), memoryMb: z.number(), tasks: z.number() }),
  agentVersion: z.string(),
  lastSeenAtMs: instant,
  /** How long nothing was heard, when that is longer than a heartbeat. */
  silentForMs: z.number().nullable(),
  freeDiskRatio: z.number().nullable(),
  /** Isolation and limits it can really give. */
  abilities: z.array(z.string()),
  tasks: z.array(z.object({ job: jobIdText, index: z.number().int(), state: z.string(), version: z.string() })),
});
export type HostView = z.infer<typeof hostView>;
