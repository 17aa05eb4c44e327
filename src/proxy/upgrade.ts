import type { IncomingMessage } from 'node:http';
import { connect, type Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { type ForwardOptions, headersFor } from './forward.ts';
import type { Target } from './targets.ts';

/** Hands a connection that wants to become something else (a WebSocket) through to a task, byte for byte. */
export async function forwardUpgrade(
  options: ForwardOptions,
  incoming: IncomingMessage,
  client: Duplex,
  head: Buffer,
): Promise<'served' | 'no-target'> {
  const { targets, clock } = options;
  client.on('error', () => client.destroy());
  const tried = new Set<Target>();
  for (;;) {
    const target = targets.pick(tried, clock.nowMs());
    if (target === undefined || client.destroyed) {
      client.end('HTTP/1.1 503 Service Unavailable\r\nconnection: close\r\ncontent-length: 0\r\n\r\n');
      return 'no-target';
    }
    tried.add(target);
    targets.begin(target);
    const upstream = await open(target, options.connectTimeoutMs);
    if (upstream === undefined) {
      targets.end(target, 'refused', clock.nowMs());
      continue;
    }
    upstream.write(requestText(incoming));
    if (head.length > 0) upstream.write(head);
    await join(client, upstream);
    targets.end(target, 'served', clock.nowMs());
    return 'served';
  }
}

function open(target: Target, timeoutMs: number): Promise<Socket | undefined> {
  return new Promise((resolve) => {
    const socket = connect({ host: target.address, port: target.port, noDelay: true });
    const fail = (): void => {
      socket.destroy();
      resolve(undefined);
    };
    socket.setTimeout(timeoutMs, fail);
    socket.once('error', fail);
    socket.once('connect', () => {
      socket.setTimeout(0);
      socket.off('error', fail);
      resolve(socket);
    });
  });
}

function requestText(incoming: IncomingMessage): string {
  const headers = headersFor(incoming, true);
  const lines = [`${incoming.method} ${incoming.url} HTTP/1.1`];
  for (let i = 0; i + 1 < headers.length; i += 2) lines.push(`${headers[i]}: ${headers[i + 1]}`);
  return `${lines.join('\r\n')}\r\n\r\n`;
}

/** Both ways, until both are done or one breaks. */
function join(client: Duplex, upstream: Socket): Promise<void> {
  return new Promise((resolve) => {
    let open = 2;
    const closed = (): void => {
      open -= 1;
      if (open === 0) resolve();
    };
    for (const [from, to] of [[client, upstream] as const, [upstream, client] as const]) {
      from.on('error', () => to.destroy());
      from.on('close', () => {
        to.end();
        closed();
      });
      from.pipe(to);
    }
  });
}
