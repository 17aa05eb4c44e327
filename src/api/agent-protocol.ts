import { z } from 'zod';
import {
  jobIdPattern,
  perfOrderSchema,
  perfPairsSchema,
  type SourceTrouble,
  sourceTroubles,
  taskSpecSchema,
} from '../model/index.ts';

/**
 * What agents and the server say to each other, over TLS pinned to the server's fingerprint, on the agents' own
 * port. Every request of an agent but `join` is signed with its Ed25519 key (headers below, over `signedText`); it can
 * report and fetch only for itself. Refusals are problem documents (RFC 9457).
 *
 *   POST /agent/v1/join             `joinRequest` → `joinAnswer`: once, with a token file
 *   POST /agent/v1/hello            `hello` → `helloAnswer`: asks before anything else, also after each reconnect
 *   GET  /agent/v1/orders           long-held stream of newline-delimited JSON `OrderLine`s; begins with everything
 *                                   not yet acknowledged; a `ping` line at least every 5 s
 *   POST /agent/v1/orders/ack       `orderAck`: "written down"
 *   POST /agent/v1/reports          `reports`: heartbeat each second; task reports at once
 *   POST /agent/v1/samples          `samplesBatch`, `content-encoding: gzip`
 *   POST /agent/v1/logs/:run        `logChunk` of a running action
 *   POST /agent/v1/tails/:request   `tailAnswer`
 *   GET  /agent/v1/packages/:digest manifest bytes        POST the same: uploads it (refused while a chunk is missing)
 *   GET  /agent/v1/chunks/:digest   bytes                 POST the same: uploads it
 *   POST /agent/v1/chunks/missing   `{ digests }` → `{ digests }`: which of these the server does not have
 */
export const agentProtocolVersion = 1;

const digest = z.string().regex(/^[0-9a-f]{64}$/);
/** Names of the headers of a signed request; the signature is base64. */
export const agentHeaders = {
  host: 'rollway-host',
  timestamp: 'rollway-timestamp',
  signature: 'rollway-signature',
} as const;

/** The text an agent signs: `path` with its query, `timestamp` in epoch ms, `bodyDigest` = hex SHA-256 of the body as sent. */
export function signedText(method: string, path: string, timestamp: string, bodyDigest: string): string {
  return `rollway-agent-v1\n${method}\n${path}\n${timestamp}\n${bodyDigest}`;
}

/** The single-use file by which a host joins; mode 0600. */
export const joinTokenSchema = z.strictObject({
  format: z.literal(1),
  /** Hex SHA-256 of the server's certificate (DER). */
  fingerprint: digest,
  secret: z.string().min(20).max(200),
  /** `https://host:port` of the agents' port, in the order to try. */
  addresses: z.array(z.url({ protocol: /^https$/ })).min(1),
});
export type JoinTokenFile = z.infer<typeof joinTokenSchema>;

const jobIdSchema = z.string().regex(jobIdPattern);

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
    /** Packages to unpack beside it, by name: `$ROLLWAY_INPUTS/<name>`. */
    inputs: z.record(z.string().regex(/^[a-z][a-z0-9-]{0,40}$/), digest).default({}),
    commands: z.array(z.array(z.string())),
    env: z.record(z.string(), z.string()),
    timeoutMs: z.number().int(),
    output: z.strictObject({ include: z.array(z.string()), exclude: z.array(z.string()) }).nullable(),
    /** Instead of `commands`: the inputs `old` and `new` are measured by turns. */
    perf: perfOrderSchema.optional(),
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
]);
export type Order = z.infer<typeof orderSchema>;
export type ExecuteOrder = z.infer<typeof executeOrderSchema>;
export type ActionOrder = Extract<Order, { type: 'action' }>;

/** One line of the orders stream. Deliveries may be repeated; acknowledging one twice is harmless. */
export const orderLineSchema = z.union([
  z.strictObject({ delivery: z.number().int().nonnegative(), order: orderSchema }),
  z.strictObject({ ping: z.number() }),
]);
export type OrderLine = z.infer<typeof orderLineSchema>;

