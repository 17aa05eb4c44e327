import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import { context, type Span, SpanKind, type Tracer, trace } from '@opentelemetry/api';
import { OTLPTraceExporter as JsonExporter } from '@opentelemetry/exporter-trace-otlp-http';
import { OTLPTraceExporter as ProtobufExporter } from '@opentelemetry/exporter-trace-otlp-proto';
import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  BatchSpanProcessor,
  InMemorySpanExporter,
  type ReadableSpan,
  SimpleSpanProcessor,
  TraceIdRatioBasedSampler,
  TracerProvider,
} from '@opentelemetry/sdk-trace';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Sample } from '../../../model/index.ts';
import { TaskBook } from '../../index.ts';
import { type SpanSource, spanSource } from '../spans/index.ts';
import { decodeOtlpSpans, encodeOtlpAnswer, meantBy, OtlpError, otlpEncodingOf } from './index.ts';

const job = 'shop@production';
const resource = resourceFromAttributes({ 'rollway.job': job, 'rollway.index': 3, 'rollway.incarnation': 2 });

describe('ML-13 the real SDK hands in traces', () => {
  let close: () => Promise<void>;
  let url: string;
  let source: SpanSource;
  const troubles: string[] = [];

  beforeEach(async () => {
    troubles.length = 0;
    const book = new TaskBook();
    source = spanSource({ book, binMs: 1000 });
    const nowMs = Date.now();
    book.refresh(
      [
        {
          ...{ job, index: 3, incarnation: 2, version: 'v_b', state: 'serving', labels: {} },
          ...{ servingSinceMs: nowMs - 3_600_000, addresses: [] },
        },
      ],
      nowMs,
    );
    const server = createServer(async (request, response) => {
      const chunks: Buffer[] = [];
      for await (const chunk of request) chunks.push(chunk as Buffer);
      const whole = Buffer.concat(chunks);
      const body = request.headers['content-encoding'] === 'gzip' ? gunzipSync(whole) : whole;
      const encoding = otlpEncodingOf(request.headers['content-type'] ?? null)!;
      const given = decodeOtlpSpans(body, encoding).map(({ attributes, spans }) => ({
        meant: meantBy(attributes),
        spans,
      }));
      const { refused, reasons } = source.take(given, Date.now(), () => true);
      troubles.push(...reasons);
      response.setHeader('content-type', request.headers['content-type']!);
      response.end(encodeOtlpAnswer({ rejected: refused, message: reasons.join(' ') }, encoding, 'traces'));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/traces`;
    close = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
  });
  afterEach(async () => await close());

  const collected = async () => {
    // By then the others of a request have come, or never will.
    const { samples, findings } = await source.collect(Date.now() + 5000, AbortSignal.timeout(1000));
    troubles.push(...findings.map(({ sentence }) => sentence));
    return samples;
  };

  test.for([
    ['protobuf', 'gzip'],
    ['protobuf', 'none'],
    ['json', 'gzip'],
    ['json', 'none'],
  ] as const)('%s, compression %s: the time of each part is what arrives', async ([encoding, compression]) => {
    const Exporter = encoding === 'protobuf' ? ProtobufExporter : JsonExporter;
    // The SDK's own type of this choice is an enumeration of the same words.
    const exporter = new Exporter({ url, compression: compression as never });
    const provider = new TracerProvider({ resource, spanProcessors: [new BatchSpanProcessor({ exporter })] });
    const tracer = provider.getTracer('test');
    for (let i = 0; i < 40; i += 1) request(tracer, Date.now() - 1000 + i);
    await provider.forceFlush();
    await provider.shutdown();
    const samples = await collected();
    expect(troubles).toEqual([]);
    expect(samples[0]).toMatchObject({ job, index: 3, incarnation: 2, version: 'v_b', metric: 'rollway_span_seconds' });
    expect(timesOf(samples)).toEqual({
      request: [40, 800],
      'postgresql select': [40, 320],
      'http payments.example': [40, 200],
      'internal render': [40, 120],
      self: [40, 160],
    });
  });

  test('of sampled traces the shares are the same', async () => {
    const exporter = new ProtobufExporter({ url });
    const sampler = new TraceIdRatioBasedSampler(0.3);
    const processor = new BatchSpanProcessor({ exporter });
    const provider = new TracerProvider({ resource, sampler, spanProcessors: [processor] });
    const tracer = provider.getTracer('test');
    for (let i = 0; i < 200; i += 1) request(tracer, Date.now() - 1000);
    await provider.forceFlush();
    await provider.shutdown();
    const { request: all, 'postgresql select': database } = timesOf(await collected());
    expect(all![0]).toBeGreaterThan(20);
    expect(all![0]).toBeLessThan(120);
    expect(database![1] / all![1]).toBeCloseTo(0.4, 9);
  });
});

/** 20 ms: 8 in a query, 5 in a call beside 3 of rendering, the rest itself. */
function request(tracer: Tracer, atMs: number): void {
  const child = (
    parent: Span,
    name: string,
    kind: SpanKind,
    from: number,
    to: number,
    attributes: Record<string, string>,
  ) => {
    const under = trace.setSpan(context.active(), parent);
    tracer.startSpan(name, { kind, startTime: atMs + from, attributes }, under).end(atMs + to);
  };
  const entry = tracer.startSpan('GET /', { kind: SpanKind.SERVER, startTime: atMs });
  const query = { 'db.system.name': 'postgresql', 'db.operation.name': 'SELECT', 'db.query.text': 'x'.repeat(5000) };
  child(entry, 'SELECT items', SpanKind.CLIENT, 1, 9, query);
  child(entry, 'GET', SpanKind.CLIENT, 9, 14, { 'http.request.method': 'GET', 'server.address': 'payments.example' });
  child(entry, 'render', SpanKind.INTERNAL, 14, 17, {});
  entry.end(atMs + 20);
}

/** Component → requests, milliseconds. */
function timesOf(samples: readonly Sample[]): Record<string, [number, number]> {
  return Object.fromEntries(
    samples.flatMap(({ labels, value }) => {
      if (!('histogramDelta' in value)) return [];
      const { counts, sum } = value.histogramDelta;
      return [[labels.component, [counts.reduce((all, n) => all + n, 0), Math.round(sum * 1e6) / 1000]]];
    }),
  );
}

/** Spans as the SDK itself makes them. */
function finished(given: readonly Given[]): ReadableSpan[] {
  const exporter = new InMemorySpanExporter();
  const provider = new TracerProvider({ resource, spanProcessors: [new SimpleSpanProcessor({ exporter })] });
  const tracer = provider.getTracer('test');
  const spans: Span[] = [];
  for (const { name, kind, startMs, tookMs, parent, attributes } of given) {
    const above = parent !== undefined ? spans[parent] : undefined;
    const under = above ? trace.setSpan(context.active(), above) : context.active();
    const span = tracer.startSpan(name, { kind, startTime: startMs, attributes }, under);
    spans.push(span);
    span.end(startMs + tookMs);
  }
  return exporter.getFinishedSpans();
}

interface Given {
  readonly name: string;
  readonly kind: SpanKind;
  readonly startMs: number;
  readonly tookMs: number;
  readonly parent: number | undefined;
  readonly attributes: Record<string, string | number | boolean>;
}
const key = fc.oneof(
  fc.constantFrom('db.system', 'db.operation.name', 'http.request.method', 'rpc.method', 'server.address'),
  fc.string({ minLength: 1, maxLength: 8 }).filter((text) => text !== '__proto__'),
);
const given: fc.Arbitrary<Given> = fc.record({
  name: fc.string({ maxLength: 300 }),
  kind: fc.constantFrom(SpanKind.INTERNAL, SpanKind.SERVER, SpanKind.CLIENT, SpanKind.PRODUCER, SpanKind.CONSUMER),
  startMs: fc.integer({ min: 1_600_000_000_000, max: 1_900_000_000_000 }),
  tookMs: fc.nat({ max: 100_000 }),
  parent: fc.option(fc.nat({ max: 5 }), { nil: undefined }),
  attributes: fc.dictionary(key, fc.oneof(fc.string({ maxLength: 300 }), fc.integer(), fc.boolean()), { maxKeys: 5 }),
});

test('protobuf and JSON of the SDK’s own encoders read as the same, whatever is in them', () => {
  fc.assert(
    fc.property(fc.array(given, { minLength: 1, maxLength: 8 }), (list) => {
      const spans = finished(list);
      const fromProtobuf = decodeOtlpSpans(ProtobufTraceSerializer.serializeRequest(spans)!, 'protobuf');
      const fromJson = decodeOtlpSpans(JsonTraceSerializer.serializeRequest(spans)!, 'json');
      expect(fromProtobuf).toEqual(fromJson);
      const read = fromProtobuf.flatMap((one) => one.spans);
      expect(read.map(({ traceId, spanId }) => `${traceId}/${spanId}`)).toEqual(
        spans.map((span) => `${span.spanContext().traceId}/${span.spanContext().spanId}`),
      );
      for (const [i, { name, startMs, tookMs, kind }] of list.entries()) {
        const one = read[i]!;
        expect([one.name, one.kind, one.startUs]).toEqual([name.slice(0, 200), kind + 1, startMs * 1000]);
        expect(one.endUs - one.startUs).toBe(tookMs * 1000);
      }
    }),
  );
});

test('whatever bytes come, they are read or refused with a reason, and never for long', () => {
  const one = { name: 'x', kind: SpanKind.SERVER, startMs: 1.7e12, tookMs: 5, parent: undefined };
  const encoded = ProtobufTraceSerializer.serializeRequest(
    finished([{ ...one, attributes: { 'db.system': 'x', a: 1 } }]),
  )!;
  const mutated = fc.tuple(fc.nat({ max: encoded.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => {
    const copy = Uint8Array.from(encoded);
    copy[at] = byte;
    return copy;
  });
  const cut = fc.nat({ max: encoded.length }).map((length) => encoded.slice(0, length));
  const book = new TaskBook();
  const source = spanSource({ book, binMs: 1000 });
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated, cut),
      fc.constantFrom('protobuf', 'json'),
      (bytes, encoding) => {
        try {
          const read = decodeOtlpSpans(bytes, encoding as 'protobuf');
          source.take(
            read.map(({ attributes, spans }) => ({ meant: meantBy(attributes), spans })),
            1.7e12,
            () => true,
          );
        } catch (error) {
          expect(error).toBeInstanceOf(OtlpError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

test('more spans or resources at once than are taken are refused by number', () => {
  const spans = Array.from({ length: 50_001 }, () => ({}));
  const request = (resourceSpans: object[]) => new TextEncoder().encode(JSON.stringify({ resourceSpans }));
  expect(() => decodeOtlpSpans(request([{ scopeSpans: [{ spans }] }]), 'json')).toThrow(/more than 50000 spans/);
  const many = Array.from({ length: 5001 }, () => ({}));
  expect(() => decodeOtlpSpans(request(many), 'json')).toThrow(/more than 5000 resources/);
});
