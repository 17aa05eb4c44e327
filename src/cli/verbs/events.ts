import type { EventView } from '../../api/index.ts';
import { plain } from '../render/style.ts';
import type { Session } from '../session.ts';

interface Flags {
  readonly watch?: boolean;
  readonly stream?: string;
  readonly limit: number;
}

const auditStream = 'server/audit';

/** Who asked for what, and what was refused: the stream in which the server keeps it. */
export function audit(session: Session, args: readonly string[], flags: Flags) {
  return run(session, args, { ...flags, stream: auditStream });
}

export async function run(session: Session, _args: readonly string[], flags: Flags) {
  const { out, client, signal } = session;
  const stream = flags.stream === undefined ? {} : { stream: flags.stream };
  // The audit goes back over days.
  const from = flags.stream === auditStream ? 5 : 11;
  const show = (event: EventView) => {
    if (out.format === 'json') return out.line(JSON.stringify(event));
    const at = new Date(event.atMs).toISOString().slice(from, 19).replace('T', ' ');
    out.line(`${out.style.dim(at)}  ${event.actor.name.padEnd(16)} ${plain(event.sentence)}`);
  };
  const limit = Math.min(1000, flags.limit);
  const first = await newestOf(session, flags.stream, limit);
  first.items.forEach(show);
  let after = first.items.at(-1)?.position ?? first.position;
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

async function newestOf({ client }: Session, stream: string | undefined, limit: number) {
  if (stream !== undefined && limit > 0) return client.listEvents({ query: { stream, newest: limit } });
  // Nothing comes after the end, but its position does.
  const end = await client.listEvents({ query: { after: Number.MAX_SAFE_INTEGER, limit: 1 } });
  if (limit === 0) return end;
  return client.listEvents({ query: { after: Math.max(0, end.position - limit), limit } });
}
