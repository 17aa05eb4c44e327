/** One page of a list of which one more than `limit` was read; `next` is the cursor of the page after it. */
export function pageOf<T>(
  found: readonly T[],
  limit: number,
  cursorOf: (item: T) => string,
): { items: T[]; next: string | null } {
  const items = found.slice(0, limit);
  const last = items.at(-1);
  return { items, next: found.length > limit && last !== undefined ? cursorOf(last) : null };
}
