import { z } from 'zod';
import { maintenanceAnswerSchema } from './maintenance.ts';
import { operationKinds } from './operation.ts';

/**
 * TaskControl: how a service says which operations on its tasks may proceed. Rollway sends a request, the service's
 * controller answers with the operations it acks: any subset, in any order. `docs/taskcontrol.md` tells the rules.
 * Times are epoch milliseconds. Whoever reads ignores fields that he does not know.
 */

const instant = z.number().int().nonnegative();
const index = z.number().int().nonnegative();
const sequence = z.number().int().nonnegative();
const opId = z.string().min(1).max(100);

export const taskOperationSchema = z.object({
  /** The same as long as it is the same wish, however often it is asked for. */
  opId,
  kind: z.enum(operationKinds),
  /** The task. */
  index,
  /** The incarnation of the task that it would disturb. */
  incarnation: z.number().int().nonnegative(),
  /** Versions; null where there is none (a stop has no `to`). */
  from: z.string().max(200).nullable(),
  to: z.string().max(200).nullable(),
  /** Which rollout wants it and in which of its phases (0 is the first); null: no rollout does. */
  rollout: z.string().max(200).nullable(),
  phase: z.number().int().nonnegative().nullable(),
  reason: z.string().max(1000),
  /** When it happens whatever the controller says; null: never without an ack. */
  deadline: instant.nullable(),
  /** A later phase of its rollout can take this task, and another one would go in its place now: see `defer`. */
  deferrable: z.boolean().optional(),
});
export type TaskOperation = z.infer<typeof taskOperationSchema>;

export const completedOperationSchema = taskOperationSchema.extend({
  /** `expired`: it was acked and could not begin in time; `cancelled`: it is not wanted any more, or never began. */
  outcome: z.enum(['done', 'failed', 'expired', 'cancelled']),
  endedAt: instant,
});
export type CompletedOperation = z.infer<typeof completedOperationSchema>;

export const advanceNoticeSchema = z.object({
  id: z.string().max(100),
  host: z.string().max(200),
  /** Tasks of the job that are there now. */
  tasks: z.array(index).max(100_000),
  start: instant,
  /** What is left there then is stopped without an ack. */
  deadline: instant.nullable(),
  /** When the work is expected to be over: a task that waits for its host waits no longer. */
  until: instant.nullable().optional(),
  /** What is worked on: `rack=a`, or one host. */
  scope: z.string().max(300).optional(),
  reason: z.string().max(1000).optional(),
  /** The work leaves processes alone (a switch is restarted): whoever rides it out is not stopped at the deadline. */
  hostsStayUp: z.boolean().optional(),
  /** What becomes of a task without an answer. */
  policy: maintenanceAnswerSchema.optional(),
});
export type AdvanceNotice = z.infer<typeof advanceNoticeSchema>;

export const taskControlRequestSchema = z.object({
  /** `guestbook@production` */
  jobHandle: z.string().min(1).max(200),
  /** Operations that wait for an ack, in the order in which they would be taken. */
  request: z.array(taskOperationSchema).max(10_000),
  /** What was asked for and has ended since `acknowledgedSequence`. */
  completed: z.array(completedOperationSchema).max(10_000),
  /** Acked or under way, and not ended: so that a controller may begin without a memory. */
  inFlight: z.array(taskOperationSchema).max(100_000),
  advanceNotices: z.array(advanceNoticeSchema).max(10_000),
  /** Indices that do not serve, for whatever reason, and those with an operation under way. */
  allUnhealthyTasks: z.array(index).max(100_000),
  /** Grows with every call of the job. */
  sequenceNumber: sequence,
  /** The newest sequence number of which it is known that the controller took it in. */
  acknowledgedSequence: sequence,
});
export type TaskControlRequest = z.infer<typeof taskControlRequestSchema>;

export const maintenanceReplySchema = z.object({
  /** `id` of the notice. */
  notice: z.string().min(1).max(100),
  answer: maintenanceAnswerSchema,
  /** Left out: all tasks of the notice. */
  tasks: z.array(index).max(100_000).optional(),
});
export type MaintenanceReply = z.infer<typeof maintenanceReplySchema>;

export const taskControlResponseSchema = z.object({
  /** `opId`s of `request` that may begin now. */
  ack: z.array(opId).max(10_000),
  /** Left out: the number of the request that is answered. */
  acknowledgedSequence: sequence.optional(),
  /** `opId`s of deferrable operations whose tasks had better go in a later phase: another task takes their place. */
  defer: z.array(opId).max(10_000).optional(),
  /** `opId` → why it is not acked, for people: "shard 12 has one replica left". */
  reasons: z.record(opId, z.string().max(300)).optional(),
  /** What is to become of tasks on a host under maintenance; the newest answer counts. Left out: as it was. */
  maintenance: z.array(maintenanceReplySchema).max(10_000).optional(),
});
export type TaskControlResponse = z.infer<typeof taskControlResponseSchema>;

/** The whole of a controller, as a function: what built-in ones are, and what the simulator plugs in. */
export type TaskController = (request: TaskControlRequest) => TaskControlResponse;

/** A request or an answer beyond this is refused. */
export const taskControlMaxBytes = 16 * 1024 * 1024;

// ---------------------------------------------------------------- who is asked

const timing = {
  /** A call that takes longer has failed. */
  timeoutMs: z.number().int().min(100).max(60_000),
  /** How often it is asked again while something waits. */
  intervalMs: z.number().int().min(100).max(600_000),
  /** How long it may be silent, or ack nothing of what waits, before there is an alarm. */
  alarmAfterMs: z.number().int().min(1000),
};
/** Read from the service: a path, and a port by its name. */
const source = { path: z.string().startsWith('/'), port: z.string() };

/** Where the acks of a job come from; none: the budget is the only limit. */
export const taskControlSpecSchema = z.discriminatedUnion('kind', [
  z.strictObject({
    kind: z.literal('http'),
    url: z.url({ protocol: /^https?$/ }),
    /** Header → name of a file in the server's folder of secrets for this service. Never a value. */
    secretHeaders: z.record(z.string(), z.string()),
    ...timing,
  }),
  z.strictObject({ kind: z.literal('leader-last'), ...source, ...timing }),
  z.strictObject({
    kind: z.literal('shard-aware'),
    ...source,
    /** Replicas of a shard that must stay healthy; null: all but one. */
    keep: z.number().int().nonnegative().nullable(),
    /** Maintenance no longer than this is waited for when enough replicas are elsewhere; null: no answer. */
    rideOutMs: z.number().int().nonnegative().nullable().optional(),
    ...timing,
  }),
  z.strictObject({
    kind: z.literal('load-metric'),
    /** Read from the samples of the service, not from the service. */
    metric: z.string().min(1).max(200),
    /** What a task can bear: of a gauge its value, of a counter or histogram its events per second. */
    full: z.number().positive(),
    low: z.number().nonnegative(),
    high: z.number().positive(),
    floor: z.number().int().positive(),
    ...timing,
  }),
  z.strictObject({
    kind: z.literal('load-aware'),
    ...source,
    /** Below `low` there is no limit, above `high` only `floor` tasks are out at once; in between it slides. */
    low: z.number().nonnegative(),
    high: z.number().positive(),
    floor: z.number().int().positive(),
    ...timing,
  }),
]);
export type TaskControlSpec = z.infer<typeof taskControlSpecSchema>;
