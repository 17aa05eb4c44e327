import { z } from 'zod';
import { taskSpecSchema } from '../model/index.ts';

/**
 * What agents and the server say to each other, over TLS pinned to the server's fingerprint, on the agents' own
 * port. Every request of an agent is signed with its Ed25519 key (headers `rollway-host`, `rollway-timestamp`,
 * `rollway-signature` over method, path, timestamp and SHA-256 of the body); it can report and fetch only for itself.
 *
 *   POST /agent/v1/join        { secret, host, publicKey, labels, … } → { host }        once, with a token file
 *   POST /agent/v1/hello       inventory, version, boot id, what it holds → settings; asks before anything else
 *   GET  /agent/v1/orders      long-held stream of newline-delimited JSON `Order`s, each with a delivery number
 *   POST /agent/v1/orders/ack  { deliveries, cancels: [{id, answer}] } "written down"
 *   POST /agent/v1/reports     { sequence, heartbeat, tasks, actions } heartbeat each second; task reports at once
 *   POST /agent/v1/samples     compressed bins of metrics
 *   POST /agent/v1/logs/:run   log chunks of a running action
 *   GET  /agent/v1/packages/:digest, /agent/v1/chunks/:digest, POST the same to upload what a build made
 *   GET  /agent/v1/logs-wanted  (served through orders: `tail` orders ask for a task's log lines)
 */
export const agentProtocolVersion = 1;

const digest = z.string().regex(/^[0-9a-f]{64}$/);
const jobIdSchema = z.string().regex(/^[a-z][a-z0-9-]*@[a-z][a-z0-9-]*$/);

export const versionOnWireSchema = z.strictObject({
  id: z.string().startsWith('v_'),
  service: z.string(),
  commit: z.string(),
  package: digest,
  task: taskSpecSchema,
});

export const executeOrderSchema = z.strictObject({
  type: z.literal('execute'),
  id: z.string().startsWith('op_'),
  job: jobIdSchema,
  index: z.number().int().nonnegative(),
  kind: z.enum(['start', 'stop', 'update', 'restart', 'move', 'resize-down']),
  incarnation: z.number().int().nonnegative(),
  nextIncarnation: z.number().int().nonnegative(),
  version: versionOnWireSchema.nullable(),
  env: z.record(z.string(), z.string()),
  epoch: z.number().int().nonnegative(),
  stillOut: z.number().int().nullable(),
});

export const orderSchema = z.discriminatedUnion('type', [
  executeOrderSchema,
  z.strictObject({
    type: z.literal('cancel'),
    id: z.string().startsWith('op_'),
    job: jobIdSchema,
    index: z.number().int(),
  }),
  z.strictObject({ type: z.literal('prefetch'), version: z.string(), package: digest }),
  /** Run an action (build, test, run) under a keeper in a folder of its own. */
  z.strictObject({
    type: z.literal('action'),
    id: z.string().startsWith('run_'),
    /** Git bundle or package to unpack as the working folder, fetched by digest from the server. */
    source: digest,
    commands: z.array(z.array(z.string())),
    env: z.record(z.string(), z.string()),
    timeoutMs: z.number().int(),
    output: z.strictObject({ include: z.array(z.string()), exclude: z.array(z.string()) }).nullable(),
  }),
  z.strictObject({ type: z.literal('cancel-action'), id: z.string().startsWith('run_') }),
  z.strictObject({
    type: z.literal('tail'),
    request: z.string(),
    job: jobIdSchema,
    index: z.number().int(),
    lines: z.number().int().max(10_000),
  }),
  /** Digests that may be deleted from the host. */
  z.strictObject({ type: z.literal('forget-packages'), digests: z.array(digest) }),
  z.strictObject({ type: z.literal('forget-job'), job: jobIdSchema }),
]);
export type Order = z.infer<typeof orderSchema>;
export type ExecuteOrder = z.infer<typeof executeOrderSchema>;

const failureSchema = z.strictObject({
  reason: z.enum(['exited', 'not-ready', 'out-of-memory', 'package', 'cannot-start', 'lost']),
  summary: z.string().max(2000),
  exitCode: z.number().int().optional(),
  signal: z.string().optional(),
  lastLogLines: z.array(z.string().max(4000)).max(100),
  probe: z.strictObject({ request: z.string(), answer: z.string() }).optional(),
});

export const taskReportSchema = z.strictObject({
  job: jobIdSchema,
  index: z.number().int().nonnegative(),
  incarnation: z.number().int().nonnegative(),
  life: z.number().int().nonnegative(),
  host: z.string(),
  version: z.string().startsWith('v_'),
  state: z.enum(['fetching', 'starting', 'serving', 'draining', 'stopped', 'failed', 'crash-looping']),
  ports: z.record(z.string(), z.number().int()),
  address: z.string(),
  sequence: z.number().int().nonnegative(),
  atMs: z.number(),
  failure: failureSchema.optional(),
  operation: z
    .strictObject({
      id: z.string().startsWith('op_'),
      outcome: z.enum(['done', 'failed', 'refused', 'cancelled']),
      reason: z.string().max(2000).optional(),
    })
    .optional(),
});

export const actionReportSchema = z.strictObject({
  id: z.string().startsWith('run_'),
  state: z.enum(['running', 'succeeded', 'failed', 'timed-out', 'cancelled', 'lost']),
  exitCode: z.number().int().optional(),
  /** Which command failed, and the last lines of its output. */
  summary: z.string().max(8000),
  output: z.strictObject({ digest, sizeBytes: z.number().int() }).optional(),
});

export const reportsSchema = z.strictObject({
  host: z.string(),
  /** Grows by one with each accepted batch; a batch already seen is answered 200 and dropped. */
  batch: z.number().int().nonnegative(),
  /** True for the first batch after (re)connecting: `tasks` is all there is. */
  snapshot: z.boolean(),
  atMs: z.number(),
  freeDiskRatio: z.number(),
  tasks: z.array(taskReportSchema),
  actions: z.array(actionReportSchema),
  /** Operation and action ids begun (written down) since the last batch. */
  begun: z.array(z.string()),
});
export type Reports = z.infer<typeof reportsSchema>;

export const sampleOnWireSchema = z.strictObject({
  job: jobIdSchema,
  index: z.number().int(),
  incarnation: z.number().int(),
  version: z.string(),
  state: z.string(),
  labels: z.record(z.string(), z.string()),
  metric: z.string(),
  fromMs: z.number(),
  toMs: z.number(),
  value: z.union([
    z.strictObject({ counterDelta: z.number() }),
    z.strictObject({ gauge: z.number() }),
    z.strictObject({
      histogramDelta: z.strictObject({
        bounds: z.array(z.number().nullable()),
        counts: z.array(z.number()),
        sum: z.number(),
      }),
    }),
  ]),
});

export const joinRequestSchema = z.strictObject({
  secret: z.string(),
  host: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,62}$/),
  /** Ed25519 public key, SPKI PEM. */
  publicKey: z.string(),
  version: z.string(),
});

export const helloSchema = z.strictObject({
  host: z.string(),
  version: z.string(),
  protocol: z.number().int(),
  address: z.string(),
  labels: z.record(z.string(), z.string()),
  capacity: z.strictObject({ cpuMillis: z.number().int(), memoryMb: z.number().int(), maxTasks: z.number().int() }),
  /** What limits and isolation this host can really give, for `doctor` and the UI. */
  abilities: z.array(z.string()),
});
