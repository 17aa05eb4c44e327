import { Agent, type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { pipeline } from 'node:stream';
import type { Clock } from '../kit/index.ts';
import type { Target, Targets } from './targets.ts';

export interface ForwardOptions {
  readonly targets: Targets;
  readonly clock: Clock;
  /** How long a request waits when there is no task at all. */
  readonly waitForTargetMs: number;
  readonly connectTimeoutMs: number;
}

/** Headers that speak of one connection only (RFC 9110, 7.6.1). */
const hopByHop = new Set(
  'connection keep-alive proxy-authenticate proxy-authorization proxy-connection te trailer transfer-encoding upgrade'.split(
    ' ',
  ),
);

/** An idle connection is closed before a task would close it (Node: 5 s), so that no request meets a closing one. */
const idleMs = 3000;

/** Connections to tasks, kept alive, one pool per task so that a leaving task's can be closed. */
export class Connections {
  readonly #agents = new Map<string, Agent>();

  of(target: Target): Agent {
    const key = `${target.address}:${target.port}`;
    let agent = this.#agents.get(key);
    if (agent === undefined) {
      agent = new Agent({ keepAlive: true, timeout: idleMs, maxFreeSockets: 64, scheduling: 'lifo' });
      this.#agents.set(key, agent);
    }
    return agent;
  }

  close(target: Target): void {
    const key = `${target.address}:${target.port}`;
    this.#agents.get(key)?.destroy();
    this.#agents.delete(key);
  }

  closeAll(): void {
    for (const agent of this.#agents.values()) agent.destroy();
    this.#agents.clear();
  }
}

/**
 * Answers one request by a task. Another task is tried only while no byte was sent to the first: a connection that
 * was refused, or not opened in time. What was sent is never repeated.
 */
export async function forward(
  options: ForwardOptions,
  connections: Connections,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<'served' | 'no-target' | 'broken'> {
  const { targets, clock } = options;
  const tried = new Set<Target>();
  for (;;) {
    const target = targets.pick(tried, clock.nowMs()) ?? (await waitForTarget(options, tried, incoming));
    if (target === undefined) {
      answerPlainly(outgoing, 503, 'No task serves right now.\n');
      return 'no-target';
    }
    tried.add(target);
    targets.begin(target);
    const outcome = await send(options, connections.of(target), target, incoming, outgoing);
    targets.end(target, outcome, clock.nowMs());
    if (outcome !== 'refused') return outcome;
  }
}

async function waitForTarget(
  options: ForwardOptions,
  tried: ReadonlySet<Target>,
  incoming: IncomingMessage,
): Promise<Target | undefined> {
  const { targets, clock, waitForTargetMs } = options;
  const ended = new AbortController();
  const end = (): void => ended.abort();
  incoming.once('close', end);
  clock.sleepUntil(clock.nowMs() + waitForTargetMs, ended.signal).then(end, () => undefined);
  let found: Target | undefined;
  while (found === undefined && !ended.signal.aborted) {
    await targets.waitForAny(ended.signal);
    found = targets.pick(tried, clock.nowMs());
  }
  incoming.off('close', end);
  end();
  return found;
}

function send(
  { connectTimeoutMs }: ForwardOptions,
  agent: Agent,
  target: Target,
  incoming: IncomingMessage,
  outgoing: ServerResponse,
): Promise<'served' | 'refused' | 'broken'> {
  return new Promise((resolve) => {
    const { address: host, port } = target;
    const { method, url: path } = incoming;
    const upstream = request({ agent, host, port, method, path, headers: headersFor(incoming), setHost: false });
    let isConnected = false;
    const timer = setTimeout(() => upstream.destroy(new Error('connecting took too long')), connectTimeoutMs);
    whenConnected(upstream, () => {
      isConnected = true;
      clearTimeout(timer);
      pipeline(incoming, upstream, () => undefined);
    });
    const onClientGone = (): void => void upstream.destroy();
    outgoing.once('close', onClientGone);
    const settle = (outcome: 'served' | 'refused' | 'broken'): void => {
      clearTimeout(timer);
      outgoing.off('close', onClientGone);
      resolve(outcome);
    };
    upstream.once('error', () => {
      if (!isConnected && !outgoing.destroyed) return settle('refused');
      if (!outgoing.headersSent) answerPlainly(outgoing, 502, 'The task broke off before it answered.\n');
      else outgoing.destroy();
      settle('broken');
    });
    upstream.once('response', (response) => {
      outgoing.writeHead(response.statusCode ?? 502, response.statusMessage, answerHeaders(response));
      pipeline(response, outgoing, (error) => settle(error ? 'broken' : 'served'));
    });
    // 100-continue and early hints are between us and the task; the answer follows.
    upstream.on('continue', () => undefined);
  });
}

/** A pooled connection is open already; a new one says so. */
function whenConnected(upstream: ClientRequest, act: () => void): void {
  upstream.once('socket', (socket) => {
    if (socket.connecting) socket.once('connect', act);
    else act();
  });
}

/** The request's headers without those of its connection, with where it came from. Repeated ones stay repeated. */
export function headersFor(incoming: IncomingMessage, keepUpgrade = false): string[] {
  const own = connectionHeaders(incoming);
  const headers: string[] = [];
  for (let i = 0; i + 1 < incoming.rawHeaders.length; i += 2) {
    const [name, value] = [incoming.rawHeaders[i] as string, incoming.rawHeaders[i + 1] as string];
    const lower = name.toLowerCase();
    if (lower.startsWith('x-forwarded-')) continue;
    if (own.has(lower) && !(keepUpgrade && (lower === 'upgrade' || lower === 'connection'))) continue;
    headers.push(name, value);
  }
  const from = incoming.socket.remoteAddress;
  if (from !== undefined) headers.push('x-forwarded-for', from);
  headers.push('x-forwarded-proto', 'http');
  if (incoming.headers.host !== undefined) headers.push('x-forwarded-host', incoming.headers.host);
  // A body of unknown length stays one.
  if (incoming.headers['transfer-encoding'] !== undefined) headers.push('transfer-encoding', 'chunked');
  return headers;
}

function answerHeaders(response: IncomingMessage): string[] {
  const own = connectionHeaders(response);
  const headers: string[] = [];
  for (let i = 0; i + 1 < response.rawHeaders.length; i += 2) {
    const [name, value] = [response.rawHeaders[i] as string, response.rawHeaders[i + 1] as string];
    if (!own.has(name.toLowerCase())) headers.push(name, value);
  }
  return headers;
}

function connectionHeaders(message: IncomingMessage): Set<string> {
  const named = (message.headers.connection ?? '').split(',').map((name) => name.trim().toLowerCase());
  return new Set([...hopByHop, ...named.filter((name) => name !== '')]);
}

function answerPlainly(outgoing: ServerResponse, status: number, text: string): void {
  if (outgoing.headersSent || outgoing.destroyed) return;
  outgoing.writeHead(status, { 'content-type': 'text/plain; charset=utf-8', 'cache-control': 'no-store' });
  outgoing.end(text);
}
