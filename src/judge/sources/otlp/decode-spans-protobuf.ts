import type { BinaryReader } from '@bufbuild/protobuf/wire';
import { attributesOf, eachField, resourcesIn, textOf } from './decode-protobuf.ts';
import { type OtlpResourceSpans, type OtlpSpan, SpanBudget, spanAttributes, spanLimits } from './span.ts';

/** `ExportTraceServiceRequest` of opentelemetry-proto 1.x; events, links, status and other attributes are skipped. */
export function decodeSpansProtobuf(body: Uint8Array): OtlpResourceSpans[] {
  const budget = new SpanBudget();
  return resourcesIn(body, (bytes) => {
    budget.resource();
    return resourceOf(bytes, budget);
  });
}

function resourceOf(bytes: Uint8Array, budget: SpanBudget): OtlpResourceSpans {
  let attributes: Record<string, string> = {};
  const spans: OtlpSpan[] = [];
  const add = (reader: BinaryReader) => {
    budget.span();
    spans.push(spanOf(reader.bytes()));
  };
  eachField(bytes, {
    1: (reader) => {
      attributes = attributesOf(reader.bytes(), 1);
    },
    2: (reader) => eachField(reader.bytes(), { 2: add }),
  });
  return { attributes, spans };
}

function spanOf(bytes: Uint8Array): OtlpSpan {
  const span = { traceId: '', spanId: '', parentId: '', kind: 0, name: '', startUs: 0, endUs: 0 };
  const attributes: Record<string, string> = {};
  eachField(bytes, {
    1: (reader) => {
      span.traceId = hexOf(reader.bytes());
    },
    2: (reader) => {
      span.spanId = hexOf(reader.bytes());
    },
    4: (reader) => {
      span.parentId = hexOf(reader.bytes());
    },
    5: (reader) => {
      span.name = reader.string().slice(0, spanLimits.name);
    },
    6: (reader) => {
      span.kind = reader.int32();
    },
    7: (reader) => {
      span.startUs = microsecondsOf(reader.fixed64());
    },
    8: (reader) => {
      span.endUs = microsecondsOf(reader.fixed64());
    },
    9: (reader) => addWanted(attributes, reader.bytes()),
  });
  return { ...span, attributes };
}

function addWanted(attributes: Record<string, string>, bytes: Uint8Array): void {
  let key = '';
  let value: Uint8Array | undefined;
  eachField(bytes, {
    1: (reader) => {
      key = reader.string();
    },
    2: (reader) => {
      value = reader.bytes();
    },
  });
  const text = spanAttributes.has(key) && value ? textOf(value) : undefined;
  if (text !== undefined) attributes[key] = text.slice(0, spanLimits.attribute);
}

/** Ids have 8 or 16 bytes; of what is longer nothing is believed later, so it need not be kept either. */
function hexOf(bytes: Uint8Array): string {
  let text = '';
  for (let i = 0; i < Math.min(bytes.length, 17); i += 1) text += bytes[i]!.toString(16).padStart(2, '0');
  return text;
}

function microsecondsOf(nanoseconds: bigint | string): number {
  return Number(BigInt(nanoseconds) / 1000n);
}
