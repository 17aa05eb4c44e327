import { type Problem, ProblemError, problem } from '../model/index.ts';
import { pathOf, queryOf } from './address.ts';
import type { InputOf, OutputOf, Route } from './route.ts';
import { type RouteName, type Routes, routes } from './routes.ts';
import { problemDocument } from './shapes/basics.ts';

export interface CallOptions {
  readonly signal?: AbortSignal;
  /** Makes a repetition harmless; for routes marked idempotent. */
  readonly idempotencyKey?: string;
  /** The `etag` of the resource as it was read. */
  readonly ifMatch?: string;
}

export interface ClientOptions {
  /** `http://127.0.0.1:7070`; empty in a browser: the page's own origin. */
  readonly baseUrl: string;
  /** Absent in a browser, where the session cookie speaks. */
  readonly token?: string;
  /** How requests travel: `fetch` of the platform, or the server's own in tests. */
  readonly fetch: (url: string, init: RequestInit) => Promise<Response>;
}

type Call<R> =
  Record<never, never> extends InputOf<R>
    ? (input?: InputOf<R>, options?: CallOptions) => Promise<OutputOf<R>>
    : (input: InputOf<R>, options?: CallOptions) => Promise<OutputOf<R>>;

/** One function per route: `await client.getRollout({ params: { rollout } })`. Streams are opened by `openLive`. */
export type Client = { readonly [K in Exclude<RouteName, 'live'>]: Call<Routes[K]> };

/**
 * A typed client of the whole API. Answers that are problems are thrown as `ProblemError`; a server that cannot be
 * reached too (`api/unavailable`).
 */
export function createClient(options: ClientOptions): Client {
  const entries = Object.entries(routes)
    .filter(([name]) => name !== 'live')
    .map(([name, row]) => [
      name,
      (input?: AnyInput, call?: CallOptions) => send(options, row, input ?? {}, call ?? {}),
    ]);
  return Object.fromEntries(entries) as Client;
}

interface AnyInput {
  readonly params?: Readonly<Record<string, unknown>>;
  readonly query?: Readonly<Record<string, unknown>>;
  readonly body?: unknown;
  readonly bytes?: Uint8Array;
}

async function send(options: ClientOptions, row: Route, input: AnyInput, call: CallOptions): Promise<unknown> {
  const url = options.baseUrl.replace(/\/$/, '') + pathOf(row.path, input.params ?? {}) + queryOf(input.query ?? {});
  const headers: Record<string, string> = { accept: 'application/json' };
  if (options.token !== undefined) headers.authorization = `Bearer ${options.token}`;
  if (call.idempotencyKey !== undefined) headers['idempotency-key'] = call.idempotencyKey;
  if (call.ifMatch !== undefined) headers['if-match'] = `"${call.ifMatch}"`;
  let body: string | Uint8Array<ArrayBuffer> | undefined;
  if (input.bytes !== undefined) {
    headers['content-type'] = 'application/octet-stream';
    body = input.bytes as Uint8Array<ArrayBuffer>;
  } else if (row.body !== undefined) {
    headers['content-type'] = 'application/json';
    body = JSON.stringify(input.body ?? {});
  }
  let response: Response;
  try {
    response = await options.fetch(url, {
      method: row.method,
      headers,
      ...(body === undefined ? {} : { body }),
      ...(call.signal === undefined ? {} : { signal: call.signal }),
    });
  } catch (cause) {
    if (call.signal?.aborted) throw cause;
    const where = options.baseUrl === '' ? 'the server' : options.baseUrl;
    throw new ProblemError(problem('api/unavailable', `${where} does not answer`, { url: options.baseUrl }), { cause });
  }
  if (!response.ok) throw new ProblemError(await problemOf(response));
  if (response.status === 204 || row.response === undefined) return undefined;
  try {
    return await response.json();
  } catch (cause) {
    if (call.signal?.aborted) throw cause;
    // It broke off in the middle of its answer.
    const detail = `${options.baseUrl} broke off its answer`;
    throw new ProblemError(problem('api/unavailable', detail, { url: options.baseUrl }), { cause });
  }
}

/** The problem in an answer; one is made up when the answer is none of ours (a proxy in between, say). */
export async function problemOf(response: Response): Promise<Problem> {
  const text = await response.text();
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    json = undefined;
  }
  const parsed = problemDocument.safeParse(json);
  if (!parsed.success)
    return problem('api/unavailable', `the server answered ${response.status}`, { status: response.status });
  const { code, status, title, detail, remedy, facts, instance } = parsed.data;
  return { code, status, title, detail, remedy, facts: { ...facts, instance } };
}
