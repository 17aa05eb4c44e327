import type { EventView } from '../../api/index.ts';
import { type Actor, actorName, type StoredEvent } from '../../model/index.ts';

/** An actor as the API names it. */
export function actorView(actor: Actor): { kind: Actor['kind']; name: string } {
  return { kind: actor.kind, name: actorName(actor) };
}

export function eventView(event: StoredEvent): EventView {
  const { stream, sequence, type, atMs, actor, data, hash } = event;
  return {
    position: event.position ?? 0,
    stream,
    sequence,
    type,
    atMs,
    actor: actorView(actor),
    data: { ...data },
    hash,
    sentence: sentenceOf(event),
  };
}

/** What an event says in its own words, or else its name: `host/suspected` → `host suspected: missed 5 heartbeats`. */
export function sentenceOf({ type, data }: Pick<StoredEvent, 'type' | 'data'>): string {
  for (const member of ['sentence', 'detail', 'reason', 'summary']) {
    const text = data[member];
    if (typeof text !== 'string' || text === '') continue;
    return member === 'sentence' ? text : `${wordsOf(type)}: ${text}`;
  }
  return wordsOf(type);
}

function wordsOf(type: string): string {
  return type.replaceAll('/', ' ').replaceAll('-', ' ');
}
