import type { Role, Route, RouteName } from '../api/index.ts';
import { sha256 } from '../kit/index.ts';
import type { Actor } from '../model/index.ts';
import { type Answer, answerOnce } from './answers.ts';
import { audit } from './audit.ts';
import type { Identity } from './auth/auth.ts';
import { sessionCookie } from './auth/cookie.ts';
import { mayAct } from './auth/may.ts';
import type { Call, ServerContext } from './context.ts';
import { problemOfError, refuse } from './errors.ts';
import type { HttpParts } from './http.ts';
import { type ParsedRequest, parseRequest } from './parse.ts';

/** What is known of a request while it is answered. */
export interface Trace {
  readonly requestId: string;
  /** Who it is, once that is known. */
  actor: Actor | undefined;
  /** Its outcome is an event already. */
  isAudited: boolean;
}

/** Refuses whoever is unknown, or known without the role. */
export function authorise(identity: Identity | undefined, needed: Role): Identity {
  if (!identity) return refuse('auth/unauthenticated', 'The request has no valid token or session.');
  if (!mayAct(identity.role, needed)) {
    refuse('auth/forbidden', `This needs the role ${needed}; ${describe(identity)} has ${identity.role}.`, { needed });
  }
  return identity;
}

/** One request to one row of the table: who, what, then the handler. */
export async function answerRoute(
  context: ServerContext,
  parts: HttpParts,
  name: RouteName,
  row: Route,
  request: Request,
  params: Readonly<Record<string, string>>,
  trace: Trace,
): Promise<Response> {
  const { requestId } = trace;
  if (name === 'signIn') return signIn(context, row, request, requestId);
  const known = await context.auth.identify(request.headers);
  trace.actor = known?.actor;
  const identity = authorise(known, row.role);
  const input = await parseRequest(row, request, params);
  const call: Call = {
    identity,
    actor: identity.actor,
    requestId,
    signal: request.signal,
    ifMatch: unquote(request.headers.get('if-match')),
    answer: new Headers(),
    origin: originOf(request),
  };
  if (name === 'live') {
    const { topics } = input.query as { topics: string[] };
    return parts.openLive(topics, lastEventIdOf(request), call);
  }
  const handler = parts.handlers[name] as (input: ParsedRequest, call: Call) => Promise<unknown>;
  const run = async (): Promise<Answer> => {
    const body = await handler(input, call);
    return { status: row.status ?? 200, body: row.response ? JSON.stringify(body) : undefined };
  };
  if (row.method === 'GET') return read(await run(), request, call);
  return change(context, name, row, request, input, call, run, trace);
}

/** A reader that has the answer already (`If-None-Match`) is told so. */
function read(answer: Answer, request: Request, call: Call): Response {
  const etag = `W/"${sha256(answer.body ?? '').slice(0, 24)}"`;
  call.answer.set('etag', etag);
  call.answer.set('cache-control', 'private, no-cache');
  if (request.headers.get('if-none-match') === etag) return new Response(null, { status: 304, headers: call.answer });
  return respond(answer, call.answer);
}

/** A change is done at most once per key, and whatever comes of it is in the audit. */
async function change(
  context: ServerContext,
  name: RouteName,
  row: Route,
  request: Request,
  input: ParsedRequest,
  call: Call,
  run: () => Promise<Answer>,
  trace: Trace,
): Promise<Response> {
  const key = request.headers.get('idempotency-key');
  if (key !== null && key.length > 200) refuse('api/bad-request', 'Idempotency-Key: at most 200 characters');
  const subject = { name, params: input.params ?? {}, query: input.query ?? {}, body: input.body ?? null };
  const { store, clock } = context;
  try {
    const answer =
      key !== null && row.idempotent
        ? await answerOnce(store, { token: call.identity.token, key, subject }, clock.nowMs(), run)
        : await run();
    await audit(context, name, input, call, answer.status);
    call.answer.set('cache-control', 'no-store');
    return respond(answer, call.answer);
  } catch (error) {
    await audit(context, name, input, call, problemOfError(error).problem.status);
    trace.isAudited = true;
    throw error;
  }
}

/** The one route without a known caller: a code becomes a cookie. */
async function signIn(context: ServerContext, row: Route, request: Request, requestId: string): Promise<Response> {
  const { body } = await parseRequest(row, request, {});
  const { identity, secret, maxAgeMs } = await context.auth.signIn((body as { code: string }).code);
  const answer = new Headers({ 'cache-control': 'no-store' });
  answer.set('set-cookie', sessionCookie(context.auth.cookieName, secret, maxAgeMs));
  const { signal } = request;
  const call: Call = { identity, actor: identity.actor, requestId, signal, ifMatch: undefined, answer, origin: '' };
  await audit(context, 'signIn', {}, call, 201);
  const person = { name: describe(identity), role: identity.role, expiresAtMs: identity.expiresAtMs ?? null };
  return respond({ status: 201, body: JSON.stringify(person) }, answer);
}

function respond(answer: Answer, headers: Headers): Response {
  if (answer.body === undefined || answer.status === 204) return new Response(null, { status: 204, headers });
  headers.set('content-type', 'application/json');
  return new Response(answer.body, { status: answer.status, headers });
}

function describe(identity: Identity): string {
  return identity.actor.kind === 'person' ? identity.actor.name : identity.actor.kind;
}

function unquote(tag: string | null): string | undefined {
  return tag === null ? undefined : tag.replace(/^(W\/)?"(.*)"$/, '$2');
}

/** The browser's own resumption; a number that is none is as good as none. */
function lastEventIdOf(request: Request): number | undefined {
  const id = Number(request.headers.get('last-event-id') ?? Number.NaN);
  return Number.isSafeInteger(id) && id >= 0 ? id : undefined;
}

function originOf(request: Request): string {
  return `http://${request.headers.get('host') ?? ''}`;
}
