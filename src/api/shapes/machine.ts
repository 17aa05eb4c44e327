import { z } from 'zod';
import { joinTokenSchema } from '../agent-protocol.ts';
import { actor, instant, tokenId } from './basics.ts';

/** Something about the installation that a person should look at. */
export const finding = z.object({
  kind: z.enum([
    'parked-work',
    'disk',
    'running-carrier',
    'stopped-rollout',
    'alarm',
    'host',
    'repository',
    'isolation',
    'store',
    'metrics',
  ]),
  severity: z.enum(['info', 'warning', 'alarm']),
  sentence: z.string(),
  remedy: z.string(),
  /** What it is about, e.g. `host/host-3`. */
  subject: z.string(),
  sinceMs: instant.nullable(),
});
export type Finding = z.infer<typeof finding>;

export const doctorReport = z.object({
  version: z.string(),
  /** How the state is kept: `sqlite` or `postgres`. */
  store: z.string(),
  uptimeMs: z.number(),
  checks: z.array(
    z.object({
      name: z.string(),
      state: z.enum(['ok', 'warning', 'failing']),
      sentence: z.string(),
      remedy: z.string().nullable(),
    }),
  ),
  findings: z.array(finding),
});
export type DoctorReport = z.infer<typeof doctorReport>;

/** Work or an effect that was set aside after repeated failures. */
export const parkedWork = z.object({
  /** `work` rows are decisions, `effect`s what they wanted done. */
  what: z.enum(['work', 'effect']),
  kind: z.string(),
  key: z.string(),
  attempts: z.number().int(),
  error: z.string(),
  sinceMs: instant.nullable(),
});
export type ParkedWork = z.infer<typeof parkedWork>;

export const person = z.object({
  name: z.string(),
  role: z.enum(['viewer', 'operator', 'admin', 'push']),
  /** When this session or token ends; null: it does not. */
  expiresAtMs: instant.nullable(),
});
export type Person = z.infer<typeof person>;

/** A token as it is listed; its secret is shown once, when it is made. */
export const tokenView = z.object({
  id: tokenId,
  name: z.string(),
  role: z.enum(['viewer', 'operator', 'admin', 'push']),
  /** Of a `push` token: the job or task whose metrics it may hand in; null: all. */
  scope: z.string().nullable(),
  createdAtMs: instant,
  createdBy: actor,
  expiresAtMs: instant.nullable(),
  usedAtMs: instant.nullable(),
});
export type TokenView = z.infer<typeof tokenView>;

/** What a new host needs to join, once, within the hour. */
export const joinToken = z.object({
  /** The content of a file of mode 0600 (never on a command line): secret, fingerprint, addresses best first. */
  file: joinTokenSchema,
  expiresAtMs: instant,
});
export type JoinToken = z.infer<typeof joinToken>;
