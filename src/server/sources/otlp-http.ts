import { gunzipSync } from 'node:zlib';
import {
  decodeOtlp,
  decodeOtlpSpans,
  encodeOtlpAnswer,
  meantBy,
  type OtlpEncoding,
  OtlpError,
  type OtlpSignal,
  otlpEncodingOf,
  toPoints,
} from '../../judge/sources/otlp/index.ts';
import { authorise } from '../answer-route.ts';
import { readBytes } from '../body.ts';
import type { ServerContext } from '../context.ts';
import { refuse } from '../errors.ts';
import type { Sources } from './collect.ts';
import { mayPushFor, taskOfScope } from './may-push.ts';

const maxBytes = 4 * 1024 * 1024;
const maxUnpackedBytes = 16 * 1024 * 1024;

/**
 * `POST /otlp/v1/metrics` and `/otlp/v1/traces`: OTLP/HTTP as the specification has it, protobuf or JSON, gzip or plain. What is refused of
 * a readable body is a partial success. Not in the table of routes: neither side of it speaks our JSON.
 */
export async function answerOtlp(
  context: Pick<ServerContext, 'auth' | 'clock'>,
  sources: Sources,
  request: Request,
  signal: OtlpSignal,
): Promise<Response> {
  const { scope } = authorise(await context.auth.identify(request.headers), 'push');
  const contentType = request.headers.get('content-type');
  const encoding = otlpEncodingOf(contentType);
  if (!encoding) {
    const facts = { contentType: contentType?.slice(0, 100) ?? null };
    return refuse('api/bad-request', 'OTLP/HTTP comes as application/x-protobuf or application/json.', facts);
  }
  const body = unpack(await readBytes(request, maxBytes), request.headers.get('content-encoding'));
  await sources.refreshBook();
  try {
    const take = signal === 'traces' ? takeSpans : takeMetrics;
    const answer = encodeOtlpAnswer(take(body, encoding, sources, scope, context.clock.nowMs()), encoding, signal);
    return new Response(answer, {
      status: 200,
      headers: { 'content-type': contentType!, 'cache-control': 'no-store' },
    });
  } catch (error) {
    if (error instanceof OtlpError) refuse('api/bad-request', `${error.message}.`);
    throw error;
  }
}

interface Rejected {
  readonly rejected: number;
  readonly message: string;
}
type Take = (
  body: Uint8Array,
  encoding: OtlpEncoding,
  sources: Sources,
  scope: string | undefined,
  nowMs: number,
) => Rejected;

const takeMetrics: Take = (body, encoding, { push }, scope, nowMs) => {
  const { tasks, notRead } = toPoints(decodeOtlp(body, encoding), taskOfScope(scope));
  const taken = push.take(tasks, nowMs, mayPushFor(scope));
  const rejected = taken.refused + notRead.reduce((sum, { points }) => sum + points, 0);
  const reasons = [...new Set([...notRead.map(({ why }) => why), ...taken.reasons])].slice(0, 5);
  return { rejected, message: reasons.join(' ') };
};

const takeSpans: Take = (body, encoding, sources, scope, nowMs) => {
  const given = decodeOtlpSpans(body, encoding).map(({ attributes, spans }) => {
    return { meant: meantBy(attributes) ?? taskOfScope(scope), spans };
  });
  const { refused, reasons } = sources.spans.take(given, nowMs, mayPushFor(scope));
  return { rejected: refused, message: reasons.join(' ') };
};

function unpack(body: Uint8Array, encoding: string | null): Uint8Array {
  if (encoding === null || encoding === 'identity') return body;
  if (encoding !== 'gzip') refuse('api/bad-request', 'Bodies may be packed with gzip only.', {});
  try {
    return gunzipSync(body, { maxOutputLength: maxUnpackedBytes });
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ERR_BUFFER_TOO_LARGE') {
      refuse('api/too-large', `At most ${maxUnpackedBytes} bytes unpacked are taken here.`, {});
    }
    return refuse('api/bad-request', 'The body is not gzip.');
  }
}
