import { Hono } from 'hono';
import { openApiDocument, type Route, type RouteName, routes } from '../api/index.ts';
import { makeId } from '../kit/index.ts';
import { actorName, type Problem } from '../model/index.ts';
import { answerRoute, authorise, type Trace } from './answer-route.ts';
import type { Call, Handlers, ServerContext } from './context.ts';
import { problemOfError, problemResponse, refuse } from './errors.ts';
import { withHeaders } from './headers.ts';
import { checkOrigin } from './origin.ts';
import type { Refusal } from './refusals.ts';
import type { Sources } from './sources/collect.ts';
import { answerOtlp } from './sources/otlp-http.ts';
import type { StaticFiles } from './static.ts';

/** What the HTTP face is made of. */
export interface HttpParts {
  readonly handlers: Handlers;
  /** Whether a `Host` header names us. */
  readonly isOwnHost: (host: string) => boolean;
  readonly files: StaticFiles;
  /** Opens a live stream. */
  readonly openLive: (topics: readonly string[], lastEventId: number | undefined, call: Call) => Response;
  readonly isReady: () => boolean;
  /** Prometheus text about the server itself. */
  readonly metrics: () => Promise<string>;
  readonly sources: Sources;
  /** Told of every answer. */
  readonly onAnswer: (method: string, status: number, tookMs: number) => void;
  /** Told of every request that would have changed something and did not reach its handler. */
  readonly onRefusal: (refusal: Refusal) => Promise<void>;
}

/** What the socket's side knows of a request; absent in tests that need no socket. */
export interface Peer {
  readonly incoming?: { readonly socket?: { readonly remoteAddress?: string | undefined } };
}

/** The whole HTTP face as one function from request to response; needs no socket. */
export type Fetch = (request: Request, peer?: Peer) => Promise<Response>;

type Bindings = { trace: Trace };
const readingMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS']);

export function createHttp(context: ServerContext, parts: HttpParts): Fetch {
  const app = new Hono<{ Bindings: Bindings }>();
  const document = JSON.stringify(openApiDocument(context.settings.version, context.auth.cookieName));
  app.get('/healthz', (c) => c.text('ok\n'));
  app.get('/readyz', (c) => (parts.isReady() ? c.text('ready\n') : c.text('starting or stopping\n', 503)));
  app.get('/api/openapi.json', (c) => c.body(document, 200, { 'content-type': 'application/json' }));
  app.get('/metrics', async (c) => {
    authorise(await context.auth.identify(c.req.raw.headers), 'viewer');
    return c.body(await parts.metrics(), 200, { 'content-type': 'text/plain; version=0.0.4; charset=utf-8' });
  });
  for (const signal of ['metrics', 'traces'] as const) {
    app.post(`/otlp/v1/${signal}`, (c) => answerOtlp(context, parts.sources, c.req.raw, signal));
  }
  for (const [name, row] of Object.entries(routes) as [RouteName, Route][]) {
    app.on(row.method, row.path, (c) => answerRoute(context, parts, name, row, c.req.raw, c.req.param(), c.env.trace));
  }
  app.notFound((c) => parts.files.answer(c.req.raw) ?? refuseUnknown(c.req.method, c.req.path));
  app.onError((error) => {
    throw error;
  });

  return async (request, peer) => {
    const beganMs = context.clock.nowMs();
    const requestId = makeId('req', beganMs, context.chance);
    const trace: Trace = { requestId, actor: undefined, isAudited: false };
    let response: Response;
    try {
      checkOrigin(request.headers, parts.isOwnHost);
      response = await app.fetch(request, { trace });
    } catch (error) {
      const { problem: given, isOurs } = problemOfError(error);
      if (isOurs) context.log.error('a request failed', error, { requestId, ...summaryOf(request, given) });
      if (!isOurs && !trace.isAudited && !readingMethods.has(request.method)) {
        await parts.onRefusal(refusalOf(request, given, trace, peer));
      }
      response = problemResponse(given, requestId);
    }
    parts.onAnswer(request.method, response.status, context.clock.nowMs() - beganMs);
    return withHeaders(response, requestId);
  };
}

/** Another method of a known address, or nothing of ours at all. */
function refuseUnknown(method: string, path: string): never {
  const others = (Object.values(routes) as Route[]).filter((row) => matches(row.path, path)).map((row) => row.method);
  if (others.length > 0) {
    refuse('api/method-not-allowed', `This address takes ${others.join(', ')}, not ${method}.`, { allowed: others });
  }
  return refuse('api/not-found', `Nothing answers at ${path.slice(0, 200)}.`);
}

function matches(pattern: string, path: string): boolean {
  const parts = path.split('/');
  const wanted = pattern.split('/');
  return parts.length === wanted.length && wanted.every((part, i) => part.startsWith(':') || part === parts[i]);
}

function refusalOf(request: Request, given: Problem, { requestId, actor }: Trace, peer: Peer | undefined): Refusal {
  const { method } = request;
  const path = new URL(request.url).pathname;
  const source = actor ? actorName(actor) : (peer?.incoming?.socket?.remoteAddress ?? 'unknown');
  return { method, path, status: given.status, code: given.code, requestId, source, actor };
}

function summaryOf(request: Request, given: Problem): Record<string, unknown> {
  return { method: request.method, path: new URL(request.url).pathname, code: given.code };
}
