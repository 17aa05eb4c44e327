// Sees every task from outside: each one says many times a second which process it is.
import { createServer } from 'node:http';

/** The service that is rolled: it answers, and it reports to the witness. `mode` "never" is a version that is bad. */
export const witnessServer = (label: string, mode: 'good' | 'never') => `
const { createServer, Agent, request } = require('node:http');
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const { SINK, ROLLWAY_JOB: job, ROLLWAY_INDEX: index, ROLLWAY_INCARNATION: incarnation } = process.env;
setInterval(() => {
  const body = JSON.stringify({ job, index: Number(index), incarnation: Number(incarnation), pid: process.pid, atMs: Date.now() });
  request(SINK, { agent, method: 'POST' }, (response) => response.resume()).on('error', () => {}).end(body);
}, 50);
const server = createServer((incoming, response) => {
  response.statusCode = incoming.url === '/ready' && ${JSON.stringify(mode)} === 'never' ? 503 : 200;
  incoming.resume().on('end', () => response.end(${JSON.stringify(label)}));
});
server.keepAliveTimeout = 60_000;
server.listen(process.env.PORT, process.env.HOST);
process.on('SIGTERM', () => {
  server.close(() => process.exit(0));
  server.closeIdleConnections();
});
`;

interface Life {
  readonly index: number;
  readonly incarnation: number;
  readonly pid: number;
  readonly firstMs: number;
  lastMs: number;
}

export interface Witness {
  readonly url: string;
  /** Every process that was ever seen. */
  readonly lives: readonly Life[];
  /** Two processes of one index that were alive at the same time, in words: must stay empty. */
  twins(): string[];
  close(): Promise<void>;
}

export async function openWitness(): Promise<Witness> {
  const lives: Life[] = [];
  const server = createServer((incoming, response) => {
    let text = '';
    incoming.setEncoding('utf8').on('data', (part: string) => {
      text += part;
    });
    incoming.on('end', () => {
      response.end();
      const { index, incarnation, pid, atMs } = JSON.parse(text) as Life & { atMs: number };
      const known = lives.find((life) => life.index === index && life.pid === pid && life.incarnation === incarnation);
      // By the clock of the task itself: the machine is the same.
      if (known === undefined) lives.push({ index, incarnation, pid, firstMs: atMs, lastMs: atMs });
      else known.lastMs = Math.max(known.lastMs, atMs);
    });
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const address = server.address() as { port: number };
  return {
    url: `http://127.0.0.1:${address.port}/`,
    lives,
    twins: () =>
      lives.flatMap((one, at) =>
        lives
          .slice(at + 1)
          .filter((other) => other.index === one.index && one.firstMs < other.lastMs && other.firstMs < one.lastMs)
          .map((other) => `task ${one.index}: ${describe(one)} and ${describe(other)}`),
      ),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

const describe = ({ pid, incarnation, firstMs, lastMs }: Life) =>
  `pid ${pid} of incarnation ${incarnation} (${firstMs}–${lastMs})`;
