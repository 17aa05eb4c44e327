import type { EventView } from '../../api/index.ts';
import { plain } from '../render/style.ts';
import type { Session } from '../session.ts';

interface Flags {
  readonly watch?: boolean;
  readonly stream?: string;
  readonly limit: number;
}

export async function run(session: Session, _args: readonly string[], flags: Flags) {
  const { out, client, signal } = session;
  const stream = flags.stream === undefined ? {} : { stream: flags.stream };
  const show = (event: EventView) => {
    if (out.format === 'json') out.line(JSON.stringify(event));
    else
      out.line(
        `${out.style.dim(new Date(event.atMs).toISOString().slice(11, 19))}  ${event.actor.name.padEnd(16)} ${plain(event.sentence)}`,
      );
  };
  // Nothing comes after the end, but its position does. A stream is short: it is read from its beginning.
  const { position: end } = await client.listEvents({ query: { after: Number.MAX_SAFE_INTEGER, limit: 1 } });
  const limit = Math.min(1000, flags.limit);
  let after = flags.stream === undefined ? Math.max(0, end - limit) : 0;
  const first = await client.listEvents({ query: { ...stream, after, limit: 1000 } });
  if (limit > 0) first.items.slice(-limit).forEach(show);
  after = first.items.at(-1)?.position ?? first.position;
  while (flags.watch === true && !signal.aborted) {
    const page = await client
      .listEvents({ query: { ...stream, after, limit: 1000, waitMs: 10_000 } }, { signal })
      .catch((error) => {
        if (signal.aborted) return undefined;
        throw error;
      });
    if (page === undefined) break;
    page.items.forEach(show);
    after = Math.max(after, page.items.at(-1)?.position ?? page.position);
  }
  return undefined;
}
