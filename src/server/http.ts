import { Hono } from 'hono';
import { openApiDocument, type Route, type RouteName, routes } from '../api/index.ts';
import { makeId } from '../kit/index.ts';
import type { Problem } from '../model/index.ts';
import { answerRoute, authorise } from './answer-route.ts';
import type { Call, Handlers, ServerContext } from './context.ts';
import { problemOfError, problemResponse, refuse } from './errors.ts';
import { withHeaders } from './headers.ts';
import { checkOrigin } from './origin.ts';
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
  /** Told of every answer. */
  readonly onAnswer: (method: string, status: number, tookMs: number) => void;
}

/** The whole HTTP face as one function from request to response; needs no socket. */
export type Fetch = (request: Request) => Promise<Response>;

type Bindings = { requestId: string };

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
  for (const [name, row] of Object.entries(routes) as [RouteName, Route][]) {
    app.on(row.method, row.path, (c) =>
      answerRoute(context, parts, name, row, c.req.raw, c.req.param(), c.env.requestId),
    );
  }
  app.notFound((c) => parts.files.answer(c.req.raw) ?? refuseUnknown(c.req.method, c.req.path));
  app.onError((error) => {
    throw error;
  });

  return async (request) => {
    const beganMs = context.clock.nowMs();
    const requestId = makeId('req', beganMs, context.chance);
    let response: Response;
    try {
      checkOrigin(request.headers, parts.isOwnHost);
      response = await app.fetch(request, { requestId });
    } catch (error) {
      const { problem: given, isOurs } = problemOfError(error);
      if (isOurs) context.log.error('a request failed', error, { requestId, ...summaryOf(request, given) });
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

function summaryOf(request: Request, given: Problem): Record<string, unknown> {
  return { method: request.method, path: new URL(request.url).pathname, code: given.code };
}
