import { z } from 'zod';
import { type EventView, eventView, type ProblemDocument, problemDocument } from './shapes/basics.ts';
import type { DoctorReport } from './shapes/machine.ts';
import { doctorReport } from './shapes/machine.ts';
import { type MaintenanceView, maintenanceView } from './shapes/maintenance.ts';
import type { MarkSummary } from './shapes/marks.ts';
import { markSummary } from './shapes/marks.ts';
import { type RolloutDetail, rolloutDetail } from './shapes/rollouts.ts';
import {
  type ReleaseDetail,
  releaseDetail,
  type ServiceDetail,
  type ServiceSummary,
  serviceDetail,
  serviceSummary,
} from './shapes/services.ts';
import type { HostView } from './shapes/tasks.ts';
import { hostView } from './shapes/tasks.ts';

/**
 * One stream of server-sent events per browser (`GET /api/v1/live?topics=…`): for each topic a snapshot with its
 * position first, then deltas of absolute values, at most four a second. The topic `events` sends every committed
 * event; its position is the frame's id, so `Last-Event-ID` resumes without a gap.
 */

/** `services`, `hosts`, `marks`, `doctor`, `events`, `service/guestbook`, `release/rel_…`, `rollout/ro_…`. */
export const topicText = z
  .string()
  .regex(
    /^(services|hosts|marks|doctor|events|service\/[a-z][a-z0-9-]{0,40}|release\/rel_[0-9a-z]{1,64}|rollout\/ro_[0-9a-z]{1,64})$/,
    'services, hosts, marks, doctor, events, service/<name>, release/<id> or rollout/<id>',
  );
export type Topic =
  | 'services'
  | 'hosts'
  | 'marks'
  | 'doctor'
  | 'events'
  | `service/${string}`
  | `release/rel_${string}`
  | `rollout/ro_${string}`;

/** What a snapshot of each topic holds. Lists are wrapped so that every topic is an object. */
export interface TopicData {
  services: { readonly services: readonly ServiceSummary[] };
  hosts: { readonly hosts: readonly HostView[]; readonly maintenances: readonly MaintenanceView[] };
  marks: { readonly marks: readonly MarkSummary[] };
  doctor: DoctorReport;
  service: ServiceDetail;
  release: ReleaseDetail;
  rollout: RolloutDetail;
}
/** `DataOf<'rollout/ro_1'>` = `RolloutDetail`. */
export type DataOf<T extends Topic> = T extends keyof TopicData
  ? TopicData[T]
  : T extends `${infer Kind extends keyof TopicData}/${string}`
    ? TopicData[Kind]
    : never;

export const topicSchemas = {
  services: z.object({ services: z.array(serviceSummary) }),
  hosts: z.object({ hosts: z.array(hostView), maintenances: z.array(maintenanceView) }),
  marks: z.object({ marks: z.array(markSummary) }),
  doctor: doctorReport,
  service: serviceDetail,
  release: releaseDetail,
  rollout: rolloutDetail,
} as const;

/** By what a member list of a topic is keyed: only entries that changed travel. */
export const keyedLists: Readonly<Record<string, string>> = {
  services: 'name',
  hosts: 'id',
  maintenances: 'id',
  marks: 'id',
  tasks: 'index',
  operations: 'id',
  checks: 'check',
  releases: 'id',
  runs: 'id',
  timeline: 'position',
};

/** What changed since the last frame of a topic; all values absolute, so applying one twice does no harm. */
export interface Delta {
  /** Members that changed, whole. */
  readonly set?: Readonly<Record<string, unknown>>;
  /** Keyed lists: entries that changed or came, keys that went, and the order of keys where that changed. */
  readonly lists?: Readonly<Record<string, ListDelta>>;
}
export interface ListDelta {
  readonly put?: readonly unknown[];
  readonly drop?: readonly (string | number)[];
  readonly order?: readonly (string | number)[];
}

export const listDelta = z.object({
  put: z.array(z.unknown()).optional(),
  drop: z.array(z.union([z.string(), z.number()])).optional(),
  order: z.array(z.union([z.string(), z.number()])).optional(),
});

/** Frames by their SSE `event` name. */
export interface Frames {
  /** First on every connection. */
  hello: { readonly position: number; readonly nowMs: number; readonly version: string };
  snapshot: { readonly topic: Topic; readonly position: number; readonly data: unknown };
  delta: { readonly topic: Topic; readonly position: number; readonly delta: Delta };
  /** The topic cannot be shown (any more): no such thing. */
  gone: { readonly topic: Topic; readonly problem: ProblemDocument };
  /** One committed event; the frame's id is its position. */
  fact: EventView;
  /** At least every five seconds, so that a reader can tell silence from a broken line. */
  pulse: { readonly position: number; readonly nowMs: number };
}
export type FrameName = keyof Frames;

export const frameSchemas = {
  hello: z.object({ position: z.number(), nowMs: z.number(), version: z.string() }),
  snapshot: z.object({ topic: topicText, position: z.number(), data: z.record(z.string(), z.unknown()) }),
  delta: z.object({
    topic: topicText,
    position: z.number(),
    delta: z.object({
      set: z.record(z.string(), z.unknown()).optional(),
      lists: z.record(z.string(), listDelta).optional(),
    }),
  }),
  gone: z.object({ topic: topicText, problem: problemDocument }),
  fact: eventView,
  pulse: z.object({ position: z.number(), nowMs: z.number() }),
} as const;
