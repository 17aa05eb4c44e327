import { realChance, realClock } from '../../io/index.ts';
import type { JobId } from '../../model/index.ts';
import { type GlobalFlags, openSession, outputOf } from '../session.ts';
import { tetherSignal } from '../tether.ts';

interface Flags extends GlobalFlags {
  readonly job: string;
  readonly listen: string;
  readonly taskPort: string;
  readonly tether?: boolean;
}

/** Runs a reverse proxy to a job's tasks until SIGTERM or Ctrl-C; it keeps its last list when the server is gone. */
export async function run(_args: readonly string[], flags: Flags, interrupted: AbortSignal) {
  const signal = flags.tether === true ? AbortSignal.any([interrupted, tetherSignal()]) : interrupted;
  const { runProxy } = await import('../../proxy/index.ts');
  const { client } = await openSession(flags, signal);
  const out = outputOf(flags);
  const { host, port } = readListen(flags.listen);
  await runProxy(
    {
      routes: [{ job: flags.job, host, port, portName: flags.taskPort }],
      read: (job, revision, waitMs, whileOpen) =>
        client.listEndpoints(
          { params: { job: job as JobId }, query: { waitMs, ...(revision === undefined ? {} : { revision }) } },
          { signal: whileOpen },
        ),
      clock: realClock,
      chance: realChance,
      onListening: ({ routes }) => {
        for (const route of routes) out.line(`${route.job} answers on http://${route.host}:${route.port}`);
      },
      onNews: (job, news) => {
        if ('error' in news) out.line(`the server does not answer; ${job} goes on with the last list`);
      },
    },
    signal,
  );
  return undefined;
}

/** `127.0.0.1:8080`, `[::1]:8080`, `:8080` or `8080`. */
export function readListen(text: string): { host: string; port: number } {
  const match = /^(?:(.*):)?(\d+)$/.exec(text);
  const host = (match?.[1] ?? '').replace(/^\[|\]$/g, '');
  return { host: host === '' ? '127.0.0.1' : host, port: Number(match?.[2] ?? 8080) };
}
