import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { gunzipSync } from 'node:zlib';
import {
  AggregationTemporalityPreference,
  OTLPMetricExporter as JsonExporter,
} from '@opentelemetry/exporter-metrics-otlp-http';
import { OTLPMetricExporter as ProtobufExporter } from '@opentelemetry/exporter-metrics-otlp-proto';
import { JsonMetricsSerializer, ProtobufMetricsSerializer } from '@opentelemetry/otlp-transformer';
import { resourceFromAttributes } from '@opentelemetry/resources';
import {
  AggregationTemporality,
  AggregationType,
  DataPointType,
  MeterProvider,
  PeriodicExportingMetricReader,
  type ResourceMetrics,
} from '@opentelemetry/sdk-metrics';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { Sample } from '../../../model/index.ts';
import { TaskBook } from '../../index.ts';
import { type PushSource, pushSource } from '../push.ts';
import { decodeOtlp, encodeOtlpAnswer, OtlpError, otlpEncodingOf, toPoints } from './index.ts';

const binMs = 60_000;

describe('the real SDK hands in', () => {
  let close: () => Promise<void>;
  let url: string;
  let source: PushSource;
  const samples: Sample[] = [];
  const notRead: string[] = [];

  beforeEach(async () => {
    samples.length = 0;
    notRead.length = 0;
    const book = new TaskBook();
    source = pushSource({ book, binMs, lateBins: 2, judgeBinMsOf: () => binMs });
    const nowMs = Date.now();
    book.refresh(
      [
        {
          ...{ job: 'shop@production', index: 3, incarnation: 2, version: 'v_b', state: 'serving', labels: {} },
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
      const read = toPoints(decodeOtlp(body, encoding), undefined);
      notRead.push(...read.notRead.map(({ why }) => why));
      notRead.push(...source.take(read.tasks, Date.now(), () => true).reasons);
      response.setHeader('content-type', request.headers['content-type']!);
      response.end(encodeOtlpAnswer({ rejected: 0, message: '' }, encoding));
    });
    await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
    url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/metrics`;
    close = async () => {
      server.closeAllConnections();
      await new Promise((resolve) => server.close(resolve));
    };
  });
  afterEach(async () => await close());

  const preference = {
    delta: AggregationTemporalityPreference.DELTA,
    cumulative: AggregationTemporalityPreference.CUMULATIVE,
  };
  test.for([
    ['protobuf', 'cumulative', 'explicit'],
    ['protobuf', 'cumulative', 'exponential'],
    ['protobuf', 'delta', 'explicit'],
    ['protobuf', 'delta', 'exponential'],
    ['json', 'cumulative', 'explicit'],
    ['json', 'cumulative', 'exponential'],
    ['json', 'delta', 'explicit'],
    ['json', 'delta', 'exponential'],
  ] as const)('%s, %s, %s histograms: what was counted is what arrives', async ([encoding, temporality, shape]) => {
    const Exporter = encoding === 'protobuf' ? ProtobufExporter : JsonExporter;
    const exporter = new Exporter({ url, temporalityPreference: preference[temporality] });
    const provider = new MeterProvider({
      resource: resourceFromAttributes({
        'rollway.job': 'shop@production',
        'rollway.index': 3,
        'rollway.incarnation': 2,
      }),
      readers: [new PeriodicExportingMetricReader({ exporter, exportIntervalMillis: 3_600_000 })],
      views:
        shape === 'exponential'
          ? [{ instrumentName: '*duration', aggregation: { type: AggregationType.EXPONENTIAL_HISTOGRAM } }]
          : [],
    });
    const meter = provider.getMeter('test');
    const requests = meter.createCounter('http.requests');
    const duration = meter.createHistogram('http.server.request.duration', { unit: 's' });
    meter.createObservableGauge('queue').addCallback((result) => result.observe(7));
    const serve = (times: number, seconds: number) => {
      for (let i = 0; i < times; i += 1) {
        requests.add(1, { 'http.response.status_code': i % 10 === 0 ? 500 : 200 });
        duration.record(seconds, { 'http.response.status_code': 200 });
      }
    };
    try {
      // Of totals the first reading is only remembered: what was before is not known.
      serve(20, 0.004);
      await provider.forceFlush();
      if (temporality === 'cumulative') await source.collect(0, AbortSignal.timeout(1000));
      const expected = temporality === 'cumulative' ? 50 : 70;
      serve(49, 0.004);
      serve(1, 7);
      await provider.forceFlush();
      samples.push(...(await source.collect(0, AbortSignal.timeout(1000))).samples);

      expect(notRead).toEqual([]);
      const counted = samples.filter(({ metric }) => metric === 'http_requests_total');
      const sum = counted.reduce(
        (all, { value }) => all + ('counterDelta' in value ? value.counterDelta : Number.NaN),
        0,
      );
      expect(sum).toBe(expected);
      expect(new Set(counted.map(({ labels }) => labels.http_response_status_code))).toEqual(new Set(['200', '500']));
      expect(counted[0]).toMatchObject({ job: 'shop@production', index: 3, incarnation: 2, version: 'v_b' });
      const histograms = samples.flatMap(({ metric, value }) =>
        metric === 'http_server_request_duration_seconds' && 'histogramDelta' in value ? [value.histogramDelta] : [],
      );
      const above = (limit: number) =>
        histograms.reduce(
          (all, { bounds, counts }) => all + counts.reduce((n, c, i) => n + (bounds[i]! > limit ? c : 0), 0),
          0,
        );
      expect(above(0)).toBe(expected);
      expect(above(5), 'the one slow request is in the tail').toBe(1);
      expect(histograms.reduce((all, one) => all + one.sum, 0)).toBeCloseTo((expected - 1) * 0.004 + 7, 9);
      expect(samples.find(({ metric }) => metric === 'queue')?.value).toEqual({ gauge: 7 });
    } finally {
      await provider.shutdown();
    }
  });
});

const attributes = fc.dictionary(
  fc.string({ minLength: 1, maxLength: 8 }).filter((key) => key !== '__proto__'),
  fc.oneof(fc.string(), fc.integer(), fc.boolean()),
  { maxKeys: 4 },
);
const time = fc.integer({ min: 1_600_000_000, max: 1_900_000_000 });
const counts = fc.array(fc.nat({ max: 2 ** 31 - 1 }), { minLength: 1, maxLength: 20 });
// JSON has no negative zero.
const number = fc.double({ noNaN: true, noDefaultInfinity: true }).map((value) => value + 0);
const metric = fc.oneof(
  fc.record({ type: fc.constant(DataPointType.SUM), isMonotonic: fc.boolean(), value: number }),
  fc.record({ type: fc.constant(DataPointType.GAUGE), value: number }),
  fc.record({ type: fc.constant(DataPointType.HISTOGRAM), counts, sum: number }),
  fc.record({
    type: fc.constant(DataPointType.EXPONENTIAL_HISTOGRAM),
    ...{ counts, sum: number, scale: fc.integer({ min: -10, max: 20 }), offset: fc.integer({ min: -1000, max: 1000 }) },
  }),
);

test('protobuf and JSON of the SDK’s own encoders read as the same, whatever is in them', () => {
  fc.assert(
    fc.property(
      attributes,
      fc.array(fc.record({ metric, attributes, time, delta: fc.boolean() }), { maxLength: 6 }),
      (resource, given) => {
        const request = requestOf(resource, given as Given[]);
        const fromProtobuf = decodeOtlp(ProtobufMetricsSerializer.serializeRequest(request)!, 'protobuf');
        const fromJson = decodeOtlp(JsonMetricsSerializer.serializeRequest(request)!, 'json');
        expect(fromProtobuf).toEqual(fromJson);
        const [{ metrics } = { metrics: [] }] = fromProtobuf;
        expect(metrics.map(({ points }) => points[0]!.atMs)).toEqual(given.map((one) => one.time * 1000));
        for (const [i, one] of (given as Given[]).entries()) {
          const point = metrics[i]!.points[0]!;
          if (one.metric.value !== undefined) expect(point.value).toBe(one.metric.value);
          else expect(point.positive?.counts ?? point.counts).toEqual(one.metric.counts);
        }
      },
    ),
  );
});

test('whatever bytes come, they are read or refused with a reason, and never for long', () => {
  const encoded = ProtobufMetricsSerializer.serializeRequest(
    requestOf({ a: 'b' }, [
      {
        metric: { type: DataPointType.HISTOGRAM, counts: [1, 2, 3], sum: 1 },
        attributes: {},
        time: 1_700_000_000,
        delta: true,
      },
    ]),
  )!;
  const mutated = fc.tuple(fc.nat({ max: encoded.length - 1 }), fc.nat({ max: 255 })).map(([at, byte]) => {
    const copy = Uint8Array.from(encoded);
    copy[at] = byte;
    return copy;
  });
  const cut = fc.nat({ max: encoded.length }).map((length) => encoded.slice(0, length));
  fc.assert(
    fc.property(
      fc.oneof(fc.uint8Array({ maxLength: 300 }), mutated, cut),
      fc.constantFrom('protobuf', 'json'),
      (bytes, encoding) => {
        try {
          toPoints(decodeOtlp(bytes, encoding as 'protobuf'), undefined);
        } catch (error) {
          expect(error).toBeInstanceOf(OtlpError);
        }
      },
    ),
    { numRuns: 2000 },
  );
});

interface Given {
  readonly metric: {
    readonly type: DataPointType;
    readonly isMonotonic?: boolean;
    readonly value?: number;
    readonly counts?: readonly number[];
    readonly sum?: number;
    readonly scale?: number;
    readonly offset?: number;
  };
  readonly attributes: Record<string, string | number | boolean>;
  readonly time: number;
  readonly delta: boolean;
}

function requestOf(resource: Record<string, string | number | boolean>, given: readonly Given[]): ResourceMetrics {
  const metrics = given.map(({ metric: one, attributes: of, time: at, delta }, i) => ({
    descriptor: { name: `metric.${i}`, description: '', unit: 's', type: 'COUNTER', valueType: 1, advice: {} },
    aggregationTemporality: delta ? AggregationTemporality.DELTA : AggregationTemporality.CUMULATIVE,
    dataPointType: one.type,
    isMonotonic: one.isMonotonic,
    dataPoints: [{ attributes: of, startTime: [at - 10, 0], endTime: [at, 0], value: contentOf(one) }],
  }));
  return {
    resource: resourceFromAttributes(resource),
    scopeMetrics: [{ scope: { name: 'x' }, metrics }],
  } as unknown as ResourceMetrics;
}

function contentOf({ type, value, counts: of = [], sum, scale, offset }: Given['metric']) {
  const count = of.reduce((all, n) => all + n, 0);
  if (type === DataPointType.HISTOGRAM)
    return { buckets: { boundaries: of.slice(1).map((_, i) => i + 0.5), counts: of }, count, sum };
  if (type !== DataPointType.EXPONENTIAL_HISTOGRAM) return value;
  const negative = { offset: 0, bucketCounts: [] };
  return { scale, zeroCount: 2, positive: { offset, bucketCounts: of }, negative, count: count + 2, sum };
}
