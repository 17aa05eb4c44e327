/** What a person needs of an error: its message, its causes and where it was thrown; bounded. */
export function describeError(error: unknown): string {
  if (!(error instanceof Error)) return String(error).slice(0, 2000);
  const parts = [error.stack ?? error.message];
  for (let cause = error.cause; cause instanceof Error && parts.length < 4; cause = cause.cause) {
    parts.push(`caused by ${cause.stack ?? cause.message}`);
  }
  return parts.join('\n').slice(0, 4000);
}
