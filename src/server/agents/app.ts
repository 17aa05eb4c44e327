import { type Context, Hono } from 'hono';
import type { z } from 'zod';
import { maxChunkBytes, maxManifestBytes } from '../../artifact/index.ts';
import { makeId } from '../../kit/index.ts';
import { type HostId, ProblemError, type Result } from '../../model/index.ts';
import { problemOfError, problemResponse, refuse } from '../errors.ts';
import { parseBody, readBody, valueOrThrow } from './body.ts';
import type { AgentContext } from './context.ts';
import { answerHello, answerJoin } from './join.ts';
import { openOrderStream } from './order-stream.ts';
import { takeActionLog, takeOrderAck, takeReports, takeSamples, takeTail } from './reports.ts';
import * as schemas from './schemas.ts';
import { checkSignature, claimedHost, type SignedRequest } from './signature.ts';

interface Bindings {
  readonly incoming?: { readonly url?: string; readonly socket?: { readonly remoteAddress?: string | undefined } };
}
type Call = Context<{ Bindings: Bindings }>;

const megabyte = 1024 * 1024;

/** The agents' half of the server, as one function from request to response. */
export function createAgentApp(context: AgentContext): Hono<{ Bindings: Bindings }> {
  const app = new Hono<{ Bindings: Bindings }>();
  const { artifactStore } = context;

  app.post('/agent/v1/join', async (c) => {
    const body = valueOrThrow(await readBody(c.req.raw, 10_000));
    return c.json(await answerJoin(context, valueOrThrow(parseBody(body, schemas.join))));
  });

  const json = <T>(path: string, maxBytes: number, schema: z.ZodType<T>, answer: JsonHandler<T>): void => {
    app.post(path, async (c) => {
      const { host, body } = await signed(context, c, maxBytes);
      const input = valueOrThrow(parseBody(body, schema));
      return c.json((await answer(host, input, c)) ?? {});
    });
  };
  json('/agent/v1/hello', megabyte, schemas.hello, (host, hello) => answerHello(context, host, hello));
  json('/agent/v1/orders/ack', megabyte, schemas.orderAck, (host, ack) => takeOrderAck(context, host, ack));
  json('/agent/v1/reports', 16 * megabyte, schemas.reports, (host, batch) => takeReports(context, host, batch));
  json('/agent/v1/logs/:run', 4 * megabyte, schemas.logChunk, (host, chunk, c) =>
    takeActionLog(context, host, parameter(c, 'run'), chunk),
  );
  json('/agent/v1/tails/:request', 16 * megabyte, schemas.tailAnswer, (host, answer, c) =>
    takeTail(context, host, parameter(c, 'request'), answer),
  );
  json('/agent/v1/chunks/missing', 16 * megabyte, schemas.digests, async (_host, { digests }) => {
    return { digests: valueOrThrow(await artifactStore.missingChunks(digests)) };
  });

  app.post('/agent/v1/samples', async (c) => {
    const { host, body } = await signed(context, c, 4 * megabyte);
    return c.json(await takeSamples(context, host, body, c.req.header('content-encoding')));
  });
  app.get('/agent/v1/orders', async (c) => {
    const { host } = await signed(context, c, 0);
    const headers = { 'content-type': 'application/x-ndjson', 'cache-control': 'no-store' };
    const stream = openOrderStream(context.book, host, context.clock);
    // What could not be delivered while the agent was away need not wait for its next try.
    await context.engine.hasten(`agent/${host}`);
    return new Response(stream, { headers });
  });

  const bytes = (kind: 'packages' | 'chunks', maxBytes: number, io: BlobIo): void => {
    app.get(`/agent/v1/${kind}/:digest`, async (c) => {
      const { host } = await signed(context, c, 0);
      const digest = digestOf(c);
      const content = valueOrThrow(await io.fetch(digest));
      if (kind === 'packages') context.held.add(host, [digest]);
      const headers = { 'content-type': 'application/octet-stream' };
      return new Response(new Uint8Array(content), { headers });
    });
    app.post(`/agent/v1/${kind}/:digest`, async (c) => {
      const { host, body } = await signed(context, c, maxBytes);
      const digest = digestOf(c);
      valueOrThrow(await io.put(digest, body));
      if (kind === 'packages') context.held.add(host, [digest]);
      return c.json({});
    });
  };
  bytes('packages', maxManifestBytes, { fetch: artifactStore.fetchManifest, put: artifactStore.putManifest });
  bytes('chunks', maxChunkBytes, { fetch: artifactStore.fetchChunk, put: artifactStore.putChunk });

  app.notFound((c) => refuse('api/not-found', `Nothing answers at ${c.req.method} ${c.req.path.slice(0, 200)}.`));
  app.onError((error, c) => answerError(context, error, c));
  return app;
}

type JsonHandler<T> = (host: HostId, input: T, c: Call) => Promise<object | undefined>;

interface BlobIo {
  readonly fetch: (digest: string) => Promise<Result<Uint8Array>>;
  readonly put: (digest: string, content: Uint8Array) => Promise<Result<void>>;
}

/** The body of a request that the host's own agent signed; anything else ends here. */
async function signed(
  context: AgentContext,
  c: Call,
  maxBytes: number,
): Promise<{ readonly host: HostId; readonly body: Uint8Array }> {
  const request: SignedRequest = {
    method: c.req.method,
    path: c.env.incoming?.url ?? c.req.path,
    header: (name) => c.req.header(name),
  };
  const host = claimedHost(request);
  if (host === undefined) refuse('agent/bad-signature', 'The request names no host.');
  const key = await context.agents.findKey(host);
  if (key === undefined) refuse('agent/bad-signature', `No agent joined as ${host}.`, { host });
  const body = valueOrThrow(await readBody(c.req.raw, maxBytes));
  const checked = checkSignature(request, body, key, context.clock.nowMs());
  if (checked.ok) return { host, body };
  context.agents.forget(host);
  throw new ProblemError({ ...checked.error, facts: { ...checked.error.facts, host } });
}

async function answerError(context: AgentContext, error: unknown, c: Call): Promise<Response> {
  const { problem: given, isOurs } = problemOfError(error);
  const instance = makeId('req', context.clock.nowMs(), context.chance);
  // Who spoke for another host has an event of its own.
  if ([401, 403].includes(given.status) && given.code !== 'agent/foreign-host') {
    const { status, code } = given;
    const source = c.env?.incoming?.socket?.remoteAddress ?? 'unknown';
    const { method, path } = c.req;
    await context.refusals.record({ method, path, status, code, requestId: instance, source, actor: undefined });
  }
  if (isOurs) context.log.error('a request of an agent failed', error, { instance, code: given.code });
  return problemResponse(given, instance);
}

function digestOf(c: Call): string {
  const digest = parameter(c, 'digest');
  if (!/^[0-9a-f]{64}$/.test(digest)) refuse('api/bad-request', 'A digest is 64 hex digits.');
  return digest;
}

function parameter(c: Call, name: string): string {
  return c.req.param(name) ?? '';
}
