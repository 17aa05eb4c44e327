// Sees every task from outside: each one says many times a second which process it is.
import { createServer } from 'node:http';

/**
 * The service that is rolled: it answers, and it reports to the witness, whether it is ready too. `mode` "never" is a
 * version that is bad.
 */
export const witnessServer = (label: string, mode: 'good' | 'never') => `
const { createServer, Agent, request } = require('node:http');
const agent = new Agent({ keepAlive: true, maxSockets: 1 });
const { SINK, ROLLWAY_JOB: job, ROLLWAY_INDEX: index, ROLLWAY_INCARNATION: incarnation } = process.env;
let isServing = false;
setInterval(() => {
  const body = JSON.stringify({ job, index: Number(index), incarnation: Number(incarnation), pid: process.pid, atMs: Date.now(), isServing });
  request(SINK, { agent, method: 'POST' }, (response) => response.resume()).on('error', () => {}).end(body);
}, 50);
const server = createServer((incoming, response) => {
  response.statusCode = incoming.url === '/ready' && ${JSON.stringify(mode)} === 'never' ? 503 : 200;
  incoming.resume().on('end', () => response.end(${JSON.stringify(label)}));
});
server.keepAliveTimeout = 60_000;
server.listen(process.env.PORT, process.env.HOST, () => {
  isServing = ${JSON.stringify(mode)} === 'good';
});
process.on('SIGTERM', () => {
  isServing = false;
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
  /** While it said that it is ready; undefined: it never did. */
  serving: { readonly fromMs: number; untilMs: number } | undefined;
}

/** A time without anybody who serves an index, once somebody had. */
export interface Gap {
  readonly index: number;
  readonly fromMs: number;
  readonly untilMs: number;
}

export interface Witness {
  readonly url: string;
  /** Every process that was ever seen. */
  readonly lives: readonly Life[];
  /** Two processes of one index that were alive at the same time, in words: must stay empty. */
  twins(): string[];
  gaps(): Gap[];
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
      const { index, incarnation, pid, atMs, isServing } = JSON.parse(text) as Life & {
        atMs: number;
        isServing: boolean;
      };
      let life = lives.find((one) => one.index === index && one.pid === pid && one.incarnation === incarnation);
      // By the clock of the task itself: the machine is the same.
      if (life === undefined) {
        life = { index, incarnation, pid, firstMs: atMs, lastMs: atMs, serving: undefined };
        lives.push(life);
      }
      life.lastMs = Math.max(life.lastMs, atMs);
      if (!isServing) return;
      if (life.serving === undefined) life.serving = { fromMs: atMs, untilMs: atMs };
      else life.serving.untilMs = Math.max(life.serving.untilMs, atMs);
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
    gaps: () => gapsOf(lives),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

function gapsOf(lives: readonly Life[]): Gap[] {
  const gaps: Gap[] = [];
  for (const index of new Set(lives.map((life) => life.index))) {
    const served = lives.flatMap((life) => (life.index === index && life.serving ? [life.serving] : []));
    served.sort((a, b) => a.fromMs - b.fromMs);
    for (const [at, { untilMs }] of served.entries()) {
      const next = served[at + 1];
      if (next !== undefined && next.fromMs > untilMs) gaps.push({ index, fromMs: untilMs, untilMs: next.fromMs });
    }
  }
  return gaps;
}

/** How many of them there are at once, at most. */
export function mostAtOnce(gaps: readonly Gap[]): number {
  return Math.max(
    0,
    ...gaps.map(({ fromMs }) => gaps.filter((one) => one.fromMs <= fromMs && fromMs < one.untilMs).length),
  );
}

const describe = ({ pid, incarnation, firstMs, lastMs }: Life) =>
  `pid ${pid} of incarnation ${incarnation} (${firstMs}–${lastMs})`;
