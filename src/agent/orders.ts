import type { IncomingMessage } from 'node:http';
import { type Order, type OrderAck, orderLineSchema } from '../api/index.ts';
import { paths } from './paths.ts';
import type { ServerClient } from './server-client.ts';

const silenceMs = 15_000;
const maxLineChars = 4 * 1024 * 1024;

/** Writes an order down. What it returns is sent with the acknowledgement. Only a crash keeps it from returning. */
export type AcceptOrder = (order: Order) => Promise<OrderAck['cancels'][number] | undefined>;

/**
 * Reads orders until the stream ends or falls silent, which it does by rejecting. Each is on disk before it is
 * acknowledged; lines that came together are acknowledged together.
 */
export async function readOrders(
  client: ServerClient,
  host: string,
  accept: AcceptOrder,
  signal: AbortSignal,
  log: (line: string) => void,
): Promise<never> {
  const stream = await client.stream(paths.orders, signal);
  const watchdog = setTimeout(
    () => stream.destroy(new Error(`no word on the orders stream for ${silenceMs} ms`)),
    silenceMs,
  );
  try {
    for await (const lines of readLines(stream)) {
      watchdog.refresh();
      const deliveries: number[] = [];
      const cancels: OrderAck['cancels'][number][] = [];
      for (const line of lines) {
        const parsed = orderLineSchema.safeParse(JSON.parse(line));
        // Not acknowledged, so the server goes on showing it: a newer server's order is for a newer agent.
        if (!parsed.success) log(`an order is not understood: ${parsed.error.message.slice(0, 300)}`);
        if (!parsed.success || !('order' in parsed.data)) continue;
        const found = await accept(parsed.data.order);
        deliveries.push(parsed.data.delivery);
        if (found) cancels.push(found);
      }
      if (deliveries.length > 0) await client.postJson(paths.orderAck, { host, deliveries, cancels }, { signal });
    }
    throw new Error('the orders stream ended');
  } finally {
    clearTimeout(watchdog);
    stream.destroy();
  }
}

/** The whole lines of each piece that arrives. */
async function* readLines(stream: IncomingMessage): AsyncGenerator<string[]> {
  let rest = '';
  stream.setEncoding('utf8');
  for await (const text of stream as AsyncIterable<string>) {
    const lines = (rest + text).split('\n');
    rest = lines.pop() ?? '';
    if (rest.length > maxLineChars) throw new Error('a line of the orders stream is too long');
    yield lines.filter((line) => line !== '');
  }
}