/** Sent only after what it names is on the agent's disk. */
export const orderAckSchema = z.strictObject({
  host: z.string(),
  deliveries: z.array(z.number().int().nonnegative()),
  /** What was found when a `cancel` among the deliveries was met. */
  cancels: z.array(
    z.strictObject({ id: z.string().startsWith('op_'), answer: z.enum(['never-began', 'begun', 'done']) }),
  ),
});
export type OrderAck = z.infer<typeof orderAckSchema>;

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
  /** What a comparison of two builds measured. */
  perf: perfPairsSchema.optional(),
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

export type SampleOnWire = z.infer<typeof sampleOnWireSchema>;

/** What is wrong with the metrics of a task. */
export const sampleFindingSchema = z.strictObject({
  job: jobIdSchema,
  index: z.number().int().nonnegative(),
  trouble: z.enum(Object.keys(sourceTroubles) as [SourceTrouble, ...SourceTrouble[]]),
  what: z.string().max(500),
});
export type SampleFinding = z.infer<typeof sampleFindingSchema>;
export const samplesBatchSchema = z.strictObject({
  host: z.string(),
  /** Grows with each batch; one seen before is answered 200 and dropped. */
  batch: z.number().int().nonnegative(),
  samples: z.array(sampleOnWireSchema),
  findings: z.array(sampleFindingSchema).max(200).default([]),
});

/** Bytes of an action's output from `offset` on; what the server has already is dropped by offset. */
export const logChunkSchema = z.strictObject({ offset: z.number().int().nonnegative(), text: z.string() });

/** Last lines of a task, oldest first. */
export const tailAnswerSchema = z.strictObject({
  lines: z.array(z.strictObject({ atMs: z.number(), stream: z.enum(['out', 'err', 'rollway']), text: z.string() })),
  /** Why there are none, when there are none. */
  note: z.string().optional(),
});
export type TailAnswer = z.infer<typeof tailAnswerSchema>;

export const joinRequestSchema = z.strictObject({
  secret: z.string(),
  host: z.string().regex(/^[a-z0-9][a-z0-9.-]{0,62}$/),
  /** Ed25519 public key, SPKI PEM. */
  publicKey: z.string(),
  version: z.string(),
});
export const joinAnswerSchema = z.strictObject({ host: z.string() });

export const helloSchema = z.strictObject({
  host: z.string(),
  version: z.string(),
  protocol: z.number().int(),
  /** Changes when the machine boots. */
  bootId: z.string(),
  address: z.string(),
  labels: z.record(z.string(), z.string()),
  capacity: z.strictObject({ cpuMillis: z.number().int(), memoryMb: z.number().int(), maxTasks: z.number().int() }),
  /** What limits and isolation this host can really give, for `doctor` and the UI. */
  abilities: z.array(z.string()),
  /** Tasks this host wants to run: the newest incarnation of each index here that nobody stopped. */
  tasks: z.array(
    z.strictObject({
      job: jobIdSchema,
      index: z.number().int().nonnegative(),
      incarnation: z.number().int().nonnegative(),
      version: z.string(),
      isAlive: z.boolean(),
    }),
  ),
  packages: z.array(digest),
});
export type Hello = z.infer<typeof helloSchema>;

/** `superseded`: tasks of the hello that a newer incarnation elsewhere replaces; dead ones are not started again. */
export const helloAnswerSchema = z.strictObject({
  heartbeatMs: z.number().int().positive(),
  /** Width of the grid on which metrics are scraped. */
  binMs: z.number().int().positive(),
  superseded: z.array(z.strictObject({ job: jobIdSchema, index: z.number().int(), incarnation: z.number().int() })),
});
export type HelloAnswer = z.infer<typeof helloAnswerSchema>;
