import type { LedgerOperation } from './facts.ts';

/** Limits on how fast tasks may be taken out, beyond how many: per service, fault domain, or everywhere. */
export interface RateFacts {
  readonly nowMs: number;
}

export type RateAnswer =
  | { readonly allowed: true }
  | { readonly allowed: false; readonly atMs: number; readonly reason: string };

/** Asked once for each operation that would otherwise be admitted, in order. */
export type RateLimit = (operation: LedgerOperation, facts: RateFacts) => RateAnswer;

export const noRateLimit: RateLimit = () => ({ allowed: true });
