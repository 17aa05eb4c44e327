import { z } from 'zod';
import { maintenanceAnswers, maintenanceStates } from '../../model/index.ts';
import { instant, jobIdText, name, reason } from './basics.ts';

const label = z.string().min(1).max(100);
const year = 366 * 86_400_000;

/** What is worked on, when, and for how long. */
export const maintenanceWish = {
  /** One host … */
  host: name.optional(),
  /** … or all that have a label: `{ "label": "rack", "value": "a" }`. */
  domain: z.strictObject({ label, value: label }).optional(),
  /** When the work begins: what is left is stopped then. Default: after the lead time. */
  fromMs: instant.optional(),
  /** How long before that tasks begin to leave. */
  leadMs: z.number().int().min(0).max(year).default(900_000),
  /** How long the work is expected to take: whoever waits for its host waits no longer. */
  forMs: z.number().int().min(0).max(year),
  /** The work leaves processes alone (a switch is restarted): whoever rides it out is not stopped. */
  hostsStayUp: z.boolean().default(false),
  /** Do not wait for other maintenance, though both together break a budget. */
  fixed: z.boolean().default(false),
  reason,
};

/** What opening a maintenance would mean, or has meant. */
export const maintenancePlanView = z.object({
  scope: z.string(),
  hosts: z.array(z.string()),
  leaveAtMs: instant,
  deadlineAtMs: instant,
  untilMs: instant,
  /** Other maintenance that comes first; null: it begins at its time. */
  waitsFor: z.string().nullable(),
  jobs: z.array(
    z.object({
      job: jobIdText,
      size: z.number().int(),
      budget: z.number().int(),
      tasks: z.array(
        z.object({
          index: z.number().int(),
          host: z.string(),
          answer: z.enum(maintenanceAnswers),
          /** Where there is room for it now; null: it waits for its host, or nobody has room. */
          goesTo: z.string().nullable(),
        }),
      ),
      /** Out for as long as the work lasts. */
      staysOut: z.array(z.number().int()),
      /** Likewise, by other maintenance at the same time. */
      outElsewhere: z.array(z.number().int()),
    }),
  ),
  notes: z.array(z.string()),
});
export type MaintenancePlanView = z.infer<typeof maintenancePlanView>;

export const maintenanceView = z.object({
  id: z.string(),
  /** `host-3`, `rack=a` */
  scope: z.string(),
  hosts: z.array(z.string()),
  reason: z.string(),
  state: z.enum(maintenanceStates),
  /** How far it is, in one sentence. */
  sentence: z.string(),
  openedBy: z.string(),
  openedAtMs: instant,
  leaveAtMs: instant,
  deadlineAtMs: instant,
  untilMs: instant,
  hostsStayUp: z.boolean(),
  fixed: z.boolean(),
  waitsFor: z.string().nullable(),
  endedAtMs: instant.nullable(),
  /** Stops at the deadline, whatever the budget said. */
  forced: z.number().int(),
  /** Tasks that are still there, and why. */
  tasks: z.array(
    z.object({
      job: jobIdText,
      index: z.number().int(),
      host: z.string(),
      state: z.string(),
      answer: z.enum(maintenanceAnswers).nullable(),
      sentence: z.string(),
    }),
  ),
});
export type MaintenanceView = z.infer<typeof maintenanceView>;
