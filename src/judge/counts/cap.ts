/** Step 4: no bin of one task counts more events than this, where `mu` are expected: an ill host is not a version. */
export function capOf(mu: number): number {
  return mu + 3 * Math.sqrt(mu) + 1.5;
}

/** Without a root where it makes no difference: most bins have no more than is expected. */
export function capped(events: number, mu: number): number {
  return events <= mu ? events : Math.min(events, capOf(mu));
}
