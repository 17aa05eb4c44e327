import { assert, type StoredEvent } from '../model/index.ts';
import type { Tx } from '../store/index.ts';
import { type EventRow, findFact, toStored } from './events-rows.ts';

/** Events as their readers see them: with the facts in place. */
export async function restoreEvents(tx: Tx, rows: readonly EventRow[]): Promise<StoredEvent[]> {
  const events: StoredEvent[] = [];
  for (const row of rows) events.push(toStored(row, await restoreData(tx, row)));
  return events;
}

async function restoreData(tx: Tx, row: EventRow): Promise<StoredEvent['data']> {
  const data = JSON.parse(row.data) as Record<string, unknown>;
  if (row.facts === 0) return data;
  for (const [name, digest] of factsOf(data)) {
    const content = await findFact(tx, digest);
    assert(content !== undefined, 'an event names a fact that is not there', { stream: row.stream, digest });
    data[name] = JSON.parse(content);
  }
  return data;
}

/** The members that stand in facts, with their digests. */
export function factsOf(data: Readonly<Record<string, unknown>>): [string, string][] {
  const found: [string, string][] = [];
  for (const [name, value] of Object.entries(data)) {
    if (value === null || typeof value !== 'object' || !('$fact' in value)) continue;
    if (typeof value.$fact === 'string') found.push([name, value.$fact]);
  }
  return found;
}
