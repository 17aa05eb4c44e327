import { z } from 'zod';
import { jobIdPattern } from '../../model/index.ts';
import { type ProblemCode, problemCodes } from '../problem-codes.ts';

/** Words that many resources share. Absent values are `null`, never left out, so that every row has the same keys. */

/** Epoch milliseconds. */
export const instant = z.number();
export const name = z.string().min(1).max(100);
export const hex = z.string().regex(/^[0-9a-f]+$/);
/** How long a rollout holds after a phase, and what it does then when nobody said anything. */
export const holdFor = z.strictObject({
  ms: z
    .number()
    .int()
    .positive()
    .max(30 * 86_400_000),
  next: z.enum(['revert', 'resume']),
});
/** A full Git object name. */
export const commitId = z.string().regex(/^([0-9a-f]{40}|[0-9a-f]{64})$/, 'a full Git object name');
/** What a person types for a commit: a full object name or at least 7 digits of one. */
export const commitish = z.string().regex(/^[0-9a-f]{7,64}$/, 'at least 7 hex digits of a commit');
export const jobIdText = z.string().regex(jobIdPattern, '<service>@<environment>, or <service>@<environment>.<job>');
export const reason = z.string().trim().min(1, 'a reason is needed').max(1000);
export const optionalReason = z.string().trim().max(1000).optional();

/** An id of `model/ids.ts`: its prefix, then lower-case digits and letters. */
const id = <P extends string>(prefix: P) =>
  z.string().regex(new RegExp(`^${prefix}_[0-9a-z]{1,64}$`)) as unknown as z.ZodType<
    `${P}_${string}`,
    `${P}_${string}`
  >;
export const releaseId = id('rel');
export const rolloutId = id('ro');
export const actionRunId = id('run');
export const markId = id('mark');
export const operationId = id('op');
export const commandId = id('cmd');
export const maintenanceId = id('mnt');
export const tokenId = id('tok');
export const versionIdText = id('v');

export const actor = z.object({
  kind: z.enum(['person', 'agent', 'rollway']),
  /** `ada`, `host-3`, `rollway/judge`. */
  name: z.string(),
});

/** A whole number in a query string. */
export const queryInt = (min: number, max: number) => z.coerce.number().int().min(min).max(max);

/** Lists are read a page at a time: `next` goes into `cursor`; null: that was the last page. */
export const paging = {
  cursor: z.string().max(500).optional(),
  limit: queryInt(1, 500).default(50),
};
export const pageOf = <T extends z.ZodType>(item: T) => z.object({ items: z.array(item), next: z.string().nullable() });

/** RFC 9457, with the catalogue's `code` and `remedy`. */
export const problemDocument = z.object({
  /** Where the docs explain this kind of problem. */
  type: z.string(),
  code: z.enum(problemCodes as [ProblemCode, ...ProblemCode[]]),
  status: z.number().int(),
  title: z.string(),
  detail: z.string(),
  /** What to do next. */
  remedy: z.string(),
  facts: z.record(z.string(), z.unknown()),
  /** Under this id the server's log has the details. */
  instance: z.string(),
});
export type ProblemDocument = z.infer<typeof problemDocument>;

/** A version as people recognise it: by its commit. */
export const versionRef = z.object({
  id: versionIdText,
  commit: z.string(),
  subject: z.string(),
  author: z.string(),
  release: releaseId.nullable(),
  createdAtMs: instant,
});
export type VersionRef = z.infer<typeof versionRef>;

export const commitRef = z.object({
  id: z.string(),
  subject: z.string(),
  author: z.string(),
  atMs: instant.nullable(),
});
export type CommitRef = z.infer<typeof commitRef>;

/** One committed decision or fact. */
export const eventView = z.object({
  position: z.number().int(),
  stream: z.string(),
  sequence: z.number().int(),
  type: z.string(),
  atMs: instant,
  actor,
  data: z.record(z.string(), z.unknown()),
  /** Chains it to its predecessor in the stream. */
  hash: z.string(),
  /** One line for people. */
  sentence: z.string(),
});
export type EventView = z.infer<typeof eventView>;
