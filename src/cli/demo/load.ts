import { Agent, request } from 'node:http';
import type { Client, Endpoints } from '../../api/index.ts';
import type { JobId } from '../../model/index.ts';
import { pause } from '../watch.ts';

/** What the load saw, by the version that answered (a short id; `none` when nobody did). */
export interface LoadCount {
  sent: number;
  failed: number;
}

export interface Load {
  readonly byVersion: ReadonlyMap<string, LoadCount>;
  /** Failures that are not answers of the service: refused or broken connections. Should stay 0. */
  readonly broken: readonly string[];
  stop(): Promise<void>;
}

export interface LoadOptions {
  readonly client: Client;
  readonly job: JobId;
  readonly requestsPerSecond: number;
  /** How often discovery is read again: at most half the drain time. */
  readonly discoveryMs: number;
  readonly signal: AbortSignal;
}

/**
 * A steady stream of real requests to the tasks themselves: it follows discovery, keeps connections alive and does
 * not retry, so that whatever goes wrong is seen.
 */
export function startLoad(options: LoadOptions): Load {
  const agent = new Agent({ keepAlive: true, maxSockets: 16 });
  const byVersion = new Map<string, LoadCount>();
  const broken: string[] = [];
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  let tasks: Endpoints['endpoints'] = [];
  let turn = 0;
  const pending = new Set<Promise<void>>();

  const count = (version: string, isFailed: boolean) => {
    const entry = byVersion.get(version) ?? { sent: 0, failed: 0 };
    entry.sent += 1;
    if (isFailed) entry.failed += 1;
    byVersion.set(version, entry);
  };
  const send = () => {
    const task = tasks[turn++ % tasks.length];
    const port = task === undefined ? undefined : Object.values(task.ports)[0];
    if (task === undefined || port === undefined) return;
    const isWrite = turn % 20 === 0;
    const done = new Promise<void>((resolve) => {
      const fail = (error: Error) => {
        broken.push(`task ${task.index} at ${task.address}:${port}: ${error.message}`);
        count('none', true);
        resolve();
      };
      const call = request(
        {
          agent,
          host: task.address,
          port,
          method: isWrite ? 'POST' : 'GET',
          path: isWrite ? '/entries' : '/',
          timeout: 10_000,
        },
        (response) => {
          count(String(response.headers['guestbook-version'] ?? task.version), (response.statusCode ?? 500) >= 500);
          response.on('error', fail).on('end', resolve).resume();
        },
      );
      call.on('timeout', () => call.destroy(new Error('no answer within 10 s')));
      call.on('error', fail);
      call.end(isWrite ? JSON.stringify({ name: 'A visitor', message: `Greeting number ${turn}` }) : undefined);
    });
    pending.add(done);
    void done.then(() => pending.delete(done));
  };

  const discovery = (async () => {
    while (!signal.aborted) {
      const read = await options.client
        .listEndpoints({ params: { job: options.job } }, { signal })
        .catch(() => undefined);
      // While the server is away the last answer stands.
      if (read !== undefined) tasks = read.endpoints;
      await pause(options.discoveryMs, signal);
    }
  })();
  const sending = (async () => {
    const tickMs = 20;
    let owed = 0;
    let last = performance.now();
    while (!signal.aborted) {
      const now = performance.now();
      owed = Math.min(options.requestsPerSecond, owed + ((now - last) / 1000) * options.requestsPerSecond);
      last = now;
      if (tasks.length === 0) owed = 0;
      for (; owed >= 1; owed--) send();
      await pause(tickMs, signal);
    }
  })();
  return {
    byVersion,
    broken,
    async stop() {
      stopping.abort();
      await Promise.all([discovery, sending]);
      await Promise.all(pending);
      agent.destroy();
    },
  };
}
