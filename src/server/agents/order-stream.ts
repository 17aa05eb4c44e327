import type { OrderLine } from '../../api/index.ts';
import type { OrderBook } from '../../drivers/fleet/index.ts';
import type { Clock } from '../../kit/index.ts';
import type { HostId } from '../../model/index.ts';

/** An agent that reads slower than this is cut off; it connects again and gets what it has not acknowledged. */
const maxUnreadLines = 10_000;
const pingEveryMs = 4000;

/** The body of `GET /agent/v1/orders`: one line per order, and a ping when there is none. */
export function openOrderStream(book: OrderBook, host: HostId, clock: Clock): ReadableStream<Uint8Array> {
  const encoder = new TextEncoder();
  const ended = new AbortController();
  let detach = (): void => undefined;
  return new ReadableStream<Uint8Array>(
    {
      start(controller) {
        const write = (line: OrderLine): void => {
          if (ended.signal.aborted) return;
          if ((controller.desiredSize ?? 0) < -maxUnreadLines) end();
          else controller.enqueue(encoder.encode(`${JSON.stringify(line)}\n`));
        };
        const end = (): void => {
          if (ended.signal.aborted) return;
          ended.abort();
          detach();
          controller.close();
        };
        write({ ping: clock.nowMs() });
        detach = book.attach(host, { write, end });
        void ping(write, clock, ended.signal);
      },
      cancel() {
        ended.abort();
        detach();
      },
    },
    { highWaterMark: 0 },
  );
}

async function ping(write: (line: OrderLine) => void, clock: Clock, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await clock.sleepUntil(clock.nowMs() + pingEveryMs, signal).catch(() => undefined);
    write({ ping: clock.nowMs() });
  }
}
