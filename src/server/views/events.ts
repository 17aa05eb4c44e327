import type { EventView } from '../../api/index.ts';
import { type Actor, actorName, type StoredEvent } from '../../model/index.ts';
import { sentences } from './sentences.ts';

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

/** What an event says in its own words, or else its name with its facts: `host suspected: missed 5 heartbeats`. */
export function sentenceOf({ type, data }: Pick<StoredEvent, 'type' | 'data'>): string {
  if (typeof data.sentence === 'string' && data.sentence !== '') return data.sentence;
  const said = sentences[type]?.(data);
  if (said !== undefined) return said;
  const words = type.replaceAll(/[/.-]/g, ' ');
  const told = ['reason', 'detail', 'summary']
    .map((member) => data[member])
    .find((text) => typeof text === 'string' && text !== '');
  if (told !== undefined) return `${words}: ${told}`;
  const facts = Object.entries(data)
    .filter(([, value]) => typeof value === 'number' || (typeof value === 'string' && value.length <= 60))
    .slice(0, 4)
    .map(([member, value]) => `${member} ${value}`);
  return facts.length === 0 ? words : `${words}: ${facts.join(', ')}`;
}
