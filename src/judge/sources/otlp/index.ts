/** OTLP/HTTP: metrics and spans as protobuf and JSON in, points of tasks and plain spans out. Nothing here touches the network. */
import { BinaryWriter, WireType } from '@bufbuild/protobuf/wire';
import { decodeJson } from './decode-json.ts';
import { decodeProtobuf } from './decode-protobuf.ts';
import { decodeSpansJson } from './decode-spans-json.ts';
import { decodeSpansProtobuf } from './decode-spans-protobuf.ts';
import type { OtlpResource } from './request.ts';
import type { OtlpResourceSpans } from './span.ts';

export { OtlpError } from './request.ts';
export { type OtlpResourceSpans, type OtlpSpan, spanKinds } from './span.ts';
export { meantBy, type NotRead, toPoints } from './to-points.ts';

export type OtlpEncoding = 'protobuf' | 'json';

/** By the content type of a request; undefined: none of OTLP/HTTP. */
export function otlpEncodingOf(contentType: string | null): OtlpEncoding | undefined {
  const type = contentType?.split(';', 1)[0]?.trim().toLowerCase();
  if (type === 'application/x-protobuf') return 'protobuf';
  return type === 'application/json' ? 'json' : undefined;
}

/** Throws an `OtlpError` for what cannot be read. */
export function decodeOtlp(body: Uint8Array, encoding: OtlpEncoding): OtlpResource[] {
  return encoding === 'protobuf' ? decodeProtobuf(body) : decodeJson(new TextDecoder().decode(body));
}

/** The same of spans. */
export function decodeOtlpSpans(body: Uint8Array, encoding: OtlpEncoding): OtlpResourceSpans[] {
  return encoding === 'protobuf' ? decodeSpansProtobuf(body) : decodeSpansJson(new TextDecoder().decode(body));
}

/** What is handed in, by the last part of its path. */
export type OtlpSignal = 'metrics' | 'traces';
const rejectedFields = { metrics: 'rejectedDataPoints', traces: 'rejectedSpans' } as const;

/** `ExportMetricsServiceResponse`, `ExportTraceServiceResponse`: how many points or spans were refused, and why. */
export function encodeOtlpAnswer(
  { rejected, message }: { readonly rejected: number; readonly message: string },
  encoding: OtlpEncoding,
  signal: OtlpSignal = 'metrics',
): Uint8Array<ArrayBuffer> {
  const isPartial = rejected > 0 || message !== '';
  if (encoding === 'json') {
    const partialSuccess = { [rejectedFields[signal]]: String(rejected), errorMessage: message };
    return new TextEncoder().encode(JSON.stringify(isPartial ? { partialSuccess } : {}));
  }
  if (!isPartial) return new Uint8Array();
  const partial = new BinaryWriter();
  partial.tag(1, WireType.Varint).int64(rejected);
  partial.tag(2, WireType.LengthDelimited).string(message);
  return new BinaryWriter().tag(1, WireType.LengthDelimited).bytes(partial.finish()).finish();
}
