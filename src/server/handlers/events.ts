import type { StoredEvent } from '../../model/index.ts';
import type { Handlers, ServerContext } from '../context.ts';
import { refuse } from '../errors.ts';
import { commandView } from '../views/commands.ts';
import { eventView } from '../views/events.ts';
import { waitFor } from '../wait.ts';

/** What happened, by position, and what became of commands. */
export function eventHandlers(context: ServerContext) {
  const { engine } = context;
  return {
    async listEvents({ query }, { signal }) {
      const { after, limit, stream, newest, waitMs } = query;
      if (stream !== undefined && newest !== undefined) {
        const items = (await engine.readNewest(stream, newest)).filter((event) => event.position !== undefined);
        return { items: items.map(eventView), position: items.at(-1)?.position ?? (await engine.lastPosition()) };
      }
      const ask = () => (stream === undefined ? engine.readEvents(after, limit) : readStream(stream, after, limit));
      // Read first: what is committed while we look must not be passed over by who goes on from here.
      const last = await engine.lastPosition();
      const events = await waitFor(context, { waitMs, signal }, ask, (found) => found.length > 0);
      const position = events.at(-1)?.position ?? last;
      return { items: events.map(eventView), position };
    },
    async getCommand({ params, query }, { signal }) {
      const limits = { waitMs: query.waitMs, signal };
      const ask = () => engine.findCommand(params.command);
      const found = await waitFor(context, limits, ask, (row) => row === undefined || row.outcome !== undefined);
      return found ? commandView(found) : refuse('api/not-found', `There is no command ${params.command}.`);
    },
  } satisfies Partial<Handlers>;

  /** Sealed events of one stream after a position; streams are short enough to be read from their beginning. */
  async function readStream(stream: string, after: number, limit: number): Promise<StoredEvent[]> {
    // Who follows a long stream is near its end.
    const newest = after === 0 ? [] : await engine.readNewest(stream, 200);
    if ((newest[0]?.position ?? 0) > 0 && newest[0]!.position! <= after) {
      return newest.filter((event) => (event.position ?? 0) > after).slice(0, limit);
    }
    const found: StoredEvent[] = [];
    for (let sequence = 0; found.length < limit; ) {
      const page = await engine.readStream(stream, sequence, 500);
      found.push(...page.filter((event) => (event.position ?? 0) > after));
      const last = page.at(-1);
      if (last === undefined || page.length < 500) break;
      sequence = last.sequence;
    }
    return found.slice(0, limit);
  }
}
