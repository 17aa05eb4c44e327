import { createServer } from 'node:net';
import type { Chance } from '../kit/index.ts';

// Below Linux's range for outgoing connections (32768…), so that no client socket takes a task's port between two lives.
const lowestPort = 20_000;
const highestPort = 32_000;
const maxTries = 200;

/** Whether a TCP port can be listened on at this address now. */
export async function isPortFree(address: string, port: number): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer();
    server.once('error', () => resolve(false));
    server.listen({ host: address, port, exclusive: true }, () => server.close(() => resolve(true)));
  });
}

/** A port that is free at this address: the preferred one when possible. `taken` are promised to others already. */
export async function findFreePort(
  address: string,
  taken: ReadonlySet<number>,
  preferred: number | undefined,
  chance: Chance,
): Promise<number> {
  if (preferred !== undefined && !taken.has(preferred) && (await isPortFree(address, preferred))) return preferred;
  for (let i = 0; i < maxTries; i++) {
    const port = lowestPort + Math.floor(chance.next() * (highestPort - lowestPort));
    if (!taken.has(port) && (await isPortFree(address, port))) return port;
  }
  throw new Error(`no free port between ${lowestPort} and ${highestPort} at ${address}`);
}
