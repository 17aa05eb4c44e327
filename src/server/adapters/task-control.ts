import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { z } from 'zod';
import {
  type CallController,
  type CallResult,
  type ControlCall,
  leaderLast,
  leaderReading,
  loadAware,
  loadReading,
  type ServiceEndpoint,
  shardAware,
  shardReading,
} from '../../disruption/index.ts';
import { callTaskController, fetchJson } from '../../io/index.ts';
import type { LoadMetric } from '../../judge/index.ts';
import { type JobId, partsOfJob, type TaskControlSpec } from '../../model/index.ts';

/** Of each task whose samples tell it, as a share of what a task can bear. */
export type ReadLoads = (job: JobId, metric: LoadMetric) => readonly number[];

/** A secret is a token, not a file of its own. */
const mostSecretBytes = 8192;

/**
 * Calls the controller of a job: over HTTP, or one that Rollway brings along, with what it reads from the service.
 * Secrets of headers lie in `<data folder>/secrets/<service>/`; a configuration names a file there and nothing else,
 * because whoever may change it may not read the server's disk.
 */
export function controllerCaller(dataFolder: string, loads: ReadLoads): CallController {
  return async (call, signal) => {
    const { control } = call;
    // From samples that are here already: nobody is asked, so nobody can be silent.
    if (control.kind === 'load-metric') {
      return { ok: true, reply: loadAware(call.request, loads(call.job, control), control) };
    }
    if (control.kind !== 'http') return askBuiltIn(call, control, signal);
    const secrets = join(dataFolder, 'secrets', partsOfJob(call.job).service);
    const headers = await readHeaders(secrets, control.secretHeaders);
    if (!headers.ok) return headers;
    const target = { url: control.url, timeoutMs: control.timeoutMs, headers: headers.value };
    return callTaskController(target, call.request, signal);
  };
}

async function readHeaders(
  folder: string,
  named: Readonly<Record<string, string>>,
): Promise<
  { readonly ok: true; readonly value: Record<string, string> } | { readonly ok: false; readonly failure: string }
> {
  const value: Record<string, string> = {};
  for (const [header, file] of Object.entries(named)) {
    const content = await readFile(join(folder, file)).catch(() => undefined);
    if (content === undefined) return { ok: false, failure: `the server cannot read the secret ${file} for ${header}` };
    if (content.byteLength > mostSecretBytes) return { ok: false, failure: `the secret ${file} is too large` };
    value[header] = content.toString('utf8').trim();
  }
  return { ok: true, value };
}

async function askBuiltIn(
  { request, endpoints }: ControlCall,
  control: Exclude<TaskControlSpec, { kind: 'http' | 'load-metric' }>,
  signal: AbortSignal,
): Promise<CallResult> {
  if (endpoints.length === 0) return { ok: false, failure: `no task serves on the port ${control.port} to be asked` };
  const ask = <T>(schema: z.ZodType<T>, from: readonly ServiceEndpoint[]) => readFrom(schema, from, control, signal);
  switch (control.kind) {
    case 'leader-last': {
      const heard = await ask(leaderReading, endpoints);
      if (!heard.ok) return heard;
      return {
        ok: true,
        reply: leaderLast(
          request,
          heard.value.map(({ index, said }) => ({ index, ...said })),
        ),
      };
    }
    case 'shard-aware': {
      const heard = await firstOf(endpoints.slice(0, 3), (one) => ask(shardReading, [one]));
      if (!heard.ok) return heard;
      return { ok: true, reply: shardAware(request, heard.value[0]!.said.shards, control) };
    }
    case 'load-aware': {
      const heard = await ask(loadReading, endpoints);
      if (!heard.ok) return heard;
      return {
        ok: true,
        reply: loadAware(
          request,
          heard.value.map(({ said }) => said.load),
          control,
        ),
      };
    }
  }
}

interface Heard<T> {
  readonly index: number;
  readonly said: T;
}
type Reading<T> =
  | { readonly ok: true; readonly value: readonly Heard<T>[] }
  | { readonly ok: false; readonly failure: string };

/** Asks these tasks all together; fails when none of them answers as it should. */
async function readFrom<T>(
  schema: z.ZodType<T>,
  from: readonly ServiceEndpoint[],
  { path, timeoutMs }: { readonly path: string; readonly timeoutMs: number },
  signal: AbortSignal,
): Promise<Reading<T>> {
  const answers = await Promise.all(
    from.map(async ({ index, address, port }) => {
      const target = { url: `http://${hostOf(address)}:${port}${path}`, timeoutMs, headers: {} };
      const answer = await fetchJson(target, { method: 'GET' }, signal);
      if (!answer.ok) return { index, failure: answer.failure };
      const said = schema.safeParse(answer.value);
      return said.success ? { index, said: said.data } : { index, failure: `${path} does not answer as expected` };
    }),
  );
  const heard = answers.flatMap(({ index, said }) => (said === undefined ? [] : [{ index, said }]));
  if (heard.length > 0) return { ok: true, value: heard };
  const [first] = answers;
  return {
    ok: false,
    failure: `none of ${from.length} tasks told what is needed; task ${first?.index}: ${first?.failure}`,
  };
}

async function firstOf<T>(
  endpoints: readonly ServiceEndpoint[],
  ask: (one: ServiceEndpoint) => Promise<Reading<T>>,
): Promise<Reading<T>> {
  let last: Reading<T> = { ok: false, failure: 'nobody was asked' };
  for (const endpoint of endpoints) {
    last = await ask(endpoint);
    if (last.ok) return last;
  }
  return last;
}

function hostOf(address: string): string {
  return address.includes(':') ? `[${address}]` : address;
}
