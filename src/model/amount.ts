/**
 * "how many of n": an absolute count or a percentage, and the two ways of rounding it (design section 2,
 * "Budgets and numbers").
 */
export type Amount = { readonly count: number } | { readonly percent: number };

/**
 * Tasks that may be out at once. A percentage rounds *down*, but gives at least 1 unless it is 0 ("surge only").
 * `10 % of 12` → 1, `25 % of 12` → 3, `10 % of 5` → 1, `0 %` → 0.
 */
export function budgetOf(amount: Amount, size: number): number {
  if ('count' in amount) return amount.count;
  if (amount.percent === 0) return 0;
  return Math.max(1, Math.floor((amount.percent * size) / 100));
}

/**
 * Tasks of a phase. A percentage rounds *up*, at least 1, at most the job: `25 % of 12` → 3, `10 % of 12` → 2.
 */
export function phaseCountOf(amount: Amount, size: number): number {
  if ('count' in amount) return Math.min(amount.count, size);
  return Math.min(size, Math.max(1, Math.ceil((amount.percent * size) / 100)));
}
