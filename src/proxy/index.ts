/**
 * `rollway proxy`: a small reverse proxy in front of one job or several, each on an address of its own. It follows
 * discovery, sends each request to the less busy of two tasks, lets a leaving task finish what it has, and keeps its
 * last list when the server is gone: the path of the data does not depend on the control plane.
 */
import { once } from 'node:events';
import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Chance, Clock } from '../kit/index.ts';
import { ProblemError, problem } from '../model/index.ts';
import { followJob, type ReadEndpoints } from './follow.ts';
import { Connections, type ForwardOptions, forward } from './forward.ts';
import { Targets } from './targets.ts';
import { forwardUpgrade } from './upgrade.ts';

export type { ReadEndpoints } from './follow.ts';

export interface ProxyRoute {
  readonly job: string;
  /** Where to listen for this job; port 0: any free one. */
  readonly host: string;
  readonly port: number;
  /** Name of the tasks' port, e.g. `http`; a job with one port needs none. */
  readonly portName: string;
}

export interface ProxyOptions {
  readonly routes: readonly ProxyRoute[];
  /** Asks the server: `createClient(…).listEndpoints` behind it. */
  readonly read: ReadEndpoints;
  readonly clock: Clock;
  readonly chance: Chance;
  /** Where statistics are served as JSON; absent: nowhere. */
  readonly stats?: { readonly host: string; readonly port: number };
  /** How long a request waits while no task serves. Default 5 s. */
  readonly waitForTargetMs?: number;
  /** Default 2 s. */
  readonly connectTimeoutMs?: number;
  /** Told once everything listens. */
  readonly onListening?: (addresses: ProxyAddresses) => void;
  /** Told of each new list, and when the server stops answering. */
  readonly onNews?: (job: string, news: { readonly targets: number } | { readonly error: unknown }) => void;
}

export interface ProxyAddresses {
  readonly routes: readonly { readonly job: string; readonly host: string; readonly port: number }[];
  readonly stats: { readonly host: string; readonly port: number } | undefined;
}

interface Front {
  readonly route: ProxyRoute;
  readonly targets: Targets;
  readonly connections: Connections;
  readonly server: Server;
  readonly counts: { requests: number; served: number; broken: number; 'no-target': number };
  revision: string | undefined;
  /** Since when the server has not answered; undefined while it does. */
  staleSinceMs: number | undefined;
}

/** Runs until the signal: then nothing new is accepted and what is in flight gets a moment to finish. */
export async function runProxy(options: ProxyOptions, signal: AbortSignal): Promise<void> {
  const fronts = options.routes.map((route) => openFront(options, route));
  const stats = options.stats === undefined ? undefined : createServer((_, answer) => answerStats(fronts, answer));
  const servers = [...fronts.map(({ server }) => server), ...(stats ? [stats] : [])];
  try {
    for (const { server, route } of fronts) await listen(server, route.host, route.port);
    if (stats !== undefined && options.stats !== undefined) await listen(stats, options.stats.host, options.stats.port);
    options.onListening?.({
      routes: fronts.map(({ server, route }) => ({ job: route.job, ...boundTo(server) })),
      stats: stats && boundTo(stats),
    });
    await Promise.all(fronts.map((front) => follow(options, front, signal)));
  } finally {
    await Promise.all(servers.map((server) => close(server)));
    for (const { connections } of fronts) connections.closeAll();
  }
}

function openFront(options: ProxyOptions, route: ProxyRoute): Front {
  const { clock, chance, waitForTargetMs = 5000, connectTimeoutMs = 2000 } = options;
  const connections = new Connections();
  const targets = new Targets(chance, (target) => connections.close(target));
  const how: ForwardOptions = { targets, clock, waitForTargetMs, connectTimeoutMs };
  const counts = { requests: 0, served: 0, broken: 0, 'no-target': 0 };
  const count = (outcome: 'served' | 'broken' | 'no-target'): void => {
    counts[outcome] += 1;
  };
  const server = createServer((incoming, outgoing) => {
    counts.requests += 1;
    void forward(how, connections, incoming, outgoing).then(count);
  });
  server.on('upgrade', (incoming, socket, head) => {
    counts.requests += 1;
    void forwardUpgrade(how, incoming, socket, head).then(count);
  });
  // A client that keeps its connection is the ordinary case; uploads may take long.
  Object.assign(server, { requestTimeout: 0, keepAliveTimeout: 75_000, headersTimeout: 60_000 });
  return { route, targets, connections, server, counts, revision: undefined, staleSinceMs: undefined };
}

function follow(options: ProxyOptions, front: Front, signal: AbortSignal): Promise<void> {
  const { read, clock, chance, onNews } = options;
  const { job, portName } = front.route;
  return followJob(
    {
      ...{ job, portName, read, clock, chance },
      onList(targets, revision) {
        front.targets.update(targets);
        front.revision = revision;
        front.staleSinceMs = undefined;
        onNews?.(job, { targets: targets.length });
      },
      onError(error) {
        if (front.staleSinceMs === undefined) onNews?.(job, { error });
        front.staleSinceMs ??= clock.nowMs();
      },
    },
    signal,
  );
}

async function listen(server: Server, host: string, port: number): Promise<void> {
  const opened = once(server, 'listening');
  server.listen(port, host);
  try {
    await opened;
  } catch (error) {
    const code = (error as NodeJS.ErrnoException).code;
    if (code !== 'EADDRINUSE') throw error;
    throw new ProblemError(problem('server/port-in-use', `${host}:${port} is taken.`, { host, port }), {
      cause: error,
    });
  }
}

/** Requests in flight get five seconds. */
async function close(server: Server): Promise<void> {
  if (!server.listening) return;
  const closed = once(server, 'close');
  server.close();
  server.closeIdleConnections();
  const timer = setTimeout(() => server.closeAllConnections(), 5000);
  await closed;
  clearTimeout(timer);
}

function boundTo(server: Server): { host: string; port: number } {
  const { address, port } = server.address() as AddressInfo;
  return { host: address, port };
}

function answerStats(
  fronts: readonly Front[],
  answer: { setHeader(k: string, v: string): void; end(text: string): void },
): void {
  answer.setHeader('content-type', 'application/json');
  const jobs = fronts.map(({ route, targets, counts, revision, staleSinceMs }) => ({
    job: route.job,
    revision: revision ?? null,
    staleSinceMs: staleSinceMs ?? null,
    ...counts,
    targets: targets.list().map(({ name, address, port, inFlight, served, failed, isLeaving }) => {
      return { name, address, port, inFlight, served, failed, isLeaving };
    }),
  }));
  answer.end(`${JSON.stringify({ jobs })}\n`);
}
