/** Who did something. Every event has one. */
export type Actor =
  | { readonly kind: 'person'; readonly name: string }
  | { readonly kind: 'agent'; readonly host: string }
  | { readonly kind: 'rollway'; readonly part: string };

/** The control plane itself acting in one of its parts, e.g. `rollway('judge')`. */
export function rollway(part: string): Actor {
  return { kind: 'rollway', part };
}

/** `ada`, `host-3`, `rollway/judge`. */
export function actorName(actor: Actor): string {
  if (actor.kind === 'person') return actor.name;
  return actor.kind === 'agent' ? actor.host : `rollway/${actor.part}`;
}
