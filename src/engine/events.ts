import { sha256, stableJson } from '../kit/index.ts';
import type { NewEvent } from '../model/index.ts';
import type { Tx } from '../store/index.ts';
import { type EventRow, insertEvent, insertFact, loadSeal, lockHead, recordSeal } from './events-rows.ts';

/** Members of an event's data above this size are kept as facts, once however often they are named. */
const largestInlineBytes = 4096;

/**
 * Appends events to their streams, each chained to its predecessor. With `seal` they get their global positions at
 * once (only where commits come one after another), and the last position is returned.
 */
export async function appendEvents(
  tx: Tx,
  events: readonly NewEvent[],
  nowMs: number,
  seal: boolean,
): Promise<number | undefined> {
  const head = seal ? await loadSeal(tx) : undefined;
  let position = head?.position;
  let digest = head?.digest ?? '';
  for (const [stream, ofStream] of byStream(events)) {
    const last = await lockHead(tx, stream);
    let sequence = last?.sequence ?? 0;
    let previous = last?.hash ?? '';
    for (const event of ofStream) {
      sequence += 1;
      if (position !== undefined) position += 1;
      const { data, facts } = await writeData(tx, event.data);
      const actor = stableJson(event.actor);
      const row = { stream, sequence, type: event.type, at_ms: nowMs, actor, data, facts };
      const hash = hashOfEvent(previous, row);
      await insertEvent(tx, { ...row, hash, position: position ?? null });
      previous = hash;
      digest = nextDigest(digest, hash);
    }
  }
  if (position !== undefined) await recordSeal(tx, { position, digest });
  return position;
}

/** Streams are locked in the order of their names; within a stream the given order stands. */
function byStream(events: readonly NewEvent[]): [string, readonly NewEvent[]][] {
  const first = events[0];
  if (events.length === 1 && first !== undefined) return [[first.stream, events]];
  const streams = Map.groupBy(events, (event) => event.stream);
  return [...streams].sort(([a], [b]) => (a < b ? -1 : 1));
}

/** The chain of one stream: over the previous hash and everything the event says. */
export function hashOfEvent(previous: string, row: Omit<EventRow, 'id' | 'hash' | 'position' | 'facts'>): string {
  const { stream, sequence, type, at_ms, actor, data } = row;
  return sha256(JSON.stringify([previous, stream, sequence, type, at_ms, actor, data]));
}

/** The chain over all streams, in the order of positions. */
export function nextDigest(digest: string, hash: string): string {
  return sha256(digest + hash);
}

async function writeData(tx: Tx, data: NewEvent['data']): Promise<{ data: string; facts: number }> {
  const text = stableJson(data);
  if (text.length <= largestInlineBytes) return { data: text, facts: 0 };
  const members: Record<string, unknown> = {};
  let facts = 0;
  for (const [name, value] of Object.entries(data)) {
    const content = stableJson(value);
    if (content.length <= largestInlineBytes) {
      members[name] = value;
      continue;
    }
    const digest = sha256(content);
    await insertFact(tx, digest, content);
    members[name] = { $fact: digest };
    facts = 1;
  }
  return { data: stableJson(members), facts };
}
