import { once } from 'node:events';
import type { AddressInfo } from 'node:net';
import { createAdaptorServer } from '@hono/node-server';
import { ProblemError, problem } from '../model/index.ts';
import type { Fetch } from './http.ts';

export interface Listening {
  readonly port: number;
  /** Takes nothing new, lets answers under way finish for a moment, then cuts what is left. */
  close(): Promise<void>;
}

/** How many ports are tried after the wanted one. */
const portsToTry = 50;
const finishMs = 2000;

/** Serves HTTP. A port that is taken and was not asked for by number gives way to the next free one. */
export async function listen(fetch: Fetch, host: string, port: number, isPortFixed: boolean): Promise<Listening> {
  const server = createAdaptorServer({ fetch, overrideGlobalObjects: false });
  Object.assign(server, { requestTimeout: 120_000, headersTimeout: 20_000, keepAliveTimeout: 30_000, timeout: 0 });
  const last = isPortFixed || port === 0 ? port : port + portsToTry;
  for (let tried = port; ; tried++) {
    const opened = once(server, 'listening');
    server.listen(tried, host);
    try {
      await opened;
      break;
    } catch (cause) {
      if ((cause as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw cause;
      if (tried < last) continue;
      const detail = isPortFixed ? `Port ${port} is taken.` : `Ports ${port} to ${last} are all taken.`;
      throw new ProblemError(problem('server/port-in-use', detail, { port }), { cause });
    }
  }
  return {
    port: (server.address() as AddressInfo).port,
    async close() {
      const closed = once(server, 'close');
      server.close();
      // Streams that were ended a moment ago leave idle connections behind.
      const idle = setInterval(() => 'closeIdleConnections' in server && server.closeIdleConnections(), 25);
      const cut = setTimeout(() => 'closeAllConnections' in server && server.closeAllConnections(), finishMs);
      await closed;
      clearInterval(idle);
      clearTimeout(cut);
    },
  };
}
