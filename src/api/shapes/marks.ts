import { z } from 'zod';
import { actor, commitRef, instant, jobIdText, markId, releaseId, rolloutId, versionRef } from './basics.ts';

export const markSummary = z.object({
  id: markId,
  repository: z.string(),
  isLive: z.boolean(),
  candidates: z.array(commitRef),
  targets: z.array(z.string()),
  fixes: z.array(commitRef),
  evidence: z.string(),
  rollout: rolloutId.nullable(),
  release: releaseId.nullable(),
  createdBy: actor,
  createdAtMs: instant,
  cleared: z.object({ by: actor, reason: z.string(), atMs: instant }).nullable(),
});
export type MarkSummary = z.infer<typeof markSummary>;

/** A version that contains a candidate and no fix, and where it runs or may run. */
export const carrierView = z.object({
  mark: markId,
  version: versionRef,
  service: z.string(),
  /** Tasks that run it now. */
  running: z.array(z.object({ job: jobIdText, indices: z.array(z.number().int()) })),
  /** A person let it through. */
  override: z.object({ by: actor, reason: z.string(), atMs: instant }).nullable(),
});
export type CarrierView = z.infer<typeof carrierView>;

export const markDetail = markSummary.extend({
  carriers: z.array(carrierView),
  /** What clears it, in words. */
  clearedBy: z.string(),
});
export type MarkDetail = z.infer<typeof markDetail>;
